"""What a server answers instead of a result: raised by its core, sent as a gRPC status, raised again by the client."""

from __future__ import annotations

import re

import grpc

MAX_MESSAGE_CHARACTERS = 500
"""Longer messages are cut: gRPC carries them in a trailer of at most 8 KiB."""

_ASSERTION = re.compile(r"assertion failed: \[(?P<words>.*?)\]\s*(?:\[\[\{\{|$)", re.DOTALL)
_NODE = re.compile(r"\s*\[\[\{\{.*", re.DOTALL)


class ModelError(ValueError):
    """A model directory cannot be served."""


class ServingError(Exception):
    """A request without a result.

    Args:
        message: one line: the rule, what was received, and the mend.
        code: the gRPC status; None takes the class's own.
    """

    code = grpc.StatusCode.UNKNOWN

    def __init__(self, message: str, code: grpc.StatusCode | None = None) -> None:
        self.message = " ".join(message.split())  # it may quote a client's words, line ends and all
        super().__init__(self.message)
        self.code = code or self.code


class InvalidRequest(ServingError, ValueError):
    """The request breaks a rule; sending it again gives the same answer."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class ConfigError(ServingError, ValueError):
    """Settings cannot be used: a file, or a message that carries the same."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class UnknownModel(ServingError, LookupError):
    """The server holds no such model or version."""

    code = grpc.StatusCode.NOT_FOUND


class UnknownSignature(ServingError, LookupError):
    """The model has no such signature; as in TensorFlow Serving, the code is FAILED_PRECONDITION."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class ServerUnavailable(ServingError, ConnectionError):
    """No server answers at the address, or it is shutting down."""

    code = grpc.StatusCode.UNAVAILABLE


class DeadlineExceeded(ServingError, TimeoutError):
    """The answer did not come in time."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class ResourceExhausted(ServingError):
    """The server has more work than it takes; send the request again later."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class Cancelled(ServingError):
    """The client has gone before its answer was ready."""

    code = grpc.StatusCode.CANCELLED


class Unauthenticated(ServingError, PermissionError):
    """The request carries no valid token."""

    code = grpc.StatusCode.UNAUTHENTICATED


class PermissionDenied(ServingError, PermissionError):
    """The server does not do this for clients."""

    code = grpc.StatusCode.PERMISSION_DENIED


class Unimplemented(ServingError, NotImplementedError):
    """The server has no such method."""

    code = grpc.StatusCode.UNIMPLEMENTED


_CLASSES: dict[grpc.StatusCode, type[ServingError]] = {
    error.code: error
    for error in (
        InvalidRequest,
        UnknownModel,
        UnknownSignature,
        ServerUnavailable,
        DeadlineExceeded,
        ResourceExhausted,
        Cancelled,
        Unauthenticated,
        PermissionDenied,
        Unimplemented,
    )
}


def serving_error(code: grpc.StatusCode, message: str) -> ServingError:
    """Returns the exception for a gRPC status, of the class that says most."""
    return _CLASSES.get(code, ServingError)(message, code)


def plain_words(message: str) -> str:
    """Takes a check's own words out of a TensorFlow error; of other errors, the text without graph node names."""
    found = _ASSERTION.search(message)
    words = found["words"] if found else _NODE.sub("", message.removeprefix("Graph execution error:"))
    return " ".join(words.split())[:MAX_MESSAGE_CHARACTERS]
