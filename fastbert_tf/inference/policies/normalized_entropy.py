"""The exit policy of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastbert_tf.inference.policies.exit_policy import ExitPolicy, register_policy
from fastbert_tf.inference.uncertainty import normalized_entropy


@register_policy
@dataclass(frozen=True)
class NormalizedEntropy(ExitPolicy):
    """A row leaves where the uncertainty of the newest branch is below the speed (FastBERT, section 3.3)."""

    name = "normalized_entropy"

    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        return normalized_entropy(said[-1])
