"""Policies as records hold them."""

from __future__ import annotations

from typing import Any

from fastbert_tf.inference.policies.exit_policy import ExitPolicy
from fastbert_tf.inference.policies.normalized_entropy import NormalizedEntropy


def policy_settings(policy: ExitPolicy) -> dict[str, Any] | None:
    """Returns name and parameters; None for the normalised entropy, which older records do not name."""
    return None if policy == NormalizedEntropy() else policy.to_dict()
