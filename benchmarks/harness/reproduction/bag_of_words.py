"""How good could a trivial model be? Hashed n-grams and a linear classifier, by scikit-learn, as fastText does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from fastbert_tf.data import TextDataset
from fastbert_tf.evaluation import BranchOutputs
from fastbert_tf.files import file_swap
from harness.reproduction.settings import CHINESE

STRENGTHS = (1.0, 10.0, 100.0)
"""Inverse penalties to choose from on the selection rows."""

FEATURES = 2**18
"""Numbers that n-grams are hashed to."""


@dataclass(frozen=True, eq=False)
class BagOfWords:
    """A fitted classifier of n-grams; each text of a pair has features of its own."""

    language: str
    """`chinese` takes 1 to 3 characters for a feature, others 1 or 2 words."""
    weights: np.ndarray
    """float32 (features, classes)."""
    biases: np.ndarray
    """float32 (classes,)."""

    @cached_property
    def digest(self) -> str:
        """Tells it from other models."""
        return hashlib.sha256(self.language.encode() + self.weights.tobytes() + self.biases.tobytes()).hexdigest()[:16]

    def answers(self, rows: TextDataset) -> BranchOutputs:
        """Answers as a model of a single branch, in the order of the rows; lengths count the n-grams that are there."""
        features = _features(_vectorizer(self.language), rows)
        probabilities = softmax(features @ self.weights + self.biases, axis=1)  # (rows, classes)
        return BranchOutputs(
            probabilities[:, None].astype(np.float32), rows.labels, features.getnnz(1).astype(np.int32)
        )

    def save(self, path: Path) -> None:
        """Writes it."""
        with file_swap(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(file, language=np.array(self.language), weights=self.weights, biases=self.biases)

    @classmethod
    def load(cls, path: Path) -> BagOfWords:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(str(file["language"]), file["weights"], file["biases"])


def fit(train: TextDataset, selection: TextDataset, language: str) -> BagOfWords:
    """Fits at each strength and keeps the best one on the selection rows.

    Args:
        train: labelled rows, with all classes among them.
        selection: labelled rows that choose.
        language: as `BagOfWords` takes it.

    Returns:
        The classifier.
    """
    features, others = (_features(_vectorizer(language), rows) for rows in (train, selection))
    models = [LogisticRegression(C=strength, max_iter=200).fit(features, train.labels) for strength in STRENGTHS]
    best = max(models, key=lambda model: model.score(others, selection.labels))
    assert list(best.classes_) == list(range(len(train.label_names)))
    return BagOfWords(language, *_every_class(best))


def _every_class(model: LogisticRegression) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases of all classes: of two, scikit-learn keeps those of the second alone."""
    rows, biases = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        rows, biases = np.concatenate([0 * rows, rows]), np.concatenate([0 * biases, biases])
    return np.ascontiguousarray(rows.T, np.float32), biases.astype(np.float32)


def _vectorizer(language: str) -> HashingVectorizer:
    characters: dict[str, Any] = {"analyzer": "char", "ngram_range": (1, 3)}
    grams = characters if language == CHINESE else {"ngram_range": (1, 2)}
    return HashingVectorizer(n_features=FEATURES, alternate_sign=False, dtype=np.float32, **grams)


def _features(vectorizer: HashingVectorizer, rows: TextDataset) -> csr_matrix:
    columns: list[Sequence[str]] = [rows.texts, *([rows.text_pairs] if rows.text_pairs is not None else [])]
    return hstack([vectorizer.transform(texts) for texts in columns], format="csr")
