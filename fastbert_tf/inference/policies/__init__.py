"""Exit policies: when is an answer good enough?"""

from fastbert_tf.inference.policies.exit_policy import ExitPolicy, policy_class, policy_names, register_policy
from fastbert_tf.inference.policies.normalized_entropy import NormalizedEntropy

__all__ = ["ExitPolicy", "NormalizedEntropy", "policy_class", "policy_names", "register_policy"]
