"""Exit by agreement of consecutive branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from fastbert_tf.inference.policies.exit_policy import ExitPolicy, register_policy


@register_policy
@dataclass(frozen=True)
class Patience(ExitPolicy):
    """Doubt falls with each earlier branch in a row that named the same class (PABEE, Zhou et al., 2020).

    After `a` such branches it is 1 - a / `agreements`, so a row leaves after floor((1 - speed) x `agreements`) + 1 of
    them: after 1 at speed 1, after all `agreements` at speeds just above 0, and never at the first exit. The speed
    takes the place of PABEE's patience, and stays each row's own.

    Raises:
        ValueError: `agreements` is no integer, or below 1.
    """

    agreements: int
    """Agreements that leave no doubt, at least 1. The default is the most that a model with all branches on can have,
    its layers less 2; where some are off, fewer make sense."""

    name = "patience"

    def __post_init__(self) -> None:
        if isinstance(self.agreements, bool) or not isinstance(self.agreements, int) or self.agreements < 1:
            raise ValueError(f"agreements must be an integer of at least 1, but is {self.agreements!r}")

    @classmethod
    def default(cls, num_layers: int) -> Patience:
        return cls(max(num_layers - 2, 1))

    @property
    def memory(self) -> int:
        return self.agreements

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        heard = ops.stack(list(said[-1 - self.agreements :])[::-1])  # (answers, rows, classes), the newest first
        names = ops.argmax(heard, axis=-1)  # (answers, rows)
        same = ops.cast(ops.equal(names[1:], names[:1]), "float32")
        agreeing = ops.sum(ops.cumprod(same, axis=0), axis=0)  # (rows,), up to the first that differs
        return (self.agreements - agreeing) / self.agreements
