"""Digests that tell inputs and models apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import keras

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import TextDataset


def dataset_digest(dataset: TextDataset) -> str:
    """Returns a digest of texts, pairs, labels and label names."""
    labels = () if dataset.labels is None else map(str, dataset.labels.tolist())
    return _digest(
        "\0".join(part).encode("utf-8")
        for part in (dataset.texts, dataset.text_pairs or (), labels, dataset.label_names)
    )


def texts_digest(dataset: TextDataset) -> str:
    """Returns a digest of texts and pairs, labelled or not."""
    return _digest("\0".join(part).encode("utf-8") for part in (dataset.texts, dataset.text_pairs or ()))


def tokens_digest(tokens: Iterable[str]) -> str:
    """Returns a digest of a vocabulary."""
    return _digest(token.encode("utf-8") for token in tokens)


def weights_digest(model: keras.Model) -> str:
    """Returns a digest of a model's weights."""
    return _digest(keras.ops.convert_to_numpy(weight).tobytes() for weight in model.weights)


def classifier_digest(classifier: SavedClassifier) -> str:
    """Returns a digest of all that decides a classifier's answers: weights, vocabulary, tokenizer, labels."""
    tokenizer = classifier.tokenizer
    parts = (
        weights_digest(classifier.model),
        tokens_digest(tokenizer.vocabulary.tokens),
        repr(sorted(tokenizer.get_config().items())),
        repr((classifier.label_names, classifier.is_pair)),
    )
    return _digest(part.encode("utf-8") for part in parts)


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:16]
