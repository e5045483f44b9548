"""Whether the paper's order of the variants holds, from scores by variant and seed.

The rule: a seed gives all variants the same first weights and the same batches, so the scores are a table of variants
by seeds, and what a seed adds to all variants alike is taken off. What remains beside the variants' means is the
spread, with 3 x (seeds - 1) degrees of freedom. Two variants differ if their means do by more than t x spread x
sqrt(2 / seeds), with Student's t for 95 % (two-sided). The order holds if all three of its steps are that clear, does
not hold if one of them is that clear in the other direction, and is undecided else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fastbert_tf.config import VARIANTS

Scores = Mapping[str, Mapping[int, float]]
"""Score by variant and seed; more is better."""

STEPS = (
    ("shared_proj_up", "shared_proj_down"),
    ("shared_proj_down", "dual_train"),
    ("dual_train", "no_kd"),
)
"""The paper's order, Up >= Down >= DualTrain > NoKD: the first of each pair is said to be the better one."""
T_95 = {3: 3.182, 6: 2.447, 9: 2.262, 12: 2.179, 15: 2.131, 18: 2.101, 21: 2.080, 24: 2.064, 27: 2.052}
"""Student's t by degrees of freedom, for 2 to 10 seeds."""
HOLDS, REVERSED, UNDECIDED = "holds", "reversed", "undecided"
DOES_NOT_HOLD = "does not hold"


@dataclass(frozen=True)
class Comparison:
    """The variants on one measure."""

    seeds: tuple[int, ...]
    """Those that all variants have."""
    means: Mapping[str, float]
    """By variant."""
    limit: float | None
    """Means that differ by more are told apart; None with fewer than two seeds."""

    def difference(self, better: str, worse: str) -> float:
        return self.means[better] - self.means[worse]

    def step(self, better: str, worse: str) -> str:
        """Returns `holds`, `reversed` or `undecided` for one step of the order."""
        difference = self.difference(better, worse)
        if self.limit is None or abs(difference) <= self.limit:
            return UNDECIDED
        return HOLDS if difference > 0 else REVERSED

    @property
    def order(self) -> str:
        """`holds`, `does not hold` or `undecided`, for the whole order."""
        steps = {self.step(*pair) for pair in STEPS}
        if REVERSED in steps:
            return DOES_NOT_HOLD
        return HOLDS if steps == {HOLDS} else UNDECIDED


def compare(scores: Scores) -> Comparison | None:
    """Compares the variants on the seeds that all of them have; None where they have none in common.

    Raises:
        ValueError: more seeds than `T_95` knows.
    """
    common = sorted(set.intersection(*(set(scores.get(variant, ())) for variant in VARIANTS)))
    if not common:
        return None
    table = {variant: [scores[variant][seed] for seed in common] for variant in VARIANTS}
    means = {variant: sum(values) / len(values) for variant, values in table.items()}
    return Comparison(tuple(common), means, _limit(table, means))


def _limit(table: Mapping[str, list[float]], means: Mapping[str, float]) -> float | None:
    seeds = len(next(iter(table.values())))
    if seeds < 2:
        return None
    freedom = (len(table) - 1) * (seeds - 1)
    if freedom not in T_95:
        raise ValueError(f"T_95 knows 2 to 10 seeds, but there are {seeds}; add its value")
    total = sum(means.values()) / len(means)
    of_seeds = [sum(column) / len(column) for column in zip(*table.values(), strict=True)]
    rests = [
        value - means[variant] - of_seed + total
        for variant, values in table.items()
        for value, of_seed in zip(values, of_seeds, strict=True)
    ]
    spread = math.sqrt(sum(rest**2 for rest in rests) / freedom)
    return T_95[freedom] * spread * math.sqrt(2 / seeds)
