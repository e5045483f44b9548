"""Adaptive inference: the exit loop, its policies, and the stacks it drives."""

from fastbert_tf.inference.exit_loop import ExitLoop
from fastbert_tf.inference.exit_schedule import ExitSchedule
from fastbert_tf.inference.full_depth import FullDepth
from fastbert_tf.inference.keras_stack import KerasStack
from fastbert_tf.inference.packed import FloatStack, Int8Stack, Int8Unavailable, check_int8, sample_activations
from fastbert_tf.inference.policies import (
    AgreementEntropy,
    ExitPolicy,
    LayerThresholds,
    LearnedExit,
    Margin,
    MaximumProbability,
    NormalizedEntropy,
    Patience,
    fit_learned_exit,
    policy_class,
    policy_names,
    policy_settings,
)
from fastbert_tf.inference.simulation import doubts, exit_layers, simulate
from fastbert_tf.inference.stack import SavableStack, Stack
from fastbert_tf.inference.uncertainty import normalized_entropy

__all__ = [
    "AgreementEntropy",
    "ExitLoop",
    "ExitPolicy",
    "ExitSchedule",
    "FloatStack",
    "FullDepth",
    "Int8Stack",
    "Int8Unavailable",
    "KerasStack",
    "LayerThresholds",
    "LearnedExit",
    "Margin",
    "MaximumProbability",
    "NormalizedEntropy",
    "Patience",
    "SavableStack",
    "Stack",
    "check_int8",
    "doubts",
    "exit_layers",
    "fit_learned_exit",
    "normalized_entropy",
    "policy_class",
    "policy_names",
    "policy_settings",
    "sample_activations",
    "simulate",
]
