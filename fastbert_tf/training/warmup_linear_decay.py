"""BERT's learning rate schedule."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fastbert_tf")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from 0 to the peak, then falls linearly to 0 (Devlin et al., 2019, appendix A.2).

    Args:
        peak: the highest learning rate, positive.
        steps: steps of the whole run, at least 1.
        warmup: share of the steps that rise, in [0, 1].

    Raises:
        ValueError: an argument is outside its range.
    """

    def __init__(self, peak: float, steps: int, warmup: float = 0.1) -> None:
        if not peak > 0:
            raise ValueError(f"peak must be positive, but is {peak}")
        if steps < 1:
            raise ValueError(f"steps must be at least 1, but is {steps}")
        if not 0 <= warmup <= 1:
            raise ValueError(f"warmup must be in [0, 1], but is {warmup}")
        self.peak = peak
        self.steps = steps
        self.warmup = warmup

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate of `step`, counted from 0."""
        done = ops.cast(step, "float32") + 1.0
        rising = max(1.0, self.warmup * self.steps)
        falling = max(1.0, self.steps - rising)
        return self.peak * ops.clip(ops.minimum(done / rising, (self.steps + 1.0 - done) / falling), 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup}
