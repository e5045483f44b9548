"""Weights as other engines get them, and our exported graphs, say what the Keras model says."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from harness.peers import saved_model
from harness.peers import tensorflow as plain_tensorflow
from harness.peers.portable_model import PortableModel, portable
from harness.peers.split import SplitEngine
from harness.peers.workload import sorted_workload
from harness.performance.names import PADDED
from harness.performance.ours import build, write_graph

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.data import make_sample_task
from fastbert_tf.inference import ExitSchedule
from fastbert_tf.models import FastBert
from fastbert_tokenizers import WordPieceTokenizer


def random_model(vocabulary_size, activation="gelu"):
    """A small model in which every weight, biases included, counts."""
    keras.utils.set_random_seed(0)
    backbone = BackboneConfig(vocabulary_size, 3, 2, 16, 32, max_sequence_length=16, activation=activation)
    model = FastBert.from_fastbert_config(FastBertConfig(backbone, num_classes=3, branch_dim=8))
    generator = np.random.default_rng(0)
    model.set_weights([w + generator.normal(0, 0.3, w.shape) for w in model.get_weights()])
    return model


def probabilities(model, tokens):
    """(rows, layers, classes), by Keras alone."""
    logits = model({name: tf.constant(values) for name, values in tokens.items()}, training=False)
    return tf.nn.softmax(logits).numpy()


class PortableModelTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        rows = [[1, 7, 7, 2, 9, 3], [1, 2], [1, 5, 2]]
        (self.tokens,) = sorted_workload(rows, [[0, 0, 1, 1, 1, 1], [0, 0], [0, 1, 1]]).batches(3)
        self.folder = Path(self.get_temp_dir())

    def test_survives_its_files(self):
        model = portable(random_model(11))
        model.save(self.folder / "model")
        loaded = PortableModel.load(self.folder / "model")
        self.assertEqual(loaded.shape, model.shape)
        self.assertAllEqual(sorted(loaded.arrays), sorted(model.arrays))
        for name, values in model.arrays.items():
            self.assertAllEqual(loaded.arrays[name], values)

    def test_holds_every_weight_once(self):
        trained = random_model(11)
        count = sum(np.prod(weight.shape) for weight in trained.weights)
        self.assertEqual(sum(values.size for values in portable(trained).arrays.values()), count)

    def test_fused_kernels_stand_side_by_side(self):
        model = portable(random_model(11))
        kernel, bias = model.fused("block_1", "query", "value")
        self.assertAllEqual(kernel[:, 16:], model.arrays["block_1/value/kernel"])
        self.assertAllEqual(bias[:16], model.arrays["block_1/query/bias"])

    @parameterized.parameters("gelu", "gelu_tanh")
    def test_plain_tensorflow_answers_as_keras(self, activation):
        trained = random_model(11, activation)
        portable(trained).save(self.folder)
        engine = plain_tensorflow.load(self.folder, "float32", threads=1)
        self.assertAllClose(
            engine(self.tokens)["probabilities"], probabilities(trained, self.tokens)[:, -1], atol=1e-5, rtol=0
        )


class OursTest(tf.test.TestCase):
    def test_exported_graphs_answer_as_keras_from_tokens_and_texts(self):
        task = make_sample_task(20, 20, 20)
        tokenizer = WordPieceTokenizer(task.vocabulary, max_sequence_length=16)
        trained = random_model(len(task.vocabulary))
        classifier = SavedClassifier(trained, tokenizer, ("a", "b", "c"), is_pair=False)
        texts = list(task.dev.texts[:4])
        tokens = {name: values.numpy() for name, values in tokenizer(texts).items()}
        expected = probabilities(trained, tokens)  # (rows, layers, classes)
        folder = Path(self.get_temp_dir())
        stack = build(classifier, PADDED, task.dev)
        for exits, left_at, threads in (((3,), 3, 2), ((1, 2, 3), 1, 1)):
            directory = folder / str(len(exits))
            write_graph(directory, classifier, stack, ExitSchedule(exits))
            from_tokens = SplitEngine(saved_model.load(directory, "float32", threads), 3)
            from_texts = SplitEngine(saved_model.load_texts(directory, threads), 3)
            self.assertAllClose(from_tokens(tokens)["probabilities"], expected[:, -1], atol=1e-5, rtol=0)
            self.assertAllClose(from_texts(texts)["probabilities"], expected[:, -1], atol=1e-5, rtol=0)
            fast = from_tokens({**tokens, "speed": np.ones(4, np.float32)})
            self.assertAllEqual(fast["exit_layer"], [left_at] * 4)
            self.assertAllClose(fast["probabilities"], expected[:, left_at - 1], atol=1e-5, rtol=0)


if __name__ == "__main__":
    tf.test.main()
