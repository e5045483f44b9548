"""Exit by entropy, if two branches agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from fastbert_tf.inference.policies.agreement import agree
from fastbert_tf.inference.policies.exit_policy import ExitPolicy, register_policy
from fastbert_tf.inference.uncertainty import normalized_entropy


@register_policy
@dataclass(frozen=True)
class AgreementEntropy(ExitPolicy):
    """Doubt is the normalised entropy, and 1 where the branch before named another class.

    The first branch has nobody to differ from: there the entropy alone counts, so that easy rows still leave at once.
    """

    name = "agreement_entropy"

    @property
    def memory(self) -> int:
        return 1

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        entropy = normalized_entropy(said[-1])
        return entropy if len(said) == 1 else ops.where(agree(said[-1], said[-2]), entropy, 1.0)
