"""A request as operators see it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

import numpy as np

from fastbert_serving.call import Call, Result

PREDICTION_APIS = ("Predict", "Classify")
"""Methods that run a model; TensorFlow Serving counts these alone."""

_REQUEST_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)


@dataclass
class Exchange:
    """One request and what became of it, filled in as it becomes known.

    Model, version and signature are set only once they are known to exist: names that a client made up must become
    neither labels of metrics nor, unasked, words in a log.
    """

    api: str
    """The method's name in TensorFlow Serving's services."""
    entrypoint: str
    """`GRPC` or `REST`."""
    request_id: str
    """Names the request in logs."""
    peer: str = ""
    """The client's address."""
    model: str = ""
    """The model's name; empty for one that is not served."""
    version: int | None = None
    """The version that answered, or would have."""
    signature: str = ""
    """The signature that was asked for; empty for an unknown one."""
    rows: int = 0
    """Rows of the request."""
    speed: float | None = None
    """The speed that load control set; None where it set none."""
    call: Call | None = field(default=None, repr=False)
    """The decoded request."""
    result: Result | None = field(default=None, repr=False)
    """The answer."""
    exit_layers: np.ndarray | None = field(default=None, repr=False)
    """The layer that answered each row; None for models that have no exits."""
    uncertainties: np.ndarray | None = field(default=None, repr=False)
    """The uncertainty of each row's answer; None as above."""
    code: str = "OK"
    """Name of the gRPC status code."""
    cause: str = ""
    """Why there is no answer, as one of a few words; empty where there is one."""
    seconds: float = 0.0
    """Time from the first look at the request to the encoded answer."""


def request_id(given: str | None) -> str:
    """Returns the client's own id where it is one plain word, else a new one: ids travel into logs and headers."""
    return given if given and _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
