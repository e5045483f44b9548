"""Which status a request deserves: the contract of docs/serving.md, written down apart from the server's code.

Every rule that a request breaks adds the status of that rule; which of several faults is told is the server's choice.
No broken rule means OK. A `doubt` is a status that the contract allows beside those, where TensorFlow Serving itself
says nothing or servers differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import tensorflow as tf
from google.protobuf.message import DecodeError, Message
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)

INVALID, NOT_FOUND, PRECONDITION = "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"
EXHAUSTED, INTERNAL, OK = "RESOURCE_EXHAUSTED", "INTERNAL", "OK"

STRING, FLOAT, INT = types_pb2.DT_STRING, types_pb2.DT_FLOAT, types_pb2.DT_INT32
_TOKENS = {"token_ids": (INT, 2), "segment_ids": (INT, 2), "padding_mask": (INT, 2)}
SIGNATURES: dict[str, dict[str, tuple[int, int]]] = {
    "serving_default": {"text": (STRING, 1)},
    "with_speed": {"text": (STRING, 1), "speed": (FLOAT, 1)},
    "tokenized": {**_TOKENS, "speed": (FLOAT, 1)},
    "classify": {"inputs": (STRING, 1)},
}
"""Type and rank of every input (DESIGN, the serving contract)."""
OUTPUTS = {name: {"probabilities", "label", "label_id", "exit_layer", "uncertainty"} for name in SIGNATURES}
OUTPUTS["classify"] = {"classes", "scores"}
MAX_REPEATED = 4096
"""How often a tensor's last value may stand for missing ones."""
MAX_RANK = 32
"""Most dimensions of a tensor."""
_FIELDS = {STRING: "string_val", FLOAT: "float_val", INT: "int_val"}


@dataclass
class Verdict:
    """What may be answered."""

    codes: set[str] = field(default_factory=set)
    """Statuses of the rules that are broken."""
    doubts: set[str] = field(default_factory=set)
    """Statuses that are allowed besides."""

    @property
    def expected(self) -> frozenset[str]:
        """All statuses that are right."""
        return frozenset(self.codes | self.doubts | (set() if self.codes else {OK}))


@dataclass(frozen=True)
class Tensor:
    """A decoded tensor."""

    dtype: int
    shape: tuple[int, ...]
    values: list


class Malformed(ValueError):
    """A tensor that no array stands for."""


@dataclass(frozen=True)
class Contract:
    """The rules of one served model.

    Attributes say what the server was started with.
    """

    name: str
    version: int
    vocabulary_size: int
    num_segments: int
    max_sequence_length: int
    max_rows: int
    max_text_bytes: int
    max_message_bytes: int

    def predict(self, payload: bytes) -> Verdict:
        """Judges a Predict request."""
        if (request := _parsed(predict_pb2.PredictRequest, payload)) is None:
            return Verdict({INTERNAL}, {INVALID})
        verdict = self._spec(request)
        signature = request.model_spec.signature_name or "serving_default"
        tensors = {}
        for alias, proto in request.inputs.items():
            try:
                tensors[alias] = decode(proto)
            except Malformed:
                verdict.codes.add(INVALID)
            verdict.doubts |= {INVALID} if _has_two_contents(proto) else set()
        if any(self._exceeds(tensor) for tensor in tensors.values()):
            verdict.codes.add(INVALID)
        if signature not in SIGNATURES:
            verdict.codes.add(PRECONDITION)
            verdict.doubts.add(INVALID)  # of inputs and outputs that only a signature can judge
            return verdict
        chosen = list(request.output_filter)
        if not set(chosen) <= OUTPUTS[signature] or len(set(chosen)) < len(chosen):
            verdict.codes.add(INVALID)
        rules = SIGNATURES[signature]
        if set(request.inputs) != set(rules) or any(
            (tensor.dtype, len(tensor.shape)) != rules[alias] for alias, tensor in tensors.items()
        ):
            verdict.codes.add(INVALID)
        elif INVALID not in verdict.codes:
            self.judge_values(tensors, verdict)
        return verdict

    def classify(self, payload: bytes) -> Verdict:
        """Judges a Classify request."""
        if (request := _parsed(classification_pb2.ClassificationRequest, payload)) is None:
            return Verdict({INTERNAL}, {INVALID})
        verdict = self._spec(request)
        if request.model_spec.signature_name != "classify":  # the others, the default too, take no examples
            verdict.codes.add(INVALID)
        kind = request.input.WhichOneof("kind")
        listed = getattr(request.input, kind) if kind else None
        examples = list(listed.examples) if listed is not None else []
        context = tf.train.Example()
        if listed is not None and kind == "example_list_with_context":
            context = listed.context
        for example in examples:
            merged = tf.train.Example()
            merged.CopyFrom(context)
            for name, feature in example.features.feature.items():
                merged.features.feature[name].CopyFrom(feature)
            self._example(merged, verdict)
        if not examples or len(examples) > self.max_rows:
            verdict.codes.add(INVALID)
        return verdict

    def metadata(self, payload: bytes) -> Verdict:
        """Judges a GetModelMetadata request."""
        if (request := _parsed(get_model_metadata_pb2.GetModelMetadataRequest, payload)) is None:
            return Verdict({INTERNAL}, {INVALID})
        verdict = self._spec(request)
        if not request.metadata_field or set(request.metadata_field) != {"signature_def"}:
            verdict.codes.add(INVALID)
        return verdict

    def status(self, payload: bytes) -> Verdict:
        """Judges a GetModelStatus request."""
        if (request := _parsed(get_model_status_pb2.GetModelStatusRequest, payload)) is None:
            return Verdict({INTERNAL}, {INVALID})
        return self._spec(request)

    def judge_values(self, tensors: dict[str, Tensor], verdict: Verdict) -> None:
        """Judges inputs of the right names, types and ranks; adds to the verdict."""
        if any(self._exceeds(tensor) for tensor in tensors.values()):
            verdict.codes.add(INVALID)
        rows = {tensor.shape[0] for tensor in tensors.values()}
        shapes = {tensor.shape for tensor in tensors.values() if len(tensor.shape) == 2}
        wrong = len(rows) > 1 or len(shapes) > 1
        if "speed" in tensors:  # a NaN fails both comparisons
            wrong |= not all(0 <= speed <= 1 for speed in tensors["speed"].values)
        if shapes:
            wrong |= any(not 1 <= length <= self.max_sequence_length for _, length in shapes)
            wrong |= self._wrong_tokens(tensors)
        if wrong:
            verdict.codes.add(INVALID)
        if 0 in rows:
            verdict.doubts.add(INVALID)
        if "inputs" in tensors:
            for text in tensors["inputs"].values:
                example = _parsed(tf.train.Example, text)
                if example is None:
                    verdict.codes.add(INVALID)
                else:
                    self._example(example, verdict)

    def _spec(self, request: Message) -> Verdict:
        if not request.HasField("model_spec"):
            return Verdict({INVALID})
        spec: model_pb2.ModelSpec = request.model_spec
        verdict = Verdict()
        if not spec.name:
            verdict.codes.add(INVALID)
        elif spec.name != self.name:
            verdict.codes.add(NOT_FOUND)
        choice = spec.WhichOneof("version_choice")
        if choice == "version" and spec.version.value != self.version:
            verdict.codes.add(NOT_FOUND)
            verdict.doubts |= {INVALID} if spec.version.value < 0 else set()
        elif choice == "version_label":
            (verdict.codes if spec.version_label else verdict.doubts).add(INVALID)
        return verdict

    def _exceeds(self, tensor: Tensor) -> bool:
        rows = tensor.shape[0] if tensor.shape else 1
        long = tensor.dtype == STRING and any(len(text) > self.max_text_bytes for text in tensor.values)
        return rows > self.max_rows or long

    def _wrong_tokens(self, tensors: dict[str, Tensor]) -> bool:
        mask = tensors["padding_mask"]
        length = mask.shape[1] if len(mask.shape) > 1 else 0  # JSON has no word for [0, n]
        starts = range(0, len(mask.values), length) if length else ()
        return (
            not all(0 <= token < self.vocabulary_size for token in tensors["token_ids"].values)
            or not all(0 <= segment < self.num_segments for segment in tensors["segment_ids"].values)
            or not all(bit in (0, 1) for bit in mask.values)
            or not all(any(mask.values[start : start + length]) for start in starts)
        )

    def _example(self, example: tf.train.Example, verdict: Verdict) -> None:
        features = example.features.feature
        texts: Sequence[bytes] = features["text"].bytes_list.value if "text" in features else ()
        if len(texts) != 1 or len(texts[0]) > self.max_text_bytes:
            verdict.codes.add(INVALID)


def decode(proto: tensor_pb2.TensorProto) -> Tensor:
    """Decodes a tensor of text, float32 or int32.

    Raises:
        Malformed: another type, no full shape, too many dimensions, or values that do not fill it.
    """
    if len(proto.tensor_shape.dim) > MAX_RANK:
        raise Malformed
    shape = tuple(axis.size for axis in proto.tensor_shape.dim)
    if proto.dtype not in _FIELDS or proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise Malformed
    if not proto.tensor_content:
        values = list(getattr(proto, _FIELDS[proto.dtype]))
    elif proto.dtype == STRING:
        values = _packed_strings(proto.tensor_content, math.prod(shape))
    elif len(proto.tensor_content) != 4 * math.prod(shape):
        raise Malformed
    else:
        kind: Literal["f", "i"] = "f" if proto.dtype == FLOAT else "i"
        values = memoryview(proto.tensor_content).cast(kind).tolist()
    missing = math.prod(shape) - len(values)
    if not proto.tensor_content and values and 0 < missing <= MAX_REPEATED:  # TensorFlow repeats the last value
        values = [*values, *[values[-1]] * missing]
    if len(values) != math.prod(shape):
        raise Malformed
    return Tensor(proto.dtype, shape, values)


def _packed_strings(content: bytes, count: int) -> list[bytes]:
    """Reads the lengths of all strings, as varints, and then the strings."""
    if not count:  # TensorFlow does not look at what follows
        return []
    if count > len(content):
        raise Malformed
    lengths, place = [], 0
    for _ in range(count):
        length = shift = 0
        while True:
            if place >= len(content) or shift > 28:
                raise Malformed
            byte, place = content[place], place + 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        lengths.append(length)
    if sum(lengths) != len(content) - place:
        raise Malformed
    texts = []
    for length in lengths:
        texts.append(content[place : place + length])
        place += length
    return texts


def _has_two_contents(proto: tensor_pb2.TensorProto) -> bool:
    return bool(proto.tensor_content) and any(getattr(proto, name) for name in _FIELDS.values())


def _parsed(message: type[Message], payload: bytes) -> Message | None:
    try:
        return message.FromString(payload)
    except DecodeError:
        return None
