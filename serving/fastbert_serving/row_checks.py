"""Checks of a request's values that the exported graph makes too.

A batch fails as a whole: a stock server then answers everybody in it with the error that one row has caused, and the
embedded server computes it again, call by call. So both doors ask first what the graph would ask, in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from google.protobuf.message import DecodeError
from tensorflow.core.example import example_pb2

from fastbert_serving.errors import InvalidRequest
from fastbert_serving.manifest import Manifest
from fastbert_serving.signature import Signature

Arrays = Mapping[str, np.ndarray]
_CLASSIFY = "classify"
_TOKENS = ("token_ids", "segment_ids", "padding_mask")


def check_values(inputs: Arrays, signature: Signature, manifest: Manifest | None) -> None:
    """Checks what a call brings for one of this package's own signatures; lets pass what is for others.

    Args:
        inputs: arrays by input name, of the signature's types and shapes.
        signature: what shall run.
        manifest: of the version that shall run it; None for a model of others, whose rules are not known.

    Raises:
        InvalidRequest: a rule is broken; the message names input and row.
    """
    if manifest is None:
        return
    texts = ("text", "text_pair") if manifest.is_pair else ("text",)
    ranks = {name: array.ndim for name, array in inputs.items()}
    if signature.name == _CLASSIFY and ranks == {"inputs": 1}:
        check_examples(inputs["inputs"], texts)
    ours = (dict.fromkeys((*texts, "speed"), 1), {**dict.fromkeys(_TOKENS, 2), "speed": 1})
    if "exit_layer" in signature.outputs and {"speed": 1, **ranks} in ours:  # with a speed or without
        check_rows(inputs, manifest.tokenizer.vocabulary_size)


def check_rows(inputs: Arrays, vocabulary_size: int | None = None) -> None:
    """Checks row counts, speeds and tokens.

    Args:
        inputs: arrays by input name, of the signature's types and shapes.
        vocabulary_size: token ids lie below it; None where it is not known.

    Raises:
        InvalidRequest: a rule is broken; the message names input and row.
    """
    names = sorted(inputs, key=lambda name: (name == "speed", name))
    if len({len(inputs[name]) for name in names}) > 1:
        counts = ", ".join(f"{name} has {len(inputs[name])}" for name in names)
        raise InvalidRequest(f"inputs need the same number of rows, but {counts}")
    if "speed" in inputs:
        _check_range("speed", inputs["speed"], 0, 1)
    if "token_ids" in inputs:
        _check_tokens(inputs, vocabulary_size)


def check_examples(serialized: np.ndarray, features: Sequence[str]) -> None:
    """Checks the input of the signature `classify`.

    Args:
        serialized: tf.Examples, shape (rows,).
        features: names of the texts that each must hold once.

    Raises:
        InvalidRequest: a row is no such tf.Example.
    """
    for row, content in enumerate(serialized.tolist()):
        try:
            feature = example_pb2.Example.FromString(content).features.feature
        except DecodeError as error:
            raise InvalidRequest(f"Could not parse example input: row {row} of inputs is no tf.Example") from error
        for name in features:
            if len(feature[name].bytes_list.value) != 1:
                raise InvalidRequest(
                    f"row {row} of inputs needs one string as feature {name!r}, but has "
                    f"{len(feature[name].bytes_list.value)}"
                )


def _check_tokens(inputs: Arrays, vocabulary_size: int | None) -> None:
    shapes = {name: array.shape for name, array in inputs.items() if array.ndim == 2}
    if len(set(shapes.values())) > 1:
        each = ", ".join(f"{name} is {list(shape)}" for name, shape in sorted(shapes.items()))
        raise InvalidRequest(f"token inputs need the same shape, but {each}")
    mask = inputs["padding_mask"]
    if not mask.shape[1]:
        raise InvalidRequest("token_ids must be at least 1 token long, but are 0")
    _check_range("token_ids", inputs["token_ids"], 0, np.inf if vocabulary_size is None else vocabulary_size - 1)
    _check_range("segment_ids", inputs["segment_ids"], 0, np.inf)
    _check_range("padding_mask", mask, 0, 1)
    empty = np.flatnonzero(~mask.any(axis=1))
    if len(empty):
        raise InvalidRequest(f"every row needs at least one real token, but row {empty[0]} has none")


def _check_range(name: str, values: np.ndarray, lowest: float, highest: float) -> None:
    is_right = (values >= lowest) & (values <= highest)  # false for NaN
    if is_right.all():
        return
    bad = tuple(np.argwhere(~is_right)[0])
    rule = f"in [{lowest}, {highest}]" if highest < np.inf else f"at least {lowest}"
    raise InvalidRequest(f"{name} must be {rule}, but row {bad[0]} holds {values[bad]:g}")
