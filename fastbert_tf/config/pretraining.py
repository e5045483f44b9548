"""Pretraining by masked words, beside a teacher, or from its states."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastbert_tf.config.base import DTYPES, RunConfig, require, require_integer
from fastbert_tf.config.training import StageConfig

PROJECTION_DIRECTIONS = {"no_kd": None, "dual_train": None, "shared_proj_down": "down", "shared_proj_up": "up"}
VARIANTS = tuple(PROJECTION_DIRECTIONS)

REFERENCE_BATCH_SIZE = 4096
"""Rows a step that the learning rate of pretraining is given for."""


@dataclass(frozen=True, kw_only=True)
class CorpusRunConfig(RunConfig):
    """A run over a corpus too large for epochs of all of it."""

    training: StageConfig
    """Epochs, learning rate and the like."""
    epoch_steps: int | None = None
    """Batches of an epoch, drawn anew each time; None: the whole corpus."""
    held_out_steps: int | None = None
    """Held-out batches that select the epoch; None: all that are full."""
    batch_size: int = 32
    """Rows of a batch."""
    dtype: str = "float32"
    """Keras dtype policy of what is trained: `float32` or `mixed_bfloat16`."""
    seed: int = 0
    """Seeds initialisation, dropout and the order of the batches."""
    save_every: int = 500
    """Batches between resumable states."""

    def __post_init__(self) -> None:
        if isinstance(self.training, dict):
            object.__setattr__(self, "training", StageConfig.from_dict(self.training))
        optional = [name for name in ("epoch_steps", "held_out_steps") if getattr(self, name) is not None]
        require_integer(self, "batch_size", "save_every", *optional)
        require_integer(self, "seed", least=0)
        require(self.dtype in DTYPES, "dtype", f"one of {DTYPES}", self.dtype)


@dataclass(frozen=True, kw_only=True)
class MaskedLmConfig(CorpusRunConfig):
    """Pretraining of an encoder by masked words."""

    training: StageConfig = StageConfig(epochs=1, learning_rate=0.00125)
    """Training with LAMB; its learning rate is the one for 4096 rows a step."""
    prediction_share: float = 0.15
    """Expected share of predicted places among all positions, in (0, 1]."""
    dropout: float = 0.1
    """Dropout rate of what is trained, in [0, 1)."""
    accumulation: int = 1
    """Batches whose gradients are averaged before a step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer(self, "accumulation")
        require(0 < self.prediction_share <= 1, "prediction_share", "in (0, 1]", self.prediction_share)
        require(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)

    @property
    def scaled_learning_rate(self) -> float:
        """The learning rate at this batch size: times the root of rows a step over 4096 (You et al., 2019)."""
        return self.training.learning_rate * math.sqrt(self.batch_size * self.accumulation / REFERENCE_BATCH_SIZE)


@dataclass(frozen=True)
class PretrainingConfig(MaskedLmConfig):
    """Pretraining of a small student beside its teacher (the defaults are the paper's, where it names one)."""

    variant: str = "dual_train"
    """`no_kd` (the student alone), `dual_train`, or that with projections: `shared_proj_down`, `shared_proj_up`."""
    student_dim: int = 192
    """Width of the student, in units."""
    student_heads: int | None = None
    """Its attention heads; None takes the teacher's. They must divide `student_dim`."""
    layer_map: tuple[int, ...] | None = None
    """The teacher's layer, counted from 1, for every layer of the student; None: as many layers as the teacher."""
    p_dt: float = 0.5
    """Probability that the teacher reads a word in the student's vocabulary, in [0, 1]."""
    epsilon: float = 1.0
    """Weight of the cross-entropies beside the projection loss."""
    train_teacher: bool = True
    """Whether the teacher's weights are trained too, as in the paper."""
    head_warmup: StageConfig = StageConfig(epochs=1, learning_rate=1e-3)
    """Training of the head that the teacher lacks, with AdamW, the encoder frozen."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.head_warmup, dict):
            object.__setattr__(self, "head_warmup", StageConfig.from_dict(self.head_warmup))
        if self.layer_map is not None:
            object.__setattr__(self, "layer_map", tuple(self.layer_map))
        require(self.variant in VARIANTS, "variant", f"one of {VARIANTS}", self.variant)
        require_integer(self, "student_dim", *([] if self.student_heads is None else ["student_heads"]))
        require(0 <= self.p_dt <= 1, "p_dt", "in [0, 1]", self.p_dt)
        require(self.epsilon > 0, "epsilon", "positive", self.epsilon)

    @property
    def direction(self) -> str | None:
        """`down` or `up` where weights are projected, else None."""
        return PROJECTION_DIRECTIONS[self.variant]


@dataclass(frozen=True, kw_only=True)
class WordDistillationConfig(CorpusRunConfig):
    """Pretraining of a small student that learns its teacher's states, word by word."""

    student_dim: int = 192
    """Width of the student, in units."""
    student_heads: int | None = None
    """Its attention heads; None makes them as wide as the teacher's. They must divide `student_dim`."""
    layer_map: tuple[int, ...] | None = None
    """The teacher's layer, counted from 1, for every layer of the student; None: as many layers as the teacher."""
    inherit: bool = True
    """Whether the student's first weights are fitted to the teacher's; else they are random."""
    training: StageConfig = StageConfig(epochs=1, learning_rate=1e-3, warmup=0.02)
    """Training with AdamW."""
    teacher_dtype: str = "float32"
    """Keras dtype policy of the teacher."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layer_map is not None:
            object.__setattr__(self, "layer_map", tuple(self.layer_map))
        require_integer(self, "student_dim", *([] if self.student_heads is None else ["student_heads"]))
        require(self.teacher_dtype in DTYPES, "teacher_dtype", f"one of {DTYPES}", self.teacher_dtype)
