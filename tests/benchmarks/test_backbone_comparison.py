"""Either start chooses on dev, and is compared on test."""

from __future__ import annotations

import tensorflow as tf
from harness.backbone.comparison import compare


class CompareTest(tf.test.TestCase):
    def test_dev_chooses_and_test_is_reported(self):
        asked = []

        def fine_tune(start, rate, seed):
            asked.append((start, rate, seed))
            best = {"pretrained": 0.1, "random": 0.2}[start]
            return {"dev": 0.8 if rate == best else 0.7, "test": (0.5 if rate == best else 0.9) + 0.01 * seed}

        found = compare(fine_tune, (0.1, 0.2), 3)
        self.assertEqual([found[start]["learning_rate"] for start in ("pretrained", "random")], [0.1, 0.2])
        self.assertEqual(found["pretrained"]["dev_by_learning_rate"], {"0.1": 0.8, "0.2": 0.7})
        self.assertAllClose(found["random"]["test"], [0.5, 0.51, 0.52])
        self.assertEqual(found["gain_in_points"], 0)
        self.assertEqual(asked[:4], [("pretrained", 0.1, 0), ("pretrained", 0.2, 0), ("pretrained", 0.1, 1),
                                     ("pretrained", 0.1, 2)])  # fmt: skip

    def test_gain(self):
        found = compare(lambda start, rate, seed: dict.fromkeys(("dev", "test"), 0.8 + 0.05 * (start == "pretrained")),
                        (0.1,), 2)  # fmt: skip
        self.assertAllClose(found["gain_in_points"], 5.0)


if __name__ == "__main__":
    tf.test.main()
