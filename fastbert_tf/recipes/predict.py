"""From texts to adaptive answers, in this process or by a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from fastbert_serving import Answer, Client
from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.inference import ExitLoop, ExitPolicy, ExitSchedule, FloatStack, NormalizedEntropy
from fastbert_tf.recipes.certified import open_certificate

_BATCH_SIZE = 32


class Predictor:
    """Classifies texts in this process, by the graph that a float32 export runs; it is traced once.

    Args:
        classifier: the trained model with tokenizer and labels; its weights are copied.
        certificate: folder of its calibration in float32, whose policy, exits, speed and dial are taken, or None.

    Raises:
        ValueError: the certificate is about another graph.
    """

    def __init__(self, classifier: SavedClassifier, certificate: str | os.PathLike[str] | None = None) -> None:
        self.classifier = classifier
        shown = None if certificate is None else open_certificate(certificate, classifier, "float32", None)
        num_layers = classifier.model.config.backbone.num_layers
        policy = NormalizedEntropy() if shown is None else ExitPolicy.from_dict(shown.policy).check(num_layers)
        schedule = None if shown is None else ExitSchedule(shown.exits)
        self._certificate = shown
        self._loop = tf.function(
            ExitLoop(FloatStack(classifier.model), policy, schedule), autograph=False, reduce_retracing=True
        )

    def __call__(
        self,
        texts: Sequence[str],
        text_pairs: Sequence[str] | None = None,
        speed: float | None = None,
        *,
        speedup: float | None = None,
    ) -> list[Answer]:
        """Answers texts.

        Args:
            texts: one text a row.
            text_pairs: the second text of each row, for a pair task.
            speed: in [0, 1]: higher answers earlier; None takes the certificate's, or `DEFAULT_SPEED`.
            speedup: at least 1, instead of a speed: how many times less work than the full depth, on average. More than
                the model reaches gets what it reaches.

        Raises:
            ValueError: the speed is outside [0, 1], there is no certificate to look the speedup up in, the texts are no
                list, or pairs are missing or too many.
        """
        if isinstance(texts, (str, bytes)) or isinstance(text_pairs, (str, bytes)):
            raise ValueError("texts must be a list of texts, but are one text; put it into a list")
        speed = self._speed(speed, speedup)
        if not 0 <= speed <= 1:  # NaN fails both comparisons
            raise ValueError(f"speed must be in [0, 1], but is {speed}")
        if (text_pairs is not None) != self.classifier.is_pair:
            wanted = "a second text for every row" if self.classifier.is_pair else "single texts, no pairs"
            raise ValueError(f"the classifier reads {wanted}; give what it was trained on")
        inputs = self.classifier.tokenizer(list(texts), None if text_pairs is None else list(text_pairs))
        outputs = self._loop(inputs, tf.fill([len(texts)], tf.constant(speed, tf.float32)))
        return list(self._answers({name: value.numpy() for name, value in outputs.items()}))

    def _speed(self, speed: float | None, speedup: float | None) -> float:
        if speedup is None:
            default = DEFAULT_SPEED if self._certificate is None else self._certificate.speed
            return default if speed is None else speed
        if speed is not None:
            raise ValueError("name a speed or a speedup, not both")
        if self._certificate is None:
            raise ValueError("a speedup is looked up in the table of a certificate; name the folder of one")
        return float(self._certificate.dial.speed(speedup))

    def _answers(self, outputs: dict[str, np.ndarray]) -> Iterator[Answer]:
        for p, exit_layer, uncertainty in zip(
            outputs["probabilities"], outputs["exit_layer"], outputs["uncertainty"], strict=True
        ):
            label_id = int(p.argmax())
            label = self.classifier.label_names[label_id]
            yield Answer(label, label_id, tuple(p.tolist()), int(exit_layer), float(uncertainty))


def predict_texts(
    texts: Sequence[str],
    text_pairs: Sequence[str] | None = None,
    speed: float | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    server: str | None = None,
    model_name: str = "fastbert",
    certificate: str | os.PathLike[str] | None = None,
    speedup: float | None = None,
) -> Iterator[Answer]:
    """Answers any number of texts batch by batch, by the folder of a trained classifier or a server at `host:port`.

    Raises:
        ValueError: neither or both of `model` and `server` are named, or a certificate beside a server, which has its
            own; or as `Predictor`.
        fastbert_serving.ServingError: the server gives no answer.
    """
    if (model is None) == (server is None):
        raise ValueError("name a model folder or a server's address, exactly one of them")
    if model is not None:
        predictor = Predictor(load_classifier(model), certificate)
        yield from _in_batches(partial(predictor, speed=speed, speedup=speedup), texts, text_pairs)
        return
    if certificate is not None:
        raise ValueError("a server has the certificate that its model was exported with; drop this one")
    with Client(str(server), model_name) as client:
        yield from _in_batches(partial(client.predict, speed=speed, speedup=speedup), texts, text_pairs)


def _in_batches(
    answer: Callable[..., list[Answer]], texts: Sequence[str], text_pairs: Sequence[str] | None
) -> Iterator[Answer]:
    for start in range(0, len(texts), _BATCH_SIZE):
        rows = slice(start, start + _BATCH_SIZE)
        yield from answer(texts[rows], None if text_pairs is None else text_pairs[rows])
