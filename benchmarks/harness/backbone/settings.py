"""What the Chinese backbone is made of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fastbert_tf.config import MaskedLmConfig, StageConfig
from fastbert_tf.data import DATA_VARIABLE

TASKS = ("book_review", "shopping_review", "thucnews")


@dataclass(frozen=True)
class Settings:
    """One experiment."""

    folder: Path
    """Where all of it lies; the same folder goes on with it."""
    shape: str = "6,192,6"
    """Layers, width and heads."""
    vocabulary_size: int = 8000
    """Tokens."""
    character_coverage: float = 0.9995
    """Share of the characters of the corpus that the vocabulary spells."""
    calibration_rows: int = 2000
    """Training rows of each task that pretraining must not see, so that they can calibrate early answers."""
    task_weight: int = 6
    """How often the tasks' texts are named beside Wikipedia."""
    pretraining: MaskedLmConfig = MaskedLmConfig(
        training=StageConfig(epochs=100, learning_rate=0.14),
        dropout=0.0,
        epoch_steps=100,
        held_out_steps=16,
        save_every=25,
    )
    """Of the backbone."""
    task: str = "book_review"
    """What the backbones are compared on."""
    rates: tuple[float, ...] = (1e-4, 3e-4, 1e-3)
    """Learning rates of fine-tuning that either start chooses from, on the dev part."""
    epochs: int = 3
    """Epochs of fine-tuning."""
    seeds: int = 3
    """Runs of either start."""

    @property
    def texts(self) -> Path:
        """The folder of the tasks' texts."""
        return self.folder / "texts"

    @property
    def vocabulary(self) -> Path:
        """The vocabulary file."""
        return self.folder / "vocab.txt"

    @property
    def run(self) -> Path:
        """The folder of the pretraining run."""
        return self.folder / "pretraining"

    @property
    def wikipedia(self) -> tuple[Path, Path]:
        """Training and held-out file."""
        corpus = Path(os.environ[DATA_VARIABLE]) / "corpus"
        return corpus / "zhwiki_train.txt.gz", corpus / "zhwiki_heldout.txt.gz"
