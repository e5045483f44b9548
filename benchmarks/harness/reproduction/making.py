"""Makes parts in their order, and stores what is known of a task whenever more is."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from pathlib import Path

import keras

from harness.reproduction.plan import Part
from harness.reproduction.stored import RESULTS, keep
from harness.reproduction.summary import summarise
from harness.reproduction.work import Work
from harness.reproduction.work_folder import WorkFolder


def make(work: Work, wanted: Sequence[Part], results: Path = RESULTS) -> None:
    """Does the parts that are not done.

    Raises:
        ValueError: something that one of them needs is missing.
    """
    work.require(wanted)
    bring_up_to_date(work.folder, dict.fromkeys(part.task for part in wanted), results)
    for part in wanted:
        if not work.folder.is_done(part):
            print(f"== {part.name}, about {part.minutes:.0f} minutes", flush=True)
            work.do(part)
            keras.backend.clear_session()
            gc.collect()
            bring_up_to_date(work.folder, [part.task], results)


def bring_up_to_date(folder: WorkFolder, tasks: Iterable[str], results: Path = RESULTS) -> None:
    """Stores what a work folder says of tasks, also where a call was killed before, or a measure has changed since."""
    for task in tasks:
        keep(summarise(folder, task), results)
