"""Metrics of classification, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

Metric = Callable[[np.ndarray, np.ndarray], float]


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Returns the share of rows predicted right, in [0, 1]; both arguments are int (rows,)."""
    return float(np.mean(labels == predictions))


def f1(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Returns F1 of label 1, in [0, 1]; 0 where it is undefined (nothing is or was called 1), as in scikit-learn.

    Both arguments are int (rows,), 0 or 1.
    """
    true_positives = np.sum((labels == 1) & (predictions == 1))
    called = np.sum(labels == 1) + np.sum(predictions == 1)
    return float(2 * true_positives / called) if called else 0.0


def matthews(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Returns Matthews' correlation, in [-1, 1]; 0 where it is undefined (one side names a single class).

    Any number of classes (Gorodkin, 2004); both arguments are int (rows,).
    """
    classes = int(max(labels.max(), predictions.max())) + 1
    true = np.bincount(labels, minlength=classes).astype(np.float64)  # rows a class
    said = np.bincount(predictions, minlength=classes).astype(np.float64)
    rows, right = len(labels), np.sum(labels == predictions)
    spread = np.sqrt(rows**2 - true @ true) * np.sqrt(rows**2 - said @ said)
    return float((rows * right - true @ said) / spread) if spread else 0.0


METRICS: dict[str, Metric] = {"accuracy": accuracy, "f1": f1, "matthews": matthews}
"""Metrics by name: (labels, predictions) -> value."""


def check_metrics(names: Iterable[str], num_classes: int) -> tuple[str, ...]:
    """Returns the names as a tuple.

    Raises:
        ValueError: a name is unknown, or `f1` is asked for a task that is not binary.
    """
    names = tuple(names)
    for name in names:
        if name not in METRICS:
            raise ValueError(f"unknown metric {name!r}; choose from {', '.join(METRICS)}")
    if "f1" in names and num_classes != 2:
        raise ValueError(f"f1 needs 2 classes, but the model has {num_classes}; ask for accuracy or matthews")
    return names


def compute_metrics(names: Iterable[str], labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """Computes metrics.

    Args:
        names: keys of `METRICS`.
        labels: int (rows,), at least 1 row.
        predictions: int (rows,).

    Returns:
        Value by name, in the order of the names.
    """
    return {name: METRICS[name](labels, predictions) for name in names}
