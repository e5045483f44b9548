"""Pretraining: warm-up and training in turn, resumed bit for bit, and refused where the parts do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import registry
import samples
import tensorflow as tf
from absl.testing import parameterized
from dual_batches import DualBatches
from killed_run import killed_at
from tensorflow.python.framework import config as framework_config

from fastbert_tf.config import PretrainingConfig, StageConfig
from fastbert_tf.training import Pretraining
from fastbert_tf.training.short_epochs import ShortEpochs

SIZES = (registry.VOCABULARY, samples.STUDENT_VOCABULARY)
CONFIG = PretrainingConfig(
    variant="shared_proj_up",
    student_dim=registry.STUDENT_WIDTH,
    head_warmup=StageConfig(epochs=1, learning_rate=1e-2),
    training=StageConfig(epochs=2, learning_rate=1.0),
    batch_size=4,
    accumulation=2,
    prediction_share=0.2,
    save_every=3,  # in the middle of an accumulation
)
STEPS = 6


def make_network(direction="up"):
    keras.utils.set_random_seed(CONFIG.seed)
    return registry.make_dual(dropout=0.3, direction=direction)


def run(folder, network, config=CONFIG, **options):
    train = DualBatches(*SIZES, steps=STEPS)
    head = DualBatches(*SIZES, p_dt=0.0, steps=STEPS)
    held_out = DualBatches(*SIZES, steps=2), DualBatches(*SIZES, p_dt=0.0, steps=2)
    return Pretraining(config, folder, verbose=0, **options).run(network, train, held_out[0], head, held_out[1])


class PretrainingTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.get_temp_dir())
        # The same Python code without tracing, which would take nearly all of the time.
        tf.config.run_functions_eagerly(True)
        tf.config.experimental.enable_op_determinism()
        self.addCleanup(tf.config.run_functions_eagerly, False)
        self.addCleanup(framework_config.disable_op_determinism)

    def test_kills_in_both_phases_change_no_bit(self):
        undisturbed = make_network()
        history = run(self.folder / "undisturbed", undisturbed, log_directory=self.folder / "tensorboard")
        self.assertEqual(
            [(entry["phase"], entry["epoch"]) for entry in history],
            [("head_warmup", 1), ("shared_proj_up", 1), ("shared_proj_up", 2)],
        )
        self.assertIn("val_student_accuracy", history[-1])
        self.assertIn("loss_ratio", history[-1])
        folders = {path.parent.parent.name for path in (self.folder / "tensorboard").rglob("events*")}
        self.assertEqual(folders, {"0_head_warmup", "1_shared_proj_up"})
        reached = []
        for batch in (4, 8, 8):  # each time the run goes on from the third batch of an epoch
            with killed_at(batch):
                run(self.folder / "killed", make_network())
            position = self._position("killed")
            reached.append((position["phase"], position["epoch"], position["step"]))
        self.assertEqual(reached, [(0, 0, 3), (1, 0, 3), (1, 1, 3)])
        resumed = make_network()
        resumed_history = run(self.folder / "killed", resumed)
        for one, other in zip(undisturbed.variables, resumed.variables, strict=True):
            self.assertAllEqual(one, other, one.path)
        for one, other in zip(history, resumed_history, strict=True):
            self.assertEqual(
                {name: value for name, value in one.items() if name.startswith("val_")},
                {name: value for name, value in other.items() if name.startswith("val_")},
            )

    def _position(self, run_name):
        with np.load(self.folder / run_name / "state.npz") as file:
            return json.loads(str(file["position"]))

    def test_other_settings_are_refused(self):
        network = make_network()
        config = PretrainingConfig(
            **{**CONFIG.to_dict(), "head_warmup": CONFIG.head_warmup, "training": CONFIG.training}
        )
        with killed_at(3):
            run(self.folder, network, config=config)
        other = PretrainingConfig.from_dict({**CONFIG.to_dict(), "epsilon": 2.0})
        with self.assertRaisesRegex(ValueError, "settings differ in epsilon"):
            run(self.folder, network, config=other)

    @parameterized.parameters(
        ("no_kd", "up"), ("dual_train", "up"), ("shared_proj_down", "up"), ("shared_proj_up", None)
    )
    def test_variant_that_does_not_fit_the_network(self, variant, direction):
        config = PretrainingConfig.from_dict({**CONFIG.to_dict(), "variant": variant})
        with self.assertRaisesRegex(ValueError, f"variant {variant} does not fit this DualMaskedLm"):
            run(self.folder, make_network(direction), config=config)

    def test_warm_up_needs_batches(self):
        train = DualBatches(*SIZES)
        with self.assertRaisesRegex(ValueError, "no batches for it"):
            Pretraining(CONFIG).run(make_network(), train, train)


class ShortEpochsTest(tf.test.TestCase):
    def test_cuts_and_goes_on(self):
        batches = DualBatches(*SIZES, steps=5)
        short = ShortEpochs(batches, 3)
        self.assertEqual(short.steps_per_epoch, 3)
        whole = list(short.epoch(seed=1))
        self.assertLen(whole, 3)
        for one, other in zip(whole[2:], short.epoch(seed=1, skip=2), strict=True):
            self.assertAllEqual(one["student_ids"], other["student_ids"])
        self.assertLen(list(short.ordered()), 3)
        self.assertEqual(ShortEpochs(batches, None).steps_per_epoch, 5)
        self.assertEqual(ShortEpochs(batches, 9).steps_per_epoch, 5)
        with self.assertRaisesRegex(ValueError, "steps must be at least 1"):
            ShortEpochs(batches, 0)


if __name__ == "__main__":
    tf.test.main()
