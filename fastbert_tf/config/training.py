"""Fine-tuning and self-distillation."""

from __future__ import annotations

from dataclasses import dataclass

from fastbert_tf.config.base import DTYPES, Config, RunConfig, require, require_integer

DIVERGENCES = ("forward", "reverse")


@dataclass(frozen=True)
class StageConfig(Config):
    """One training stage: how long, how fast."""

    epochs: int
    """Passes over the training rows; 0 skips the stage."""
    learning_rate: float
    """Peak learning rate, reached after warm-up."""
    warmup: float = 0.1
    """Share of the stage's steps in which the learning rate rises linearly; it then falls linearly to 0."""
    weight_decay: float = 0.01
    """Decoupled weight decay (AdamW); biases and layer normalisation are left out."""

    def __post_init__(self) -> None:
        require_integer(self, "epochs", least=0)
        require(self.learning_rate > 0, "learning_rate", "positive", self.learning_rate)
        require(0 <= self.warmup <= 1, "warmup", "in [0, 1]", self.warmup)
        require(self.weight_decay >= 0, "weight_decay", "at least 0", self.weight_decay)


@dataclass(frozen=True)
class TrainingConfig(RunConfig):
    """The alternating schedule of FastBERT (section 4.3 of the paper gives the defaults)."""

    fine_tuning: StageConfig = StageConfig(epochs=3, learning_rate=2e-5)
    """Stage 1: backbone and teacher on labels."""
    distillation: StageConfig = StageConfig(epochs=5, learning_rate=2e-4)
    """Stage 2: students on the teacher's soft labels."""
    rounds: int = 1
    """How often the two stages alternate."""
    self_distillation: bool = True
    """False trains all branches together with the backbone on labels (the paper's ablation); no stage 2."""
    divergence: str = "forward"
    """`forward`: KL(teacher || student), the authors' code; `reverse`: KL(student || teacher), eq. 5."""
    batch_size: int = 32
    """Rows a step."""
    max_sequence_length: int = 128
    """Longest input in tokens; longer texts are cut."""
    dtype: str = "float32"
    """Keras dtype policy: `float32` or `mixed_bfloat16`."""
    seed: int = 0
    """Seeds initialisation, dropout, shuffling and splits."""
    save_every: int = 500
    """Steps between resumable states."""

    def __post_init__(self) -> None:
        for name in ("fine_tuning", "distillation"):
            if isinstance(getattr(self, name), dict):
                object.__setattr__(self, name, StageConfig.from_dict(getattr(self, name)))
        require_integer(self, "rounds", "batch_size", "save_every")
        require_integer(self, "max_sequence_length", least=5)
        require_integer(self, "seed", least=0)
        require(self.divergence in DIVERGENCES, "divergence", f"one of {DIVERGENCES}", self.divergence)
        require(self.dtype in DTYPES, "dtype", f"one of {DTYPES}", self.dtype)
