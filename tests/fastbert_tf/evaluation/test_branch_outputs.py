"""One forward pass over batches of different lengths."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, predict_branches
from fastbert_tf.inference import FloatStack, KerasStack
from fastbert_tf.models import FastBert

CONFIG = FastBertConfig(BackboneConfig(30, 3, 2, 8, 16, max_sequence_length=12), 3, branch_dim=4, branch_heads=2)
LENGTHS = ((4, 2, 3), (9, 7), (2,))  # real tokens, a tuple a batch


def batches(labelled: bool) -> list:
    rng = np.random.default_rng(0)
    made = []
    for lengths in LENGTHS:
        mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int32)
        ids = rng.integers(1, 30, mask.shape).astype(np.int32) * mask
        features = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": mask}
        made.append((features, np.arange(len(lengths), dtype=np.int32)) if labelled else features)
    return made


def outputs(**changes) -> BranchOutputs:
    values = {
        "probabilities": np.full((4, 2, 2), 0.5, np.float32),
        "labels": np.zeros(4, np.int32),
        "lengths": np.ones(4, np.int32),
    }
    return BranchOutputs(**{**values, **changes})


class PredictBranchesTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keras.utils.set_random_seed(0)
        cls.model = FastBert.from_fastbert_config(CONFIG)
        cls.probabilities = predict_branches(KerasStack(cls.model), batches(labelled=True)).probabilities

    def test_every_row_and_branch_in_order(self):
        found = predict_branches(KerasStack(self.model), batches(labelled=True))
        self.assertEqual(found.probabilities.shape, (6, 3, 3))
        self.assertEqual(found.probabilities.dtype, np.float32)
        self.assertLen(found, 6)
        self.assertAllEqual(found.labels, [0, 1, 2, 0, 1, 0])
        self.assertAllEqual(found.lengths, [4, 2, 3, 9, 7, 2])
        stack, row = KerasStack(self.model), 0
        for features, _ in batches(labelled=True):
            state = stack.start(features)
            for layer in range(3):
                state = stack.layer(layer, state)
                expected = stack.classify(layer, state)
                self.assertAllClose(found.probabilities[row : row + len(expected), layer], expected, atol=1e-6)
            row += len(expected)

    def test_the_packed_stack_says_the_same(self):
        found = predict_branches(FloatStack(self.model), batches(labelled=True))
        self.assertAllClose(found.probabilities, self.probabilities, atol=1e-5)
        self.assertAllEqual(found.lengths, [4, 2, 3, 9, 7, 2])

    def test_unlabelled(self):
        found = predict_branches(KerasStack(self.model), batches(labelled=False))
        self.assertIsNone(found.labels)
        self.assertAllEqual(found.probabilities, self.probabilities)  # and no dropout: two passes are equal

    @parameterized.parameters(True, False)
    def test_data_sets_of_tensorflow(self, labelled):
        made = batches(labelled)
        spec = tf.nest.map_structure(lambda x: tf.TensorSpec([None] * x.ndim, x.dtype), made[0])
        dataset = tf.data.Dataset.from_generator(lambda: iter(made), output_signature=spec)
        found = predict_branches(KerasStack(self.model), dataset)
        self.assertAllEqual(found.probabilities, self.probabilities)
        self.assertEqual(found.labels is not None, labelled)

    def test_64_bit_inputs(self):
        wide = tf.nest.map_structure(lambda x: x.astype(np.int64), batches(labelled=True))
        found = predict_branches(KerasStack(self.model), wide)
        self.assertAllEqual(found.probabilities, self.probabilities)
        self.assertEqual(found.labels.dtype, np.int32)

    def test_empty(self):
        with self.assertRaisesRegex(ValueError, "no batch to evaluate; the data set must have at least 1 row"):
            predict_branches(KerasStack(self.model), [])

    def test_partly_labelled(self):
        with self.assertRaisesRegex(ValueError, "1 of 2 batches are labelled; label all of them or none"):
            predict_branches(KerasStack(self.model), [batches(True)[0], batches(False)[1]])

    def test_diverged_model(self):
        kernel = self.model.students[1].classifier.kernel
        self.addCleanup(kernel.assign, kernel.numpy())
        kernel.assign(kernel * np.nan)
        with self.assertRaisesRegex(ValueError, "row 0 and 5 more hold NaN .* the model has diverged"):
            predict_branches(KerasStack(self.model), batches(labelled=True))


class BranchOutputsTest(tf.test.TestCase, parameterized.TestCase):
    def test_predictions(self):
        probabilities = np.array([[[0.2, 0.8], [0.6, 0.4]]], np.float32)
        found = BranchOutputs(probabilities, None, np.ones(1, np.int32))
        self.assertAllEqual(found.predictions, [[1, 0]])

    @parameterized.named_parameters(
        ("no_rows", {"probabilities": np.zeros((0, 2, 2), np.float32)}, "at least 1 row"),
        ("no_layers", {"probabilities": np.zeros((4, 2), np.float32)}, r"must be \(rows, layers, classes\)"),
        ("labels", {"labels": np.zeros(3, np.int32)}, r"labels must be \(4,\), one a row, but are \(3,\)"),
        ("lengths", {"lengths": np.ones(5, np.int32)}, r"lengths must be \(4,\)"),
        ("high_label", {"labels": np.array([0, 1, 2, 0], np.int32)}, "labels must be 0 to 1, but row 2 has 2"),
        ("low_label", {"labels": np.array([-1, 1, 1, 0], np.int32)}, "labels must be 0 to 1, but row 0 has -1"),
        ("infinite", {"probabilities": np.full((4, 2, 2), np.inf, np.float32)}, "row 0 and 3 more hold NaN"),
    )
    def test_errors(self, changes, message):
        with self.assertRaisesRegex(ValueError, message):
            outputs(**changes)


if __name__ == "__main__":
    tf.test.main()
