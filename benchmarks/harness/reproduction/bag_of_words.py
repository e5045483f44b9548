"""How good could a trivial model be? Hashed n-grams and a linear classifier, by scikit-learn, as fastText does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from fastbert_tf.data import TextDataset
from harness.reproduction.settings import CHINESE

STRENGTHS = (1.0, 10.0, 100.0)
"""Inverse penalties to choose from on the selection rows."""


@dataclass(frozen=True, eq=False)
class BagOfWords:
    """A fitted classifier of n-grams; each text of a pair has features of its own."""

    vectorizer: HashingVectorizer
    model: LogisticRegression

    def predict(self, rows: TextDataset) -> np.ndarray:
        """Returns the most probable class, int (rows,)."""
        return self.model.predict(_features(self.vectorizer, rows))


def fit(train: TextDataset, selection: TextDataset, language: str) -> tuple[BagOfWords, dict[str, Any]]:
    """Fits at each strength and keeps the best one on the selection rows.

    Args:
        train: labelled rows.
        selection: labelled rows that choose.
        language: `chinese` takes 1 to 3 characters for a feature, others 1 or 2 words.

    Returns:
        The classifier, and accuracies on the selection rows by strength.
    """
    characters: dict[str, Any] = {"analyzer": "char", "ngram_range": (1, 3)}
    grams = characters if language == CHINESE else {"ngram_range": (1, 2)}
    vectorizer = HashingVectorizer(n_features=2**18, alternate_sign=False, **grams)
    features, others = _features(vectorizer, train), _features(vectorizer, selection)
    models = {
        strength: LogisticRegression(C=strength, max_iter=200).fit(features, train.labels) for strength in STRENGTHS
    }
    scores = {strength: float(model.score(others, selection.labels)) for strength, model in models.items()}
    best = max(STRENGTHS, key=lambda strength: scores[strength])
    return BagOfWords(vectorizer, models[best]), {"selection": {f"{key:g}": value for key, value in scores.items()}}


def _features(vectorizer: HashingVectorizer, rows: TextDataset) -> csr_matrix:
    columns: list[Sequence[str]] = [rows.texts, *([rows.text_pairs] if rows.text_pairs is not None else [])]
    return hstack([vectorizer.transform(texts) for texts in columns], format="csr")
