"""What the gRPC services share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import grpc
from absl import logging

from fastbert_serving.errors import MAX_MESSAGE_CHARACTERS, InvalidRequest, ServingError

DEFAULT_MAX_MESSAGE_BYTES = 16 * 2**20
"""Largest request or response; gRPC's own default of 4 MiB is small for a batch of long texts."""


def message_options(max_message_bytes: int) -> list[tuple[str, int]]:
    """Returns the channel or server options that set the largest message, both ways."""
    return [
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
    ]


def require_spec(request: Any) -> None:
    """Refuses a request that names no model.

    Raises:
        InvalidRequest: `model_spec` is missing.
    """
    if not request.HasField("model_spec"):
        raise InvalidRequest("Missing ModelSpec; set model_spec.name")


def answers_errors(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any, grpc.ServicerContext], Any]:
    """Turns exceptions of a service method into gRPC statuses, so that none ends the server.

    Memory is no exception to catch: the limits of the server on bytes, rows and threads bound it.
    """

    @functools.wraps(method)
    def call(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request)
        except ServingError as error:
            context.abort(error.code, error.message[:MAX_MESSAGE_CHARACTERS])
        except Exception:
            logging.exception("%s failed", method.__name__)
            context.abort(grpc.StatusCode.INTERNAL, "internal error; the server's log has the details")

    return call
