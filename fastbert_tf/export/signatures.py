"""The serving signatures as graph functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from fastbert_serving.dial import Dial
from fastbert_tf.config import BackboneConfig
from fastbert_tf.export.graph_checks import at_least, checked, in_range, same_rows, token_checks
from fastbert_tf.inference import ExitLoop
from fastbert_tokenizers import WordPieceTokenizer

Tensors = dict[str, tf.Tensor]

TOKEN_SPECS = {
    name: tf.TensorSpec([None, None], tf.int32, name) for name in ("token_ids", "segment_ids", "padding_mask")
}
SPEED_SPEC = tf.TensorSpec([None], tf.float32, "speed")
SPEEDUP_SPEC = tf.TensorSpec([None], tf.float32, "speedup")
EXAMPLES_SPEC = tf.TensorSpec([None], tf.string, "inputs")


class Signatures:
    """The signatures `serving_default`, `with_speed`, `with_speedup`, `tokenized` and `classify` over one exit loop.

    Tokenizer and loop are traced once, as inner functions that the signatures share. This object is no `tf.Module` on
    purpose: tracking Keras layers in the exported object breaks loading into a session.

    Args:
        loop: answers token batches.
        tokenizer: turns texts into token batches.
        label_names: one name a class.
        is_pair: whether an input is `text` and `text_pair`.
        default_speed: the speed of the signatures without a `speed` input, in [0, 1].
        limits: the backbone's shape; tokens outside it are refused.
        dial: the table of `with_speedup`; None goes without that signature.
    """

    def __init__(
        self,
        loop: ExitLoop,
        tokenizer: WordPieceTokenizer,
        label_names: tuple[str, ...],
        is_pair: bool,
        default_speed: float,
        limits: BackboneConfig,
        dial: Dial | None = None,
    ) -> None:
        self.loop = loop
        self.tokenizer = tokenizer
        self.label_names = label_names
        self.default_speed = default_speed
        self.limits = limits
        self.dial = dial
        text_names = ("text", "text_pair") if is_pair else ("text",)
        self.text_specs = {name: tf.TensorSpec([None], tf.string, name) for name in text_names}
        self._tokenize = _traced(self._tokenize_texts, self.text_specs)
        self._answer = _traced(self._answer_tokens, {**TOKEN_SPECS, "speed": SPEED_SPEC})

    def functions(self) -> dict[str, Any]:
        """Returns the traced functions by signature name; every input and output has the batch as its first axis."""
        functions = {
            "serving_default": _traced(self._serving_default, self.text_specs),
            "with_speed": _traced(self._with_speed, {**self.text_specs, "speed": SPEED_SPEC}),
            "tokenized": _traced(self._tokenized, {**TOKEN_SPECS, "speed": SPEED_SPEC}),
            "classify": _traced(self._classify, {"inputs": EXAMPLES_SPEC}),
        }
        if self.dial is not None:
            specs = {**self.text_specs, "speedup": SPEEDUP_SPEC}
            functions["with_speedup"] = _traced(self._with_speedup(self.dial), specs)
        return functions

    # === Signatures ===

    def _serving_default(self, **texts: tf.Tensor) -> Tensors:
        if len(texts) > 1:
            texts = checked(texts, [same_rows(texts)])
        return self._answer(**self._tokenize(**texts), speed=self._default_speeds(texts["text"]))

    def _with_speed(self, speed: tf.Tensor, **texts: tf.Tensor) -> Tensors:
        inputs = {**texts, "speed": speed}
        inputs = checked(inputs, [same_rows(inputs), in_range("speed", speed, 0, 1)])
        speed = inputs.pop("speed")
        return self._answer(**self._tokenize(**inputs), speed=speed)

    def _with_speedup(self, dial: Dial) -> Callable[..., Tensors]:
        borders, speeds = (np.array(values, np.float32) for values in (dial.borders, dial.speeds))

        def with_speedup(speedup: tf.Tensor, **texts: tf.Tensor) -> Tensors:
            inputs = {**texts, "speedup": speedup}
            inputs = checked(inputs, [same_rows(inputs), at_least("speedup", speedup, 1)])
            nearest = tf.searchsorted(borders, inputs.pop("speedup"), side="right")  # as `Dial.speed`
            return self._answer(**self._tokenize(**inputs), speed=tf.gather(speeds, nearest))

        return with_speedup

    def _tokenized(self, speed: tf.Tensor, **tokens: tf.Tensor) -> Tensors:
        inputs = {**tokens, "speed": speed}
        rules = [*token_checks(tokens, self.limits), same_rows({"token_ids": tokens["token_ids"], "speed": speed})]
        return self._answer(**checked(inputs, [*rules, in_range("speed", speed, 0, 1)]))

    def _classify(self, inputs: tf.Tensor) -> Tensors:
        features = {name: tf.io.FixedLenFeature([], tf.string) for name in self.text_specs}
        texts = tf.io.parse_example(inputs, features)
        answers = self._answer(**self._tokenize(**texts), speed=self._default_speeds(inputs))
        classes = tf.tile(tf.constant([self.label_names]), [tf.shape(inputs)[0], 1])  # (rows, classes)
        return {"classes": classes, "scores": answers["probabilities"]}

    # === Shared inner functions ===

    def _tokenize_texts(self, **texts: tf.Tensor) -> Tensors:
        return self.tokenizer(**texts)

    def _answer_tokens(self, speed: tf.Tensor, **tokens: tf.Tensor) -> Tensors:
        answers = self.loop(tokens, speed)
        label_id = tf.argmax(answers["probabilities"], axis=-1, output_type=tf.int32)  # (rows,)
        return {**answers, "label_id": label_id, "label": tf.gather(tf.constant(self.label_names), label_id)}

    def _default_speeds(self, rows_of: tf.Tensor) -> tf.Tensor:
        return tf.fill(tf.shape(rows_of)[:1], tf.constant(self.default_speed, tf.float32))


def _traced(function: Callable[..., Tensors], specs: dict[str, tf.TensorSpec]) -> Any:
    """Traces a function of keyword tensors once; the keywords become the input names."""
    return tf.function(function, autograph=False).get_concrete_function(**specs)
