"""From texts to adaptive answers, in this process or by a server."""

from __future__ import annotations

import os
from collections.abc import Sequence

import tensorflow as tf

from fastbert_serving import Answer, Client
from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.inference import ExitLoop, KerasStack, NormalizedEntropy

_BATCH_SIZE = 32


def predict(
    classifier: SavedClassifier, texts: Sequence[str], pairs: Sequence[str] | None = None, speed: float = 0.5
) -> list[Answer]:
    """Classifies texts in this process, by the same loop that an export runs.

    Args:
        classifier: the trained model with tokenizer and labels.
        texts: one text a row.
        pairs: the second text of each row, for a pair task.
        speed: in [0, 1]: higher answers earlier.

    Raises:
        ValueError: the speed is outside [0, 1], or pairs are missing or too many.
    """
    if not 0 <= speed <= 1:
        raise ValueError(f"speed must be in [0, 1], but is {speed}")
    if (pairs is not None) != classifier.is_pair or len(pairs or texts) != len(texts):
        wanted = "one second text a row" if classifier.is_pair else "no second texts"
        raise ValueError(f"the classifier reads {wanted}, but {'none' if pairs is None else len(pairs)} were given")
    loop = tf.function(ExitLoop(KerasStack(classifier.model), NormalizedEntropy()), reduce_retracing=True)
    answers: list[Answer] = []
    for start in range(0, len(texts), _BATCH_SIZE):
        rows = slice(start, start + _BATCH_SIZE)
        inputs = classifier.tokenizer(list(texts[rows]), None if pairs is None else list(pairs[rows]))
        outputs = loop(inputs, tf.fill([len(texts[rows])], tf.constant(speed, tf.float32)))
        answers.extend(_answers({name: value.numpy() for name, value in outputs.items()}, classifier.label_names))
    return answers


def predict_texts(
    texts: Sequence[str],
    pairs: Sequence[str] | None = None,
    speed: float | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    server: str | None = None,
    model_name: str = "fastbert",
) -> list[Answer]:
    """As `predict`, by the folder of a trained classifier, or by a server at `host:port`.

    Raises:
        ValueError: neither or both of `model` and `server` are named; or as `predict`.
        fastbert_serving.ServingError: the server gives no answer.
    """
    if model is not None and server is None:
        return predict(load_classifier(model), texts, pairs, 0.5 if speed is None else speed)
    if model is not None or server is None:
        raise ValueError("name a model folder or a server's address, exactly one of them")
    with Client(server, model_name) as client:
        return client.predict(texts, pairs, speed)


def _answers(outputs: dict, label_names: Sequence[str]) -> list[Answer]:
    return [
        Answer(label_names[p.argmax()], int(p.argmax()), tuple(p.tolist()), int(exit_layer), float(uncertainty))
        for p, exit_layer, uncertainty in zip(
            outputs["probabilities"], outputs["exit_layer"], outputs["uncertainty"], strict=True
        )
    ]
