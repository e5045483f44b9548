"""Classification of tf.Examples, for the Classify calls of both protocols."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis import classification_pb2, input_pb2

from fastbert_serving.call import DEFAULT_SIGNATURE, Call, ModelReference
from fastbert_serving.dispatcher import Dispatcher
from fastbert_serving.doors.example_context import with_context
from fastbert_serving.errors import InvalidRequest
from fastbert_serving.watch.exchange import Exchange

CLASSIFY_SIGNATURE = "classify"


@dataclass(frozen=True)
class Classification:
    """Scores of all classes for some examples."""

    model: str
    """The model's name."""
    version: int
    """The version that answered."""
    classes: list[list[str]]
    """Class names, one list an example."""
    scores: np.ndarray
    """Their scores, in the same order, shape (examples, classes)."""

    def to_proto(self) -> classification_pb2.ClassificationResult:
        """Returns it as TensorFlow Serving's gRPC answers."""
        result = classification_pb2.ClassificationResult()
        for classes, scores in zip(self.classes, self.scores.tolist(), strict=True):
            row = result.classifications.add()
            for label, score in zip(classes, scores, strict=True):
                row.classes.add(label=label, score=score)
        return result


class ExampleClassifier:
    """Answers Classify calls by Predict calls, so that they wait in the same queue and load control steers them.

    A call must name a signature that takes examples. Examples for `classify` of a model of ours are read here and sent
    to `serving_default` as texts: the answer is the same. Any other signature gets the serialised examples.

    Args:
        dispatcher: runs the calls.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def classify(self, call: Call, examples: Sequence[Example], exchange: Exchange) -> Classification:
        """Classifies examples.

        Args:
            call: model, signature and deadline; its inputs do not matter.
            examples: one a row; ours have a feature `text`, and `text_pair` for a pair task.
            exchange: the request's record.

        Raises:
            ServingError: there is no result; the class and code say why.
        """
        served = self._dispatcher.describe(call.model, exchange, call)
        if call.signature not in served.signature_defs:
            raise InvalidRequest(f"No signature was found with the name: {call.signature}")
        alias = _examples_input(served.signature_defs[call.signature])
        if not examples:
            raise InvalidRequest("Input is empty; send at least one example")
        self._dispatcher.limits.check_rows(alias, len(examples))  # before an object is made for each
        if served.manifest is None or call.signature != CLASSIFY_SIGNATURE:
            return self._by_signature(dataclasses.replace(call, inputs={alias: _serialised(examples)}), exchange)
        features = ("text", "text_pair") if served.manifest.is_pair else ("text",)
        inputs = {name: _texts(name, examples) for name in features}
        call = dataclasses.replace(call, signature=DEFAULT_SIGNATURE, inputs=inputs, output_filter=("probabilities",))
        result = self._dispatcher.predict(call, exchange)
        if result.version != served.version:  # exchanged meanwhile
            served = self._dispatcher.describe(ModelReference(result.model, result.version), exchange)
        labels = list(served.manifest.labels) if served.manifest else []
        scores = result.outputs["probabilities"]
        return Classification(result.model, result.version, [labels] * len(scores), scores)

    def _by_signature(self, call: Call, exchange: Exchange) -> Classification:
        result = self._dispatcher.predict(call, exchange)
        classes = [[_words(label) for label in row] for row in result.outputs["classes"]]
        return Classification(result.model, result.version, classes, result.outputs["scores"])


def examples_of(sent: input_pb2.Input) -> Sequence[Example]:
    """Returns the examples of a request, each with the features that all share; its own take precedence.

    Raises:
        InvalidRequest: the shared features are too large for so many examples.
    """
    if not sent.HasField("example_list_with_context"):
        return sent.example_list.examples
    shared = sent.example_list_with_context
    return with_context(shared.context, shared.examples)


def _examples_input(signature: SignatureDef) -> str:
    """Returns the input that takes serialised examples; refuses other signatures in TensorFlow Serving's words."""
    mend = f"name the signature {CLASSIFY_SIGNATURE!r}, or call Predict"
    if len(signature.inputs) != 1:
        raise InvalidRequest(f"Expected one input Tensor, found {len(signature.inputs)}; {mend}")
    if len(signature.outputs) not in (1, 2):
        raise InvalidRequest(f"Expected one or two output Tensors, found {len(signature.outputs)}; {mend}")
    if not {"classes", "scores"} <= set(signature.outputs):
        raise InvalidRequest(f"Expected classification signature outputs to be classes and scores; {mend}")
    return next(iter(signature.inputs))


def _texts(name: str, examples: Sequence[Example]) -> np.ndarray:
    texts = np.empty(len(examples), object)
    for row, example in enumerate(examples):
        if name not in example.features.feature:
            raise InvalidRequest(f"feature {name!r} of example {row} is missing; it must be one string")
        values = example.features.feature[name].bytes_list.value
        if len(values) != 1:
            raise InvalidRequest(f"feature {name!r} of example {row} must be one string, but holds {len(values)}")
        texts[row] = values[0]
    return texts


def _serialised(examples: Sequence[Example]) -> np.ndarray:
    texts = np.empty(len(examples), object)
    texts[:] = [example.SerializeToString() for example in examples]
    return texts


def _words(label: bytes | str) -> str:
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
