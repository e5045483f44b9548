"""SavedModels that no fastbert wrote."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from fastbert_serving.models.servable import Servable

WARMUP_PATH = Path("assets.extra") / "tf_serving_warmup_requests"


class Doubler(tf.Module):
    """Doubles numbers, and refuses negative ones; its outputs have the batch first."""

    def __init__(self):
        super().__init__()
        self.factor = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def double(self, x):
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(x >= 0), ["x must not be negative"])]):
            return {"twice": self.factor * x, "text": tf.strings.as_string(x)}


def save_doubler(directory: Path) -> Path:
    """Saves the model as a version directory."""
    model = Doubler()
    tf.saved_model.save(model, str(directory), signatures={"serving_default": model.double, "other": model.double})
    return directory


class Chooser(tf.Module):
    """Classifies texts by their words: a table, weights and an asset as in a classifier, but it loads at once."""

    def __init__(self, words: Path):
        super().__init__()
        file = tf.lookup.TextFileInitializer(
            str(words), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        self.table = tf.lookup.StaticVocabularyTable(file, num_oov_buckets=1)
        entries = len(words.read_text().splitlines()) + 1
        self.scores = tf.Variable(np.random.default_rng(0).normal(size=(entries, 3)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def choose(self, text):
        words = tf.strings.split(text)  # (rows, words), ragged
        scores = tf.gather(self.scores, self.table.lookup(words))  # (rows, words, classes)
        probabilities = tf.nn.softmax(tf.reduce_sum(scores, axis=1))  # (rows, classes)
        return {"probabilities": probabilities, "label_id": tf.argmax(probabilities, axis=-1)}


def save_chooser(directory: Path, words: Sequence[str]) -> Path:
    """Saves the model as a version directory."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "words.txt"
        file.write_text("\n".join(words) + "\n")
        model = Chooser(file)
        tf.saved_model.save(model, str(directory), signatures={"serving_default": model.choose})
    return directory


class DoublerCase(tf.test.TestCase):
    """Tests of the model, loaded once: `directory` is version 7, `servable` runs it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.directory = save_doubler(Path(holder.name) / "7")
        cls.servable = Servable(cls.directory)
        cls.addClassCleanup(cls.servable.close)


def floats(*numbers: float) -> dict[str, np.ndarray]:
    """Inputs of the model."""
    return {"x": np.array(numbers, np.float32)}


def predict_log(signature: str, *numbers: float) -> bytes:
    """A warm-up record."""
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.array(numbers, np.float32)))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    ).SerializeToString()


def write_warm_up(directory: Path, *records: bytes) -> Path:
    """Writes a version's warm-up file."""
    path = directory / WARMUP_PATH
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path
