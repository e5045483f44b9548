"""Checks of a request's values that the exported graph makes too.

A batch fails as a whole: a stock server then answers everybody in it with the error that one row has caused, and the
embedded server computes it again, call by call. So both doors ask first what the graph would ask, in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from google.protobuf.message import DecodeError
from tensorflow.core.example import example_pb2

from fastbert_serving.call import SPEEDUP_SIGNATURE
from fastbert_serving.errors import InvalidRequest
from fastbert_serving.manifest import Manifest, TokenLimits
from fastbert_serving.signature import Signature

Arrays = Mapping[str, np.ndarray]
_CLASSIFY = "classify"
_DIALS = ("speed", "speedup")
_TOKENS = ("padding_mask", "segment_ids", "token_ids")
_UNKNOWN = 2**31  # what no int32 reaches


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
    if signature.name == SPEEDUP_SIGNATURE and ranks == dict.fromkeys((*texts, "speedup"), 1):
        _check_counts(inputs)
        _check_least("speedup", inputs["speedup"], 1)
    if "exit_layer" in signature.outputs and {"speed": 1, **ranks} in ours:  # with a speed or without
        unknown = TokenLimits(manifest.tokenizer.vocabulary_size, _UNKNOWN, _UNKNOWN)
        check_rows(inputs, manifest.token_limits or unknown)


def check_rows(inputs: Arrays, limits: TokenLimits) -> None:
    """Checks tokens, row counts and speeds, in the graph's order.

    Args:
        inputs: arrays by input name, of the signature's types and shapes.
        limits: of the tokens.

    Raises:
        InvalidRequest: a rule is broken; the message names input and row.
    """
    if "token_ids" in inputs:
        _check_tokens(inputs, limits)
    _check_counts(inputs)
    if "speed" in inputs:
        _check_range("speed", inputs["speed"], 0, 1)


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


def _check_counts(inputs: Arrays) -> None:
    names = sorted(inputs.keys() - {"segment_ids", "padding_mask"}, key=lambda name: (name in _DIALS, name))
    if len({len(inputs[name]) for name in names}) > 1:
        counts = ", ".join(f"{name} has {len(inputs[name])}" for name in names)
        raise InvalidRequest(f"inputs need the same number of rows, but {counts}")


def _check_tokens(inputs: Arrays, limits: TokenLimits) -> None:
    shapes = {name: inputs[name].shape for name in _TOKENS}
    if len(set(shapes.values())) > 1:
        each = ", ".join(f"{name} is [{rows} {length}]" for name, (rows, length) in shapes.items())
        raise InvalidRequest(f"token inputs need the same shape, but {each}")
    mask, longest = inputs["padding_mask"], limits.max_sequence_length
    if not 1 <= mask.shape[1] <= longest:
        raise InvalidRequest(f"token_ids must be 1 to {longest} tokens long, but are {mask.shape[1]}")
    _check_range("token_ids", inputs["token_ids"], 0, limits.vocabulary_size - 1)
    _check_range("segment_ids", inputs["segment_ids"], 0, limits.num_segments - 1)
    _check_range("padding_mask", mask, 0, 1)
    empty = np.flatnonzero(~mask.any(axis=1))
    if len(empty):
        raise InvalidRequest(f"every row needs at least one real token, but row {empty[0]} has none")


def _check_least(name: str, values: np.ndarray, lowest: int) -> None:
    wrong = np.flatnonzero(~(values >= lowest))  # NaN, too
    if len(wrong):
        raise InvalidRequest(f"{name} must be at least {lowest}, but row {wrong[0]} holds {values[wrong[0]]:g}")


def _check_range(name: str, values: np.ndarray, lowest: int, highest: int) -> None:
    is_right = (values >= lowest) & (values <= highest)  # false for NaN
    if is_right.all():
        return
    bad = tuple(np.argwhere(~is_right)[0])
    found = format(values[bad], "g" if values.dtype.kind == "f" else "d")
    raise InvalidRequest(f"{name} must be in [{lowest}, {highest}], but row {bad[0]} holds {found}")
