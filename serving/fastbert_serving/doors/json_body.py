"""The JSON bodies of TensorFlow Serving's REST API, read without trust in the sender."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.example import example_pb2

from fastbert_serving.doors.example_context import with_context
from fastbert_serving.errors import InvalidRequest
from fastbert_serving.signature import Signature, TensorRule

MAX_RANK = 8
"""Deepest nesting of a tensor."""

_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}


_FEATURES = {
    str: "bytes_list",
    dict: "bytes_list",
    float: "float_list",
    int: "int64_list",
    bool: "int64_list",
}


def read_body(body: bytes) -> dict[str, Any]:
    """Parses the body of a request.

    Args:
        body: UTF-8. As in TensorFlow Serving, `NaN`, `Infinity` and `-Infinity` are numbers.

    Raises:
        InvalidRequest: it is no JSON object, names a key twice, or is nested too deeply.
    """
    try:
        content = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object)
    except RecursionError:
        raise InvalidRequest("JSON Parse error: nested too deeply; a tensor has a few levels") from None
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"JSON Parse error: byte {error.start} is no UTF-8; encode bytes as {{'b64': ...}}"
        ) from None
    except InvalidRequest:
        raise
    except ValueError as error:
        raise InvalidRequest(f"JSON Parse error: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest(f"the body must be a JSON object, but is {_kind(content)}")
    return content


def signature_name(content: Mapping[str, Any], default: str) -> str:
    """Returns the signature that a body names.

    Raises:
        InvalidRequest: `signature_name` is no string.
    """
    name = content.get("signature_name", default)
    if not isinstance(name, str):
        raise InvalidRequest(f"'signature_name' key must be a string value, but is {_kind(name)}")
    return name or default


def predict_inputs(content: Mapping[str, Any], signature: Signature) -> tuple[dict[str, np.ndarray], bool]:
    """Reads the tensors of a Predict body.

    Args:
        content: the parsed body, with `instances` (a list of rows) or `inputs` (columns).
        signature: names and types of the inputs.

    Returns:
        Arrays by input name, and whether they came as rows.

    Raises:
        InvalidRequest: the body does not fit the signature; the message names the input.
    """
    if ("instances" in content) == ("inputs" in content):
        raise InvalidRequest("the body must have one of the keys 'instances' (rows) and 'inputs' (columns)")
    if is_rows := "instances" in content:
        columns = _columns_of_rows(content["instances"], signature)
    else:
        columns = _columns(content["inputs"], signature)
    arrays = {}
    for name, values in columns.items():
        if name not in signature.inputs:
            known = ", ".join(signature.inputs)
            raise InvalidRequest(f"input {name!r} is unknown; signature {signature.name!r} takes {known}")
        arrays[name] = to_array(values, signature.inputs[name], name)
    return arrays, is_rows


def to_array(values: Any, rule: TensorRule, name: str) -> np.ndarray:
    """Converts nested lists to an array.

    Args:
        values: a value, or lists of equal lengths at every level.
        rule: gives the type.
        name: the input's name, for error messages.

    Returns:
        The array; strings as an object array of `bytes`.

    Raises:
        InvalidRequest: the lists are ragged, or hold a value of another type.
    """
    shape: list[int] = []
    flat = [values]
    while flat and isinstance(flat[0], list):
        shape.append(len(flat[0]))
        if len(shape) > MAX_RANK:
            raise InvalidRequest(f"input {name!r} is nested more than {MAX_RANK} lists deep; a tensor has a few levels")
        if any(not isinstance(value, list) or len(value) != shape[-1] for value in flat):
            raise InvalidRequest(f"input {name!r} must have lists of one length at each level")
        flat = list(itertools.chain.from_iterable(flat))
    return _typed(flat, rule.dtype, name).reshape(shape)


def examples(content: Mapping[str, Any]) -> list[example_pb2.Example]:
    """Reads the tf.Examples of a Classify body.

    Args:
        content: the parsed body: `examples`, and perhaps `context`, features that all examples share.

    Raises:
        InvalidRequest: there are none, one holds a value that is no feature, or the context is too large for them all.
    """
    found = content.get("examples")
    if not isinstance(found, list) or not found:
        raise InvalidRequest("key 'examples' is expected, a list of at least one object of features")
    context = content.get("context", {})
    for features in (context, *found):
        if not isinstance(features, dict):
            raise InvalidRequest(f"Example must be JSON object but got {_kind(features)}")
    own = [_example(features) for features in found]
    return with_context(_example(context), own) if context else own


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise InvalidRequest("JSON Parse error: an object names a key twice")
    return content


def _columns_of_rows(rows: Any, signature: Signature) -> dict[str, list[Any]]:
    if not isinstance(rows, list) or not rows:
        raise InvalidRequest("'instances' must be a list of at least one row")
    is_named = _is_named(rows[0])
    if any(_is_named(row) != is_named for row in rows):
        raise InvalidRequest("'instances' must hold objects of inputs, or values, but not both")
    if not is_named:
        return {_only_input(signature, "instances"): rows}
    names = set(signature.inputs)
    for index, row in enumerate(rows):
        if row.keys() != names:
            raise InvalidRequest(
                f"Failed to process element: {index} of 'instances' list. JSON object keys must be equal to: "
                + ",".join(signature.inputs)
            )
    return {name: [row[name] for row in rows] for name in signature.inputs}


def _columns(columns: Any, signature: Signature) -> dict[str, Any]:
    return columns if _is_named(columns) else {_only_input(signature, "inputs"): columns}


def _only_input(signature: Signature, key: str) -> str:
    if len(signature.inputs) != 1:
        raise InvalidRequest(
            f"{key!r} holds plain values, but must hold objects, since signature {signature.name!r} takes "
            + ", ".join(signature.inputs)
        )
    return next(iter(signature.inputs))


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _typed(flat: list[Any], dtype: str, name: str) -> np.ndarray:
    if dtype == "string":
        array = np.empty(len(flat), object)
        array[:] = [_bytes(value, name) for value in flat]
        return array
    kinds = {"bool": (bool,), "int32": (int,), "int64": (int,), "float32": (int, float), "float64": (int, float)}
    if dtype not in kinds:
        raise InvalidRequest(f"input {name!r} is {dtype}, which JSON cannot carry; use gRPC")
    for value in flat:
        if type(value) not in kinds[dtype]:  # a boolean is an int for Python, but not here
            raise InvalidRequest(f"input {name!r} must be {dtype}, but holds {_kind(value)}")
    try:
        with np.errstate(over="raise"):
            return np.array(flat, np.float64 if dtype.startswith("float") else dtype).astype(dtype)
    except (OverflowError, FloatingPointError):
        raise InvalidRequest(f"input {name!r} holds a number that {dtype} cannot") from None


def _bytes(value: Any, name: str) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")  # a lone surrogate is no text; the graph deletes it
    if not _is_base64(value):
        raise InvalidRequest(f"input {name!r} must be string, but holds {_kind(value)}")
    text = value["b64"]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(f"input {name!r} holds a 'b64' that is no base64") from None


def _example(features: Mapping[str, Any]) -> example_pb2.Example:
    example = example_pb2.Example()
    for name, content in features.items():
        try:
            feature = example.features.feature[name]
        except UnicodeEncodeError:
            raise InvalidRequest("the name of a feature is no Unicode text") from None
        for value in content if isinstance(content, list) else [content]:
            _add_value(feature, value, name)
    return example


def _add_value(feature: example_pb2.Feature, value: Any, name: str) -> None:
    if type(value) not in _FEATURES:
        raise InvalidRequest(f"feature {name!r} must hold strings or numbers, but has {_kind(value)}")
    field = _FEATURES[type(value)]
    if feature.WhichOneof("kind") not in (None, field):
        raise InvalidRequest(f"feature {name!r} must hold values of one type, but has {_kind(value)} as well")
    value = _bytes(value, name) if field == "bytes_list" else value
    try:
        getattr(feature, field).value.append(int(value) if field == "int64_list" else value)
    except (ValueError, OverflowError):
        raise InvalidRequest(f"feature {name!r} holds a number that int64 cannot") from None


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "null")
