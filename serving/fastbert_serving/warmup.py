"""Replay of warm-up records, so that the first client does not wait for lazy initialisation."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from fastbert_serving.errors import ModelError, ServingError
from fastbert_serving.prediction_service import answer
from fastbert_serving.servable import Servable

WARMUP_PATH = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_RECORDS = 1000
"""TensorFlow Serving's limit."""


def warm_up(servable: Servable) -> int:
    """Runs every recorded request of a version; a version without records is served as it is.

    Args:
        servable: the loaded version.

    Returns:
        The number of records.

    Raises:
        ModelError: a record cannot be read, is of a kind other than Predict, or fails; or there are too many.
    """
    path = servable.directory / WARMUP_PATH
    if not path.exists():
        return 0
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            count += 1
            if count > MAX_RECORDS:
                raise ModelError(f"warm-up file {path} holds more than {MAX_RECORDS} records; remove some")
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            if not log.HasField("predict_log"):
                raise ModelError(f"warm-up file {path}, record {count}: only predict_log is replayed; export it again")
            answer(servable, log.predict_log.request)
    except (ServingError, DecodeError, tf.errors.OpError) as error:
        raise ModelError(f"warm-up file {path}, record {count}: {error}; export the model again") from error
    return count
