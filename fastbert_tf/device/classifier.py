"""A classifier in a folder that `fastbert export_litert` wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .interpreter import open_interpreter
from .wordpiece import WordPiece

MODEL, VOCABULARY, MANIFEST = "model.tflite", "vocab.txt", "manifest.json"
FORMAT_VERSION = 1
NEEDED = ("labels", "is_pair", "default_speed", "tokenizer")


@dataclass(frozen=True)
class DeviceAnswer:
    """What the model says of one text."""

    label: str
    """Name of the most probable class."""
    probabilities: tuple[float, ...]
    """One a class, in label order."""
    exit_layer: int
    """The layer that answered, counted from 1."""
    uncertainty: float
    """In [0, 1]."""


class DeviceClassifier:
    """Reads one text at a time, on one thread by default; calls from several threads must take turns.

    Args:
        folder: what `fastbert export_litert` wrote.
        num_threads: threads of one operation, at least 1.

    Attributes:
        manifest: the parsed `manifest.json`.
        tokenizer: makes the model's inputs.

    Raises:
        InterpreterMissing: no LiteRT interpreter is installed.
        OSError: a file is missing.
        ValueError: a file is of something else; `num_threads` is below 1.
    """

    def __init__(self, folder: str | os.PathLike[str], num_threads: int = 1) -> None:
        base = Path(folder)
        self.manifest = _read_manifest(base / MANIFEST)
        settings = self.manifest["tokenizer"]
        self.tokenizer = WordPiece.load(base / VOCABULARY, settings["lower_case"], settings["max_sequence_length"])
        self._interpreter = open_interpreter(base / MODEL, num_threads)
        self._run = self._interpreter.get_signature_runner()

    def __call__(
        self, text: str | bytes, text_pair: str | bytes | None = None, speed: float | None = None
    ) -> DeviceAnswer:
        """Answers one text, or one pair.

        Args:
            text: the text.
            text_pair: the second text, for a pair task.
            speed: in [0, 1]: higher answers earlier, 0 runs all layers; None takes the manifest's.

        Raises:
            ValueError: a list of texts, a missing or surplus second text, or a speed outside [0, 1].
        """
        texts = [text] if text_pair is None else [text, text_pair]
        if not all(isinstance(value, (str, bytes)) for value in texts):
            raise ValueError("the model reads one text at a time, at batch 1; call it once for each text of a list")
        if (text_pair is not None) != self.manifest["is_pair"]:
            wanted = "two texts" if self.manifest["is_pair"] else "one text, no pair"
            raise ValueError(f"the model reads {wanted}; give what it was trained on")
        token_ids, segment_ids = self.tokenizer.encode(text, text_pair)
        return self.answer(token_ids, segment_ids, speed)

    def answer(
        self, token_ids: Sequence[int], segment_ids: Sequence[int] | None = None, speed: float | None = None
    ) -> DeviceAnswer:
        """Answers one row of tokens, `[CLS]` and `[SEP]` among them, none of them padding.

        Args:
            token_ids: ids, 1 to `max_sequence_length` of them.
            segment_ids: 0 or 1 a token, for a pair task; None: all 0.
            speed: in [0, 1]; None takes the manifest's.

        Raises:
            ValueError: more than one row, too many tokens, or an id or speed out of range.
        """
        speed = self.manifest["default_speed"] if speed is None else speed
        if not 0 <= speed <= 1:  # NaN fails both comparisons
            raise ValueError(f"speed must be in [0, 1], but is {speed}")
        settings = self.manifest["tokenizer"]
        tokens = _row(token_ids, "token_ids", settings["max_sequence_length"], settings["vocabulary_size"])
        inputs = {"token_ids": tokens, "speed": np.full(1, speed, np.float32)}
        if not self.manifest["is_pair"] and segment_ids is not None and any(segment_ids):
            raise ValueError("the model reads one text, so segment_ids must all be 0; leave them out")
        if self.manifest["is_pair"]:
            segments = [0] * tokens.size if segment_ids is None else segment_ids
            inputs["segment_ids"] = _row(segments, "segment_ids", tokens.size, 2)
            if inputs["segment_ids"].size != tokens.size:
                raise ValueError(
                    f"segment_ids must be {tokens.size}, one a token, but are {inputs['segment_ids'].size}"
                )
        outputs = self._run(**inputs)
        probabilities = outputs["probabilities"][0]  # (classes,)
        return DeviceAnswer(
            self.manifest["labels"][int(probabilities.argmax())],
            tuple(probabilities.tolist()),
            int(outputs["exit_layer"][0]),
            float(outputs["uncertainty"][0]),
        )


def _row(values: Sequence[int], name: str, longest: int, limit: int) -> np.ndarray:
    """Returns int32 (1, tokens), checked."""
    row = np.asarray(values)
    if row.ndim != 1:
        raise ValueError(f"{name} must be one row of ids, at batch 1, but have shape {row.shape}; call once a row")
    if not 1 <= row.size <= longest:
        raise ValueError(f"{name} must be 1 to {longest} tokens long, but are {row.size}; cut them")
    if not np.issubdtype(row.dtype, np.integer) or row.min() < 0 or row.max() >= limit:
        raise ValueError(f"{name} must be integers in [0, {limit - 1}], but hold {row.min()} to {row.max()}")
    return row.astype(np.int32)[None]


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise ValueError(f"{path} is no JSON ({error}); export the model again") from error
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} must have format_version {FORMAT_VERSION}, but has {version!r}; give a folder that "
            "`fastbert export_litert` of this version wrote"
        )
    missing = [name for name in NEEDED if name not in manifest]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}; export the model again")
    return manifest
