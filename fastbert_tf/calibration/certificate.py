"""What was shown about a classifier's early answers, and for what it was shown."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_serving.dial import Dial
from fastbert_tf.config import Config
from fastbert_tf.files import file_swap

CERTIFICATE_FILE = "certificate.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Subject(Config):
    """What something was shown of, and on which rows."""

    model: str
    """Digest of the classifier."""
    precision: str
    """Arithmetic of the graph."""
    fitted_to: str
    """Digest of the rows that int8 was fitted to; empty in other arithmetics."""
    rows_digest: str
    """Digest of the calibration rows."""


@dataclass(frozen=True)
class Certificate(Config):
    """With `confidence`, the accuracy of early answers is at most `max_accuracy_drop` below the full depth's.

    The confidence is over the choice of the calibration rows: they must be drawn as the rows to come are. It says
    nothing of other texts, nor of another model, precision, policy, set of exits or speed.
    """

    max_accuracy_drop: float
    """The bound, in (0, 1): on the share of rows that lose, and so on the drop."""
    confidence: float
    """In (0, 1)."""
    method: str
    """The test: `binomial` or `hoeffding_bentkus`."""
    rows: int
    """Rows that it was tested on."""
    learning_rows: int
    """Other calibration rows, that a policy was learned on."""
    losses: int
    """Of them, rows that lost at this speed."""
    labelled: bool
    """Whether a row loses only where the teacher is right; else wherever the early answer differs."""
    policies: int
    """Policies that shared the error."""
    policy: dict[str, Any]
    """The exit rule, as `ExitPolicy.to_dict` describes it."""
    exits: tuple[int, ...]
    """Layers whose branch is on, counted from 1."""
    speed: float
    """In [0, 1]; 0 where nothing faster was shown."""
    flops: float
    """Executed operations a row, a mean over the rows."""
    full_flops: float
    """The same of the plain encoder."""
    speedup: float
    """Their ratio."""
    subject: Subject
    """What it is about."""
    dial: Dial
    """Speedups of this policy, learned on the same rows."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "exits", tuple(self.exits))
        if isinstance(self.subject, dict):
            object.__setattr__(self, "subject", Subject.from_dict(self.subject))
        if isinstance(self.dial, dict):
            object.__setattr__(self, "dial", Dial(**self.dial))

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON types."""
        return json.loads(json.dumps(super().to_dict()))  # tuples become lists

    def check(self, model: str, precision: str, fitted_to: str) -> Certificate:
        """Returns the certificate, if it is about this graph.

        Args:
            model: digest of the classifier.
            precision: arithmetic of the graph.
            fitted_to: digest of the rows that int8 is fitted to; empty in other arithmetics.

        Raises:
            ValueError: it is about another one.
        """
        if self.subject.model != model:
            raise ValueError("the certificate is of another classifier; calibrate this one and name that folder")
        if self.subject.precision != precision:
            raise ValueError(
                f"the certificate is of a graph in {self.subject.precision}, but this one is in {precision}; calibrate "
                f"with --precision {precision} and name that folder"
            )
        if self.subject.fitted_to != fitted_to:
            raise ValueError("the certificate is of int8 fitted to other rows; give both commands the same ones")
        return self

    def text(self) -> str:
        """Says it in words."""
        if self.speed == 0:
            return (
                f"no speed above 0 was shown to keep the accuracy within {self.max_accuracy_drop:g}: full depth, "
                f"speedup 1 ({self.rows} rows, confidence {self.confidence:g})"
            )
        lost = "are wrong where the full depth is right" if self.labelled else "differ from the full depth's"
        return (
            f"policy {self.policy['name']}, speed {self.speed:.4g}: at most {self.max_accuracy_drop:g} of the answers "
            f"{lost}, with {self.confidence:g} confidence\n"
            f"{self.losses} of {self.rows} calibration rows did; expected speedup {self.speedup:.2f} "
            f"({self.flops / 1e6:.3g} of {self.full_flops / 1e6:.3g} million operations a row)"
        )


def write_certificate(certificate: Certificate, directory: str | os.PathLike[str]) -> Path:
    """Writes `certificate.json` into a directory, which is made where it is missing.

    Returns:
        The file.

    Raises:
        ValueError: it cannot be written.
    """
    path = Path(directory) / CERTIFICATE_FILE
    content = {"format_version": FORMAT_VERSION, **certificate.to_dict()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_swap(path) as unfinished:
            unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror}); make room or choose another folder") from error
    return path


def read_certificate(directory: str | os.PathLike[str]) -> Certificate:
    """Reads what `write_certificate` wrote.

    Raises:
        ValueError: there is none, or it is damaged or of another version.
    """
    path = Path(directory) / CERTIFICATE_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); name a folder of `fastbert calibrate`") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); calibrate again") from error
    version = values.pop("format_version", None) if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise ValueError(f"{path} has format_version {version!r}, but this release reads {FORMAT_VERSION}; calibrate")
    try:
        return Certificate.from_dict(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); calibrate again") from error
