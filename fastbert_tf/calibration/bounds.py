"""Bounds on the risk of a loss that is 0 or 1, valid for any number of rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_BISECTIONS = 60  # halvings of [0, 1]: what is left is below the spacing of float64


def binomial_cdf(losses: npt.ArrayLike, rows: int, risk: float) -> np.ndarray:
    """Chance of so few losses or fewer where every row has one with probability `risk`, independently.

    Args:
        losses: counts, int in [0, rows], of any shape.
        rows: rows drawn, at least 1.
        risk: in [0, 1].

    Returns:
        float64, shaped as `losses`.

    Raises:
        ValueError: an argument is out of range.
    """
    losses = np.asarray(losses)
    if rows < 1 or losses.size == 0 or losses.min() < 0 or losses.max() > rows:
        raise ValueError(f"losses must be counts in [0, {rows}] of at least 1 row, but are {losses!r}")
    if not 0 <= risk <= 1:  # NaN fails both comparisons
        raise ValueError(f"risk must be in [0, 1], but is {risk}")
    if risk in (0, 1):
        return np.where(losses == rows, 1.0, 1.0 - risk)
    k = np.arange(1, int(losses.max()) + 1)
    ratios = np.log((rows - k + 1) / k) + math.log(risk) - math.log1p(-risk)  # of a count's chance to the one before
    log_chances = rows * math.log1p(-risk) + np.cumsum([0.0, *ratios])
    return np.minimum(np.exp(np.logaddexp.accumulate(log_chances)), 1.0)[losses]


def binomial_p_value(losses: npt.ArrayLike, rows: int, bound: float) -> np.ndarray:
    """p-value of the hypothesis that the risk is above `bound`: exact, the test behind the Clopper-Pearson bound.

    Args:
        losses: losses seen, int in [0, rows], of any shape.
        rows: independent rows, at least 1.
        bound: in [0, 1].

    Returns:
        float64, shaped as `losses`.

    Raises:
        ValueError: an argument is out of range.
    """
    return binomial_cdf(losses, rows, bound)


def hoeffding_bentkus_p_value(losses: npt.ArrayLike, rows: int, bound: float) -> np.ndarray:
    """As `binomial_p_value`, by the inequalities of Hoeffding and Bentkus (Bates et al., 2021).

    Valid for any loss in [0, 1]; for losses of 0 or 1 the exact one is never larger.
    """
    losses = np.asarray(losses)
    bentkus = math.e * binomial_cdf(losses, rows, bound)
    hoeffding = np.exp(-rows * _relative_entropy(np.minimum(losses / rows, bound), bound))
    return np.minimum(np.minimum(bentkus, hoeffding), 1.0)


P_VALUES: dict[str, Callable[[npt.ArrayLike, int, float], np.ndarray]] = {
    "binomial": binomial_p_value,
    "hoeffding_bentkus": hoeffding_bentkus_p_value,
}
"""The tests, by name."""


def clopper_pearson(losses: int, rows: int, confidence: float) -> float:
    """Upper bound of the risk that holds with this confidence: the largest one that the exact test does not refuse.

    Args:
        losses: losses seen, in [0, rows].
        rows: independent rows, at least 1.
        confidence: in (0, 1).

    Returns:
        The bound, in (0, 1].

    Raises:
        ValueError: an argument is out of range.
    """
    check_confidence(confidence)
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if float(binomial_cdf(losses, rows, middle)) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def rows_needed(bound: float, confidence: float) -> int:
    """Rows below which not even none of them losing shows that the risk is at most `bound`, by either test.

    Args:
        bound: in (0, 1).
        confidence: in (0, 1).

    Raises:
        ValueError: an argument is out of range.
    """
    check_confidence(confidence)
    if not 0 < bound < 1:
        raise ValueError(f"the bound must be above 0 and below 1, but is {bound}; 0.01 is one point of accuracy")
    return math.ceil(math.log(1 - confidence) / math.log1p(-bound))  # (1 - bound) ** rows <= 1 - confidence


def check_confidence(confidence: float) -> None:
    """Raises `ValueError` unless it is in (0, 1)."""
    if not 0 < confidence < 1:  # NaN fails both comparisons
        raise ValueError(f"confidence must be above 0 and below 1, but is {confidence}; 0.95 is the usual one")


def _relative_entropy(share: np.ndarray, bound: float) -> np.ndarray:
    """Relative entropy of two coins, h1 of the papers, with 0 log 0 = 0; `share` is at most `bound`."""
    if bound in (0, 1):
        return np.where(share == bound, 0.0, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        heads = np.where(share > 0, share * np.log(share / bound), 0.0)
        tails = np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - bound)), 0.0)
    return heads + tails
