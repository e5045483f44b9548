"""What adaptive inference would do is measured after each epoch, and changes nothing."""

from __future__ import annotations

import json

import tensorflow as tf
from eager_training import eager_training
from trained_sample import TrainedSampleCase

from fastbert_tf.data import BatchPipeline
from fastbert_tf.evaluation import predict_branches, speed_curve
from fastbert_tf.inference import FloatStack, NormalizedEntropy
from fastbert_tf.recipes.epoch_observer import EpochObserver
from fastbert_tf.recipes.train import selection_split

SPEED = 0.9


class EpochObserverTest(TrainedSampleCase):
    def test_every_epoch_is_measured_as_an_evaluation_would(self):
        with eager_training():
            observed = self.train("observed", observe_speed=SPEED)
        history = json.loads((self.folder / "observed" / "history.json").read_text())
        self.assertLen(history, 2)
        rows = selection_split(self.task, 0.05, 0, self.task.train)[1]
        outputs = predict_branches(FloatStack(observed.model), BatchPipeline(rows, observed.tokenizer).ordered())
        (point,) = speed_curve(outputs, NormalizedEntropy(), observed.model.config, speeds=[SPEED]).points
        found = history[-1]["observed"]  # of the only epoch of its phase, so of the classifier that is kept
        self.assertEqual((found["rows"], found["speed"]), (len(rows), SPEED))
        self.assertAllClose(found["accuracy"], point.metrics["accuracy"])
        self.assertAllClose(found["executed_flops"], point.executed_flops)
        for ours, theirs in zip(observed.model.get_weights(), self.classifier.model.get_weights(), strict=True):
            self.assertAllEqual(ours, theirs)

    def test_a_speed_that_is_none(self):
        with self.assertRaisesRegex(ValueError, r"speed must be in \[0, 1\], but is 2"):
            EpochObserver(self.task.train, 2.0)


if __name__ == "__main__":
    tf.test.main()
