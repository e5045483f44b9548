"""Replay of warm-up records, so that the first client does not wait for lazy initialisation."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from absl import logging
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from fastbert_serving.errors import ModelError, ServerUnavailable, ServingError
from fastbert_serving.models.servable import Servable
from fastbert_serving.tensor_codec import to_array

WARMUP_PATH = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_RECORDS = 1000
"""TensorFlow Serving's limit."""


def warm_up(servable: Servable) -> int:
    """Runs every recorded Predict request of a version; a version without records is served as it is.

    Records of other calls (Classify, Regress) are left out, with a warning.

    Args:
        servable: the loaded version.

    Returns:
        The number of requests that were run.

    Raises:
        ModelError: a record cannot be read, or its request fails; or there are too many.
        ServerUnavailable: the server is stopping.
    """
    path = servable.directory / WARMUP_PATH
    if not path.exists():
        return 0
    count = replayed = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            count += 1
            if count > MAX_RECORDS:
                raise ModelError(f"warm-up file {path} holds more than {MAX_RECORDS} records; remove some")
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            if log.HasField("predict_log"):
                _replay(servable, log.predict_log.request)
                replayed += 1
    except (ModelError, ServerUnavailable):
        raise
    except (ServingError, DecodeError, ValueError, tf.errors.OpError) as error:
        raise ModelError(f"warm-up file {path}, record {count}: {error}; export the model again") from error
    if replayed < count:
        logging.warning("warm-up file %s: left out %d records that are no Predict requests", path, count - replayed)
    return replayed


def _replay(servable: Servable, request: predict_pb2.PredictRequest) -> None:
    inputs = {alias: to_array(proto) for alias, proto in request.inputs.items()}
    servable.warm_up(request.model_spec.signature_name, inputs, request.output_filter)
