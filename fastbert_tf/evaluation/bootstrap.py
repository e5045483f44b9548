"""How sure a metric is: percentile intervals over resampled rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fastbert_tf.evaluation.metrics import check_metrics

DRAWS = 2000
"""Resamplings behind every interval."""
CONFIDENCE = 0.95
"""Of every interval."""
SEED = 0
"""Of every draw."""

Interval = tuple[float, float]


def metric_intervals(
    names: Sequence[str],
    labels: np.ndarray,
    predictions: np.ndarray,
    reference: np.ndarray | None = None,
    draws: int = DRAWS,
) -> dict[str, Interval]:
    """Draws rows with replacement, as many as there are, and returns where the metrics lie (Efron, 1979).

    Rows with the same label and answers are alike to a metric, so a draw is a multinomial count of each kind: the same
    distribution as drawing rows one by one, at the price of a few numbers a draw. The seed is fixed.

    Args:
        names: of `accuracy`, `f1`, `matthews`.
        labels: int (rows,), at least 1 row.
        predictions: int (rows,).
        reference: int (rows,), other answers to the same rows: the intervals are then of the metric's change against
            theirs, row paired with row; or None.
        draws: at least 1.

    Returns:
        Ends of the central `CONFIDENCE` of the draws, by name.

    Raises:
        ValueError: a metric is unknown or does not fit, there is no row, or draws is below 1.
    """
    if draws < 1 or len(labels) == 0:
        raise ValueError(f"a bootstrap needs at least 1 draw and 1 row, but has {draws} and {len(labels)}")
    answers = (labels, predictions) if reference is None else (labels, predictions, reference)
    kinds, counts = np.unique(np.stack(answers), axis=1, return_counts=True)  # (2 or 3, kinds), (kinds,)
    check_metrics(names, max(int(kinds.max()) + 1, 2))
    drawn = np.random.default_rng(SEED).multinomial(len(labels), counts / len(labels), draws)  # (draws, kinds)
    drawn = drawn.astype(np.float64)
    return {name: _interval(_DRAWN[name], drawn, kinds) for name in names}


def percentile_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ends of the central `CONFIDENCE` of what was measured on each draw.

    Args:
        values: float (draws, ...).

    Returns:
        Low and high ends, each float (...).
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, (tail, 1 - tail), axis=0)
    return low, high


def _interval(metric: Drawn, drawn: np.ndarray, kinds: np.ndarray) -> Interval:
    values = metric(drawn, kinds[0], kinds[1])  # (draws,)
    if len(kinds) == 3:
        values = values - metric(drawn, kinds[0], kinds[2])
    low, high = percentile_interval(values)
    return round(float(low), 6), round(float(high), 6)


Drawn = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _accuracy(drawn: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return drawn @ (labels == predictions) / drawn.sum(axis=1)


def _f1(drawn: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    true, said = labels == 1, predictions == 1
    called = drawn @ true + drawn @ said
    return 2 * (drawn @ (true & said)) / np.maximum(called, 1)  # 0 where nothing is or was called 1


def _matthews(drawn: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    classes = np.eye(max(labels.max(), predictions.max()) + 1)
    true, said = drawn @ classes[labels], drawn @ classes[predictions]  # (draws, classes)
    rows, right = drawn.sum(axis=1), drawn @ (labels == predictions)
    spread = np.sqrt(rows**2 - (true**2).sum(axis=1)) * np.sqrt(rows**2 - (said**2).sum(axis=1))
    return np.where(spread > 0, (rows * right - (true * said).sum(axis=1)) / np.where(spread > 0, spread, 1), 0)


_DRAWN: dict[str, Drawn] = {"accuracy": _accuracy, "f1": _f1, "matthews": _matthews}
