"""Risk control by testing: which of many speeds keep the risk below a bound (Angelopoulos et al., Learn then Test)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastbert_tf.calibration.bounds import P_VALUES, check_confidence

PATH = tuple(np.geomspace(1e-4, 1, 1000).astype(np.float32).tolist())
"""Speeds to test, rising: chosen without a look at the rows, so that nothing has to be paid for the choice."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A path of configurations, the most careful one first."""

    losses: np.ndarray
    """int (path,), losses seen among the rows."""
    costs: np.ndarray
    """float (path,), mean cost of a row."""


@dataclass(frozen=True)
class Choice:
    """The certified configuration that costs least."""

    candidate: int
    """Its path."""
    place: int | None
    """Its place on it; None is the full depth, which loses nothing and needs no test."""
    tested: int
    """How many hypotheses were tested over all paths."""


def certified(p_values: np.ndarray, level: float) -> int:
    """Counts the leading hypotheses that are refused, one after another, up to the first that is not.

    Testing in an order that was fixed before the rows were seen needs no correction: a false refusal needs the first
    true hypothesis to be refused, which happens with probability `level` at most.

    Args:
        p_values: float (path,), in the order of the path.
        level: family-wise error rate, in (0, 1).
    """
    stands = np.flatnonzero(~(p_values <= level))
    return int(stands[0]) if len(stands) else len(p_values)


def choose(
    candidates: list[Candidate], rows: int, bound: float, confidence: float, full_cost: float, method: str = "binomial"
) -> Choice:
    """Chooses the configuration that costs least among those whose risk is shown to be at most `bound`.

    The chance that any certified configuration of any path breaks the bound is at most 1 - confidence: each path is
    tested in its fixed order, and several paths share the error evenly (Bonferroni).

    Args:
        candidates: paths, of which neither the configurations nor their order was chosen with these rows.
        rows: independent rows that the losses were counted on.
        bound: largest risk, in (0, 1).
        confidence: in (0, 1).
        full_cost: mean cost of a row at full depth.
        method: a name of `P_VALUES`.

    Raises:
        ValueError: there is no candidate, or an argument is out of range.
    """
    check_confidence(confidence)
    if not candidates:
        raise ValueError("there is no policy to certify; name at least one")
    level = (1 - confidence) / len(candidates)
    best, best_cost, tested = Choice(0, None, 0), full_cost, 0
    for number, candidate in enumerate(candidates):
        count = certified(P_VALUES[method](candidate.losses, rows, bound), level)
        tested += min(count + 1, len(candidate.losses))
        if count and candidate.costs[:count].min() < best_cost:
            place = int(candidate.costs[:count].argmin())
            best, best_cost = Choice(number, place, 0), float(candidate.costs[place])
    return Choice(best.candidate, best.place, tested)
