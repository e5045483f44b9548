"""The tasks, and what each is trained with.

All of it was fixed before the rows that are reported on were read, with one exception: SST-2's learning rate is the
better one of two on its dev part, as docs/results.md says, and that part is also the one reported on.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastbert_tf.config import StageConfig, TrainingConfig

ENGLISH, CHINESE = "english", "chinese"


@dataclass(frozen=True)
class TaskSettings:
    """One task of the reproduction."""

    name: str
    """As `load_task` knows it."""
    title: str
    """In tables."""
    language: str
    """`english` starts from the pretrained 6-layer encoder, `chinese` from the small Chinese backbone."""
    learning_rate: float
    """Of fine-tuning."""
    calibration_rows: int
    """Training rows that train and select nothing: policies are tuned on them."""
    fine_tuning_seconds: float
    """A step of 32 rows of stage 1, 6 layers, 2 cores; see `plan`."""
    distillation_seconds: float
    """A step of stage 2."""
    train_rows: int
    """About what is left to train on, for the stated times alone."""
    distillation_rate: float = 2e-4
    """Learning rate of stage 2; the paper's. Narrow encoders take a larger one, as the built-in student does."""
    branch_dim: int = 128
    """Width of the branches."""

    def training(self, **changes: object) -> TrainingConfig:
        """Returns the schedule of the paper: 3 epochs, then 5."""
        return TrainingConfig(
            fine_tuning=StageConfig(3, self.learning_rate),
            distillation=StageConfig(5, self.distillation_rate),
            **changes,  # type: ignore[arg-type]
        )


def _chinese(name: str, title: str, fine_tuning: float, distillation: float, rows: int) -> TaskSettings:
    # 2,000: the rows that `benchmarks/chinese_backbone.py` kept out of pretraining are these very ones.
    return TaskSettings(name, title, CHINESE, 3e-4, 2000, fine_tuning, distillation, rows, 1e-3, 64)


TASKS = {
    task.name: task
    for task in (
        TaskSettings("sst2", "SST-2", ENGLISH, 1e-4, 5000, 0.31, 0.105, 59_000),
        TaskSettings("mrpc", "MRPC", ENGLISH, 5e-5, 500, 1.30, 0.38, 3_010),
        TaskSettings("cola", "CoLA", ENGLISH, 5e-5, 1000, 0.27, 0.09, 7_150),
        TaskSettings("rte", "RTE", ENGLISH, 5e-5, 300, 1.56, 0.46, 2_080),
        TaskSettings("ag_news", "AG News", ENGLISH, 5e-5, 1500, 0.77, 0.26, 7_480),
        _chinese("book_review", "Book review", 0.35, 0.14, 18_000),
        _chinese("shopping_review", "Shopping review", 0.48, 0.19, 18_000),
        _chinese("thucnews", "THUCNews", 0.20, 0.08, 31_500),
    )
}
"""By name, in the order of the page."""

CUT_DEPTHS = (3, 2, 1)
"""Layers of the encoders that are cut and fine-tuned."""
STUDENT_DEPTHS = (3, 1)
"""Layers of the distilled students: half of the encoder and one, as in the paper's table 2."""
EXTRA_TEXTS = {"book_review": "shopping_review", "ag_news": "corpus/enwiki_train.txt.gz"}
"""Unlabelled text for self-distillation, as much as there are training rows: the training texts of another task, or a
file of the data folder."""
DROPS = (0.005, 0.01, 0.02)
"""Shares of lost rows that policies are tuned for."""
JUDGED_DROP = 0.01
"""The one that the verdict is about."""
SHOWN_SPEEDS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8)
"""Those of the paper's tables and figures."""
OBSERVED_SPEED = 0.5
"""Of figure 7."""
