"""Exit policies: when is an answer good enough?"""

from fastbert_tf.inference.policies.agreement_entropy import AgreementEntropy
from fastbert_tf.inference.policies.exit_policy import ExitPolicy, policy_class, policy_names, register_policy
from fastbert_tf.inference.policies.fit_learned_exit import fit_learned_exit
from fastbert_tf.inference.policies.layer_thresholds import LayerThresholds
from fastbert_tf.inference.policies.learned_exit import LearnedExit
from fastbert_tf.inference.policies.margin import Margin
from fastbert_tf.inference.policies.maximum_probability import MaximumProbability
from fastbert_tf.inference.policies.normalized_entropy import NormalizedEntropy
from fastbert_tf.inference.policies.patience import Patience
from fastbert_tf.inference.policies.settings import policy_settings

__all__ = [
    "AgreementEntropy",
    "ExitPolicy",
    "LayerThresholds",
    "LearnedExit",
    "Margin",
    "MaximumProbability",
    "NormalizedEntropy",
    "Patience",
    "fit_learned_exit",
    "policy_class",
    "policy_names",
    "policy_settings",
    "register_policy",
]
