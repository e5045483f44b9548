"""What can be wrong with a Predict request: each mutation breaks a rule, or bends it as far as it goes."""

from __future__ import annotations

import random
from typing import TypeAlias

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2

from harness.fuzz_contract import INT, SIGNATURES, STRING, Contract
from harness.fuzz_values import BAD_SPEEDS, GOOD_SPEEDS, LARGE_INTEGERS, NAMES, VERSIONS, odd_text

Request: TypeAlias = predict_pb2.PredictRequest
_DTYPES = [value for value in types_pb2.DataType.values() if value]
_SHAPES = ((), (0,), (1,), (2,), (1, 1), (2, 1), (3, 2), (1, 1, 1), (-1,), (2**40,), (2**31, 2**31, 4), (1,) * 300)


def put(request: Request, **arrays: np.ndarray) -> None:
    """Sets inputs of a request."""
    for alias, array in arrays.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(array))


def _model_name(rng: random.Random, request: Request, contract: Contract) -> None:
    if rng.random() < 0.2:
        request.ClearField("model_spec")
    else:
        request.model_spec.name = rng.choice(NAMES)


def change_version(rng: random.Random, request: Request, contract: Contract) -> None:
    """Asks for another version, or by label."""
    if rng.random() < 0.3:
        request.model_spec.version_label = rng.choice(("", "stable", "canary", "3", "a" * 300))
    else:
        request.model_spec.version.value = rng.choice((contract.version, *VERSIONS))


def _signature(rng: random.Random, request: Request, contract: Contract) -> None:
    names = (*SIGNATURES, "", "x", "Serving_Default", "__saved_model_init_op", "a" * 300, "train")
    request.model_spec.signature_name = rng.choice(names)


def _inputs(rng: random.Random, request: Request, contract: Contract) -> None:
    alias = rng.choice(list(request.inputs) or [""])
    match rng.randrange(4):
        case 0:
            request.inputs.pop(alias, None)
        case 1:
            request.inputs[rng.choice(("x", "", "Text", "text ", "text:0"))].CopyFrom(request.inputs[alias])
        case 2:
            request.inputs.clear()
        case _:
            for number in range(rng.choice((10, 1000))):
                request.inputs[f"x{number}"].CopyFrom(request.inputs[alias])


def _dtype(rng: random.Random, request: Request, contract: Contract) -> None:
    request.inputs[_alias(rng, request)].dtype = rng.choice((*_DTYPES, 0, 12345, -1))


def _shape(rng: random.Random, request: Request, contract: Contract) -> None:
    shape = request.inputs[_alias(rng, request)].tensor_shape
    shape.Clear()
    if rng.random() < 0.1:
        shape.unknown_rank = True
    for size in rng.choice(_SHAPES):
        shape.dim.add(size=size)


def _content(rng: random.Random, request: Request, contract: Contract) -> None:
    proto = request.inputs[_alias(rng, request)]
    if rng.random() < 0.5:
        for name in ("string_val", "float_val", "int_val"):
            proto.ClearField(name)
    if rng.random() < 0.4:  # as C++ clients pack strings
        texts = [odd_text(rng) for _ in range(rng.randint(1, 4))]
        if all(len(text) < 128 for text in texts):  # a length is one byte
            proto.tensor_content = bytes(map(len, texts)) + b"".join(texts)
            return
    proto.tensor_content = rng.randbytes(rng.choice((1, 3, 4, 8, 16, 1000)))


def _values(rng: random.Random, request: Request, contract: Contract) -> None:
    proto = request.inputs[_alias(rng, request)]
    match rng.randrange(3):
        case 0:
            proto.float_val.append(rng.choice(BAD_SPEEDS))
        case 1:
            proto.string_val.append(odd_text(rng))
        case _:
            proto.int_val.append(rng.choice((-(2**31), 2**31 - 1, 7)))


def _speed(rng: random.Random, request: Request, contract: Contract) -> None:
    speeds = [rng.choice((*BAD_SPEEDS, *GOOD_SPEEDS)) for _ in range(rng.randint(1, 4))]
    with np.errstate(over="ignore"):
        put(request, speed=np.array(speeds, rng.choice((np.float32, np.float32, np.float64, np.float16))))


def _rows(rng: random.Random, request: Request, contract: Contract) -> None:
    rows = rng.choice((0, 5, contract.max_rows, contract.max_rows + 1, 20 * contract.max_rows))
    put(request, text=np.full(rows, b"good", object))
    if "speed" in request.inputs and rng.random() < 0.5:
        put(request, speed=np.full(rows, 0.5, np.float32))


def _text(rng: random.Random, request: Request, contract: Contract) -> None:
    if rng.random() < 0.3:
        lengths = (contract.max_text_bytes - 1, contract.max_text_bytes, contract.max_text_bytes + 1)
        texts = [rng.choice((b"a", b"ab ", b"\xff")) * rng.choice(lengths)][:1]
        texts = [text[: rng.choice(lengths)] for text in texts]
    else:
        texts = [odd_text(rng)]
    put(request, text=np.array(texts, object))


def _output_filter(rng: random.Random, request: Request, contract: Contract) -> None:
    names = ("label", "label", "scores", "x", "", "probabilities", "text", "a" * 300)
    request.output_filter.extend(rng.choices(names, k=rng.choice((1, 2, 2, 500))))


def _unrepresentable(rng: random.Random, request: Request, contract: Contract) -> None:
    proto = request.inputs[_alias(rng, request)]
    proto.dtype = rng.choice((INT, STRING, types_pb2.DT_INT64, types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT))
    proto.version_number = rng.choice((0, -1, 2**31 - 1))
    proto.int64_val.append(rng.choice([number for number in LARGE_INTEGERS if -(2**63) <= number < 2**63]))
    proto.resource_handle_val.add(name="../../etc/passwd", container="x")


MUTATIONS = (
    _model_name, change_version, _signature, _inputs, _dtype, _shape, _content, _values, _speed, _rows, _text,
    _output_filter, _unrepresentable,
)  # fmt: skip


def _alias(rng: random.Random, request: Request) -> str:
    return rng.choice(sorted(request.inputs) or ["text"])
