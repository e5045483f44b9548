"""Serving over TensorFlow Serving's own gRPC services: an embedded server, a client, and the manifest of a model."""

from fastbert_serving.answer import Answer
from fastbert_serving.client import Client
from fastbert_serving.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ModelError,
    ServerUnavailable,
    ServingError,
    UnknownModel,
    UnknownSignature,
)
from fastbert_serving.manifest import Manifest, ManifestError, TokenizerSettings
from fastbert_serving.server import Server
from fastbert_serving.signature import Signature, TensorRule

__all__ = [
    "Answer",
    "Client",
    "DeadlineExceeded",
    "InvalidRequest",
    "Manifest",
    "ManifestError",
    "ModelError",
    "Server",
    "ServerUnavailable",
    "ServingError",
    "Signature",
    "TensorRule",
    "TokenizerSettings",
    "UnknownModel",
    "UnknownSignature",
]
