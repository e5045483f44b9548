"""The optimizers of the schedules."""

from __future__ import annotations

import keras

from fastbert_tf.config import MaskedLmConfig, StageConfig
from fastbert_tf.training.lamb import Lamb
from fastbert_tf.training.warmup_linear_decay import WarmupLinearDecay


def adamw(settings: StageConfig, steps: int) -> keras.Optimizer:
    """Returns BERT's optimizer for a stage of so many steps (Devlin et al., 2019)."""
    rate = WarmupLinearDecay(settings.learning_rate, steps, settings.warmup)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, epsilon=1e-6)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def lamb(config: MaskedLmConfig, batches: int) -> Lamb:
    """Returns the optimizer of pretraining on so many batches, each of which counts for the learning rate's schedule.

    The learning rate is scaled by the root of the rows a step; warm-up is a share of the batches.
    """
    rate = WarmupLinearDecay(config.scaled_learning_rate, batches, config.training.warmup)
    accumulation = config.accumulation if config.accumulation > 1 else None
    return Lamb(rate, decay=config.training.weight_decay, gradient_accumulation_steps=accumulation)
