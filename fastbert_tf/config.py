"""Configuration: frozen dataclasses, one field a line, that round-trip through JSON."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeVar

ACTIVATIONS = ("gelu", "gelu_tanh")
DTYPES = ("float32", "mixed_bfloat16")
DIVERGENCES = ("forward", "reverse")
PROJECTION_DIRECTIONS = {"no_kd": None, "dual_train": None, "shared_proj_down": "down", "shared_proj_up": "up"}
VARIANTS = tuple(PROJECTION_DIRECTIONS)

REFERENCE_BATCH_SIZE = 4096
"""Rows a step that the learning rate of pretraining is given for."""

DEFAULT_SPEED = 0.5
"""Uncertainty below which a row leaves where nobody chose a speed, in [0, 1]."""
LEAST_SPEED = 1e-9
"""A speed that asks every branch, at which hardly a row leaves."""

C = TypeVar("C", bound="Config")


class Config:
    """JSON round trip shared by all configurations."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON types."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls: type[C], values: dict[str, Any]) -> C:
        """Builds the configuration from `to_dict()` output.

        Raises:
            ValueError: a key is unknown, or a required one is missing.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise ValueError(f"{cls.__name__} has no field {unknown}; its fields are {sorted(fields)}")
        required = {name for name, field in fields.items() if field.default is dataclasses.MISSING}
        missing = sorted(required - set(values))
        if missing:
            raise ValueError(f"{cls.__name__} needs {missing}; add them to the configuration")
        return cls(**values)


class RunConfig(Config):
    """Configuration of a training run."""

    seed: int
    """Of all random choices."""
    save_every: int
    """Steps between resumable states."""

    def decisive(self) -> dict[str, Any]:
        """Returns the fields that decide the trained weights, as plain JSON types: all but `save_every`."""
        values = {name: value for name, value in self.to_dict().items() if name != "save_every"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _require(condition: bool, name: str, rule: str, received: Any) -> None:
    if not condition:
        raise ValueError(f"{name} must be {rule}, but is {received!r}; change it in the configuration")


def _require_integer(config: Any, *names: str, least: int = 1) -> None:
    for name in names:
        value = getattr(config, name)
        _require(isinstance(value, int) and value >= least, name, f"an integer of at least {least}", value)


@dataclass(frozen=True)
class BackboneConfig(Config):
    """Shape of a BERT encoder; the names follow KerasHub's `BertBackbone`."""

    vocabulary_size: int
    """Entries of the token vocabulary."""
    num_layers: int
    """Encoder blocks."""
    num_heads: int
    """Attention heads a block; must divide `hidden_dim`."""
    hidden_dim: int
    """Width of the hidden states, in units."""
    intermediate_dim: int
    """Width of the feed-forward layer, in units."""
    max_sequence_length: int = 512
    """Learned positions: the longest input, in tokens."""
    num_segments: int = 2
    """Segment (token type) embeddings."""
    dropout: float = 0.1
    """Dropout rate on embeddings, attention weights and block outputs, in [0, 1)."""
    activation: str = "gelu"
    """Feed-forward activation: exact `gelu`, or `gelu_tanh` for checkpoints trained with the approximation."""
    layer_norm_epsilon: float = 1e-12
    """Added to the variance in layer normalisation."""

    def __post_init__(self) -> None:
        _require_integer(
            self, "vocabulary_size", "num_layers", "num_heads", "hidden_dim", "intermediate_dim",
            "max_sequence_length", "num_segments",
        )  # fmt: skip
        _require(
            self.hidden_dim % self.num_heads == 0,
            "hidden_dim",
            f"a multiple of {self.num_heads} heads",
            self.hidden_dim,
        )
        _require(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)
        _require(self.activation in ACTIVATIONS, "activation", f"one of {ACTIVATIONS}", self.activation)
        _require(self.layer_norm_epsilon > 0, "layer_norm_epsilon", "positive", self.layer_norm_epsilon)


@dataclass(frozen=True)
class FastBertConfig(Config):
    """A backbone with one branch classifier after every layer; the last branch is the teacher."""

    backbone: BackboneConfig
    """The encoder."""
    num_classes: int
    """Labels of the task, at least 2."""
    branch_dim: int = 128
    """Width of the branch classifiers, in units; must divide by `branch_heads`."""
    branch_heads: int = 2
    """Attention heads of a branch classifier."""

    def __post_init__(self) -> None:
        if isinstance(self.backbone, dict):
            object.__setattr__(self, "backbone", BackboneConfig.from_dict(self.backbone))
        _require_integer(self, "branch_dim", "branch_heads")
        _require_integer(self, "num_classes", least=2)
        _require(
            self.branch_dim % self.branch_heads == 0, "branch_dim", f"a multiple of {self.branch_heads} heads",
            self.branch_dim,
        )  # fmt: skip


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
        _require_integer(self, "epochs", least=0)
        _require(self.learning_rate > 0, "learning_rate", "positive", self.learning_rate)
        _require(0 <= self.warmup <= 1, "warmup", "in [0, 1]", self.warmup)
        _require(self.weight_decay >= 0, "weight_decay", "at least 0", self.weight_decay)


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
        _require_integer(self, "rounds", "batch_size", "save_every")
        _require_integer(self, "max_sequence_length", least=5)
        _require_integer(self, "seed", least=0)
        _require(self.divergence in DIVERGENCES, "divergence", f"one of {DIVERGENCES}", self.divergence)
        _require(self.dtype in DTYPES, "dtype", f"one of {DTYPES}", self.dtype)


@dataclass(frozen=True, kw_only=True)
class MaskedLmConfig(RunConfig):
    """Pretraining of an encoder by masked words."""

    training: StageConfig = StageConfig(epochs=1, learning_rate=0.00125)
    """Training with LAMB; its learning rate is the one for 4096 rows a step."""
    prediction_share: float = 0.15
    """Expected share of predicted places among all positions, in (0, 1]."""
    dropout: float = 0.1
    """Dropout rate of what is trained, in [0, 1)."""
    epoch_steps: int | None = None
    """Batches of an epoch, drawn anew each time; None: the whole corpus."""
    held_out_steps: int | None = None
    """Held-out batches that select the epoch; None: all that are full."""
    batch_size: int = 32
    """Rows of a batch."""
    accumulation: int = 1
    """Batches whose gradients are averaged before a step."""
    dtype: str = "float32"
    """Keras dtype policy: `float32` or `mixed_bfloat16`."""
    seed: int = 0
    """Seeds initialisation, dropout and the order of the batches."""
    save_every: int = 500
    """Batches between resumable states."""

    def __post_init__(self) -> None:
        if isinstance(self.training, dict):
            object.__setattr__(self, "training", StageConfig.from_dict(self.training))
        optional = [name for name in ("epoch_steps", "held_out_steps") if getattr(self, name) is not None]
        _require_integer(self, "batch_size", "accumulation", "save_every", *optional)
        _require_integer(self, "seed", least=0)
        _require(0 < self.prediction_share <= 1, "prediction_share", "in (0, 1]", self.prediction_share)
        _require(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)
        _require(self.dtype in DTYPES, "dtype", f"one of {DTYPES}", self.dtype)

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
        _require(self.variant in VARIANTS, "variant", f"one of {VARIANTS}", self.variant)
        _require_integer(self, "student_dim", *([] if self.student_heads is None else ["student_heads"]))
        _require(0 <= self.p_dt <= 1, "p_dt", "in [0, 1]", self.p_dt)
        _require(self.epsilon > 0, "epsilon", "positive", self.epsilon)

    @property
    def direction(self) -> str | None:
        """`down` or `up` where weights are projected, else None."""
        return PROJECTION_DIRECTIONS[self.variant]


@dataclass(frozen=True)
class WordDistillationConfig(RunConfig):
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
    epoch_steps: int | None = None
    """Batches of an epoch, drawn anew each time; None: the whole corpus."""
    held_out_steps: int | None = None
    """Held-out batches that select the epoch; None: all that are full."""
    batch_size: int = 32
    """Rows of a batch."""
    dtype: str = "float32"
    """Keras dtype policy of the student: `float32` or `mixed_bfloat16`."""
    teacher_dtype: str = "float32"
    """Keras dtype policy of the teacher."""
    seed: int = 0
    """Seeds initialisation and the order of the batches."""
    save_every: int = 500
    """Batches between resumable states."""

    def __post_init__(self) -> None:
        if isinstance(self.training, dict):
            object.__setattr__(self, "training", StageConfig.from_dict(self.training))
        if self.layer_map is not None:
            object.__setattr__(self, "layer_map", tuple(self.layer_map))
        optional = [
            name for name in ("student_heads", "epoch_steps", "held_out_steps") if getattr(self, name) is not None
        ]
        _require_integer(self, "student_dim", "batch_size", "save_every", *optional)
        _require_integer(self, "seed", least=0)
        for name in ("dtype", "teacher_dtype"):
            _require(getattr(self, name) in DTYPES, name, f"one of {DTYPES}", getattr(self, name))
