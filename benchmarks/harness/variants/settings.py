"""What the comparison of the variants is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.config import DTYPES, VARIANTS, Config
from fastbert_tf.data import TASKS

RANDOM = "random"
"""The start that was not pretrained: the first weights of the student of the same seed."""
STARTS = (*VARIANTS, RANDOM)
TITLES = {
    "no_kd": "NoKD",
    "dual_train": "DualTrain",
    "shared_proj_down": "SharedProjDown",
    "shared_proj_up": "SharedProjUp",
    RANDOM: "random weights",
}
"""The paper's names."""
TRAIN_FILES = ("books_train.txt.gz", "enwiki_train.txt.gz")
HELD_OUT_FILES = {
    "books_heldout": "books_heldout.txt.gz",
    "enwiki_heldout": "enwiki_heldout.txt.gz",
    "WikiText-2": "wikitext2_test.txt",
}
"""Texts on which masked words are predicted; the first two also select the epoch."""
SELECTION = ("books_heldout", "enwiki_heldout")


@dataclass(frozen=True)
class Settings(Config):
    """One comparison; all variants share everything but their name."""

    teacher: str
    """Folder of the pretrained teacher."""
    vocabulary: str
    """File of the student's vocabulary."""
    data: str
    """Folder of the data sets."""
    work: str
    """Folder of models, resumable state and results."""
    student_dim: int = 96
    """Width of the student, in units."""
    tokens: int = 4_000_000
    """Student tokens of a run, at least; special tokens counted, padding not."""
    seeds: tuple[int, ...] = (0, 100)
    """Far apart: an epoch's batches follow from seed + epoch."""
    epochs: int = 5
    """Epochs into which the tokens are cut; after each the held-out loss is taken."""
    rates: tuple[float, ...] = (0.02, 0.04, 0.08, 0.16)
    """Learning rates for 4096 rows, of which NoKD's held-out loss chooses one for all variants."""
    tuning_tokens: int = 500_000
    """Student tokens of each run that tunes the learning rate."""
    head_tokens: int = 500_000
    """Student tokens on which the teacher's head is warmed up, once for all variants."""
    batch_size: int = 64
    """Rows a step."""
    max_sequence_length: int = 64
    """Longest row in tokens."""
    held_out_steps: int = 16
    """Held-out batches that select the epoch."""
    dtype: str = "float32"
    """Keras dtype policy of pretraining; fine-tuning is in float32."""
    tasks: tuple[str, ...] = ("mrpc", "sick", "sst2")
    """Tasks to fine-tune on."""
    task_rates: tuple[float, ...] = (3e-4, 1e-3)
    """Learning rates of fine-tuning, among which the selection rows choose for each start and task."""
    task_epochs: int = 5
    """Epochs of fine-tuning on MRPC and SICK."""
    sst2_epochs: int = 2
    """Epochs on SST-2, which has 15 times the rows."""

    def __post_init__(self) -> None:
        for name in ("seeds", "rates", "tasks", "task_rates"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            if not getattr(self, name) and name != "tasks":
                raise ValueError(f"{name} must name at least one value; give some")
        for name in ("tokens", "epochs", "tuning_tokens", "head_tokens", "batch_size", "task_epochs", "sst2_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}; raise it")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {DTYPES}, but is {self.dtype!r}")
        if unknown := sorted(set(self.tasks) - set(TASKS)):
            raise ValueError(f"{unknown[0]} is no task; known are {', '.join(TASKS)}")

    @property
    def folder(self) -> Path:
        return Path(self.work)

    def decisive(self) -> dict[str, Any]:
        """Returns what all results in the work folder must share; seeds, tasks and their rates may be added to."""
        open_ended = ("work", "data", "teacher", "vocabulary", "seeds", "tasks", "task_rates")
        return {name: value for name, value in self.to_dict().items() if name not in open_ended}

    def require_files(self) -> None:
        """Finds what would fail only after long work.

        Raises:
            ValueError: the teacher, the vocabulary or a text is not there.
        """
        corpus = Path(self.data) / "corpus"
        texts = [corpus / name for name in (*TRAIN_FILES, *HELD_OUT_FILES.values())]
        for path in (Path(self.teacher) / "config.json", Path(self.vocabulary), *texts):
            if not path.is_file():
                raise ValueError(f"{path} is missing; correct the teacher, the vocabulary or the data folder")
