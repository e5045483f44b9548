"""Configuration: frozen dataclasses, one field a line, that round-trip through JSON."""

from fastbert_tf.config.base import DTYPES, Config, RunConfig
from fastbert_tf.config.model import ACTIVATIONS, BackboneConfig, FastBertConfig
from fastbert_tf.config.pretraining import (
    PROJECTION_DIRECTIONS,
    REFERENCE_BATCH_SIZE,
    VARIANTS,
    CorpusRunConfig,
    MaskedLmConfig,
    PretrainingConfig,
    WordDistillationConfig,
)
from fastbert_tf.config.speed import DEFAULT_SPEED, LEAST_SPEED
from fastbert_tf.config.training import DIVERGENCES, StageConfig, TrainingConfig

__all__ = [
    "ACTIVATIONS",
    "DEFAULT_SPEED",
    "DIVERGENCES",
    "DTYPES",
    "LEAST_SPEED",
    "PROJECTION_DIRECTIONS",
    "REFERENCE_BATCH_SIZE",
    "VARIANTS",
    "BackboneConfig",
    "Config",
    "CorpusRunConfig",
    "FastBertConfig",
    "MaskedLmConfig",
    "PretrainingConfig",
    "RunConfig",
    "StageConfig",
    "TrainingConfig",
    "WordDistillationConfig",
]
