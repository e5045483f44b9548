"""NoKD, DualTrain, SharedProjDown and SharedProjUp under one budget of student tokens (docs/results.md).

    python benchmarks/student_variants.py --teacher DIR --vocabulary FILE --work runs/variants     makes the runs
    python benchmarks/student_variants.py --work runs/variants --render     docs/results.md, from what is finished there

Every finished run is a JSON file in the work folder, and an unfinished one has a resumable state: the same call goes
on. Runs come in the most telling order: learning rate, the teacher's head, all variants with the first seed, with the
next one, then fine-tuning. FASTBERT_DATA names the folder of the data sets.
"""

from __future__ import annotations

import os
from pathlib import Path

from absl import app, flags
from harness.results_page import write_page
from harness.variants import figure
from harness.variants.corpora import Corpora
from harness.variants.plan import jobs
from harness.variants.settings import Settings
from harness.variants.store import Store
from harness.variants.stored import keep

from fastbert_tf.config import DTYPES
from fastbert_tf.data import DATA_VARIABLE
from fastbert_tf.evaluation import machine
from fastbert_tf.recipes.run_directory import RunDirectory

_DEFAULTS = Settings("", "", "", "")


def _numbers(name: str, what: str) -> flags.FlagHolder:
    values = ",".join(f"{value:g}" for value in getattr(_DEFAULTS, name))
    return flags.DEFINE_list(name, values, f"{what}, with commas between")


def _number(name: str, what: str) -> flags.FlagHolder:
    return flags.DEFINE_integer(name, getattr(_DEFAULTS, name), what, lower_bound=1)


_TEACHER = flags.DEFINE_string("teacher", "", "folder of the pretrained teacher")
_VOCABULARY = flags.DEFINE_string("vocabulary", "", "file of the student's vocabulary")
_WORK = flags.DEFINE_string("work", "runs/variants", "folder of models, states and finished runs")
_NUMBERS = {
    name: _number(name, what)
    for name, what in {
        "student_dim": "width of the student",
        "tokens": "student tokens of a run",
        "epochs": "epochs into which they are cut",
        "tuning_tokens": "student tokens of each run that tunes the learning rate",
        "head_tokens": "student tokens on which the teacher's head is warmed up",
        "batch_size": "rows a step",
        "max_sequence_length": "longest row in tokens",
        "held_out_steps": "held-out batches that select the epoch",
        "task_epochs": "epochs of fine-tuning",
        "sst2_epochs": "epochs of fine-tuning on SST-2",
    }.items()
}
_SEEDS = _numbers("seeds", "seeds; keep them further apart than there are epochs")
_RATES = _numbers("rates", "learning rates for 4096 rows, to choose from")
_TASK_RATES = _numbers("task_rates", "learning rates of fine-tuning, to choose from")
_TASKS = flags.DEFINE_list("tasks", ",".join(_DEFAULTS.tasks), "tasks to fine-tune on; empty: none")
_DTYPE = flags.DEFINE_enum("dtype", _DEFAULTS.dtype, DTYPES, "Keras dtype policy of pretraining")
_RENDER = flags.DEFINE_boolean("render", False, "write the results of the finished runs, and run nothing")


def asked() -> Settings:
    """Returns the settings that the flags name.

    Raises:
        ValueError: a flag's value is unusable.
    """
    return Settings(
        teacher=_TEACHER.value,
        vocabulary=_VOCABULARY.value,
        data=os.environ.get(DATA_VARIABLE, ""),
        work=_WORK.value,
        seeds=tuple(map(int, _SEEDS.value)),
        rates=tuple(map(float, _RATES.value)),
        task_rates=tuple(map(float, _TASK_RATES.value)),
        tasks=tuple(_TASKS.value),
        dtype=_DTYPE.value,
        **{name: flag.value for name, flag in _NUMBERS.items()},
    )


def main(_: list[str]) -> None:
    """Makes the runs that are not finished, or writes the results of those that are."""
    try:
        if _RENDER.value:
            keep(Path(_WORK.value), machine())
            figure.draw()
            write_page()
            return
        settings = asked()
        settings.require_files()
        run = RunDirectory(settings.folder)  # it is kept: the lock on the folder lasts as long
        run.claim(settings.decisive())
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    store = Store(settings.folder)
    store.remember(settings)
    store.run(jobs(settings, Corpora(settings), store))


if __name__ == "__main__":
    app.run(main)
