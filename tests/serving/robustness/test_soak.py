"""The one-minute form of `benchmarks/soak.py`."""

import tempfile
from pathlib import Path

import tensorflow as tf
from harness.soaking import SoakSettings, soak
from small_classifier import quick_export

# A rate far below what the model allows: the machine may have other work, and a full queue refuses calls, rightly.
SETTINGS = SoakSettings(
    seconds=60, rate=25, swap_seconds=5, fewest_swaps=2, disturb_seconds=0.5, max_growth_mebibytes=128, is_pinned=False
)


class SoakTest(tf.test.TestCase):
    def test_nothing_is_lost(self):
        _, export = quick_export(num_layers=2, warm_up=("with_speed",))  # a swap costs as much as the graph is large
        with tempfile.TemporaryDirectory() as folder:
            found = soak(export, SETTINGS, Path(folder) / "server.log")
        self.assertEqual(found["problems"], [])
        self.assertGreater(found["calls"]["OK"], 1000)
        self.assertEqual(list(found["rest_answers"]), ["right"])
        self.assertGreater(found["rest_answers"]["right"], 5)
        for disturbance, count in found["disturbances"].items():
            self.assertGreater(count, 0, disturbance)


if __name__ == "__main__":
    tf.test.main()
