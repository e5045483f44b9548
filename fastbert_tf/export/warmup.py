"""Warm-up records: requests that a server replays before it reports a version as ready."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from fastbert_tf.config import LEAST_SPEED
from fastbert_tf.inference import TOKEN_COUNTS

WARMUP_PATH = Path("assets.extra") / "tf_serving_warmup_requests"
LENGTHS = (4, 16, 64)
"""Words of the texts; at least as many tokens. The longest input comes besides, in a row of its own."""
BATCH_SIZES = (1, 8)

Arrays = dict[str, np.ndarray]


def write_warmup_requests(
    version_directory: Path, is_pair: bool, max_sequence_length: int, has_dial: bool = False
) -> None:
    """Writes requests to where TensorFlow Serving looks for them.

    Every signature gets a few lengths and batch sizes; and tokenised rows come alone, of every number of tokens that
    the packed stacks compute: oneDNN prepares its products for each one when it comes.

    Args:
        version_directory: the directory that holds `saved_model.pb`.
        is_pair: whether an input is a pair of texts.
        max_sequence_length: longest input, in tokens.
        has_dial: whether there is a signature `with_speedup`.
    """
    path = version_directory / WARMUP_PATH
    path.parent.mkdir(exist_ok=True)
    shapes = [(rows, min(length, max_sequence_length)) for length in LENGTHS for rows in BATCH_SIZES]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for rows, length in [*shapes, (1, max_sequence_length)]:
            for signature, inputs in _requests(rows, length, is_pair, has_dial):
                writer.write(_record(signature, inputs))
        for length in [count for count in TOKEN_COUNTS if 0 < count < max_sequence_length]:
            writer.write(_record("tokenized", _tokens(length, np.array([LEAST_SPEED], np.float32))))


def _requests(rows: int, length: int, is_pair: bool, has_dial: bool) -> Iterator[tuple[str, Arrays]]:
    """Yields (signature, inputs).

    Speed 0 takes a row through all layers. The other rows of a batch get speeds up to 1: some leave early, which runs
    what else the graph holds.
    """
    text = " ".join(["a"] * length).encode()
    texts = {name: np.array([text] * rows, object) for name in (("text", "text_pair") if is_pair else ("text",))}
    speed = np.linspace(0, 1, rows, dtype=np.float32)
    features = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text])) for name in texts}
    example = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    yield "serving_default", texts
    yield "with_speed", {**texts, "speed": speed}
    if has_dial:
        yield "with_speedup", {**texts, "speedup": 1 + speed}
    yield "tokenized", _tokens(length, speed)
    yield "classify", {"inputs": np.array([example] * rows, object)}


def _tokens(length: int, speed: np.ndarray) -> Arrays:
    tokens = np.ones((len(speed), length), np.int32)  # (rows, sequence); token 1 exists in every vocabulary
    return {"token_ids": tokens, "segment_ids": 0 * tokens, "padding_mask": tokens, "speed": speed}


def _record(signature: str, inputs: Arrays) -> bytes:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "fastbert"  # servers do not read it: the records lie inside the model
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()
