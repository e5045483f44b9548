"""The parts of the reproduction, the most telling first, and how long each takes."""

from __future__ import annotations

from dataclasses import dataclass

from harness.reproduction.settings import CUT_DEPTHS, EXTRA_TEXTS, STUDENT_DEPTHS, TASKS

LAYERS = 6
MINUTES_TO_TEST = 2.0
"""Of starting, tokenising, observing epochs and answering the rows that are reported on: a guess, not measured."""
FIRST = ("sst2", "ag_news", "book_review")
"""Tasks that come first: one a language and kind of text, and large enough for intervals."""
FASTBERT, JOINT, BAG, TIMES = "fastbert", "joint", "bag_of_words", "times"
UNLABELLED, LONGER, REVERSE = "unlabelled", "longer", "reverse"
STUDENTS_ALONE = (UNLABELLED, LONGER, REVERSE)
"""Kinds that keep the fine-tuned model and distil its students anew."""


@dataclass(frozen=True)
class Part:
    """One piece of work; it is done when its result lies in the work folder."""

    task: str
    kind: str
    """`fastbert`, `joint` (without self-distillation), `bag_of_words`, `times`, `cut_3`, `student_3`, `reverse` (the
    other divergence), `unlabelled` (extra text) or `longer` (as many steps, no extra text)."""

    @property
    def name(self) -> str:
        return f"{self.task}/{self.kind}"

    @property
    def needs_fastbert(self) -> bool:
        """Whether it begins with the fine-tuned model of its task."""
        return self.kind.startswith("student") or self.kind in (*STUDENTS_ALONE, TIMES)

    @property
    def depth(self) -> int:
        """Layers of what is trained."""
        return int(self.kind.rsplit("_", 1)[1]) if self.kind.startswith(("cut_", "student_")) else LAYERS

    @property
    def minutes(self) -> float:
        """What it takes, from measured steps."""
        task = TASKS[self.task]
        steps, share = task.train_rows / 32, self.depth / LAYERS
        tuning, distilling = 3 * steps * task.fine_tuning_seconds, 5 * steps * task.distillation_seconds
        seconds = {
            FASTBERT: tuning + distilling,
            JOINT: 1.2 * tuning,  # 730 to 790 s an epoch of SST-2 against 620
            "cut": share * tuning,
            "student": share * tuning + 0.6 * distilling,  # the teacher answers each row of 3 epochs
            REVERSE: distilling,
            UNLABELLED: 2 * distilling,
            LONGER: 2 * distilling,
        }
        return MINUTES_TO_TEST + seconds.get(self.kind.split("_")[0], 0.0) / 60


def parts() -> list[Part]:
    """Lists all parts: every claim of the paper on three tasks, then on the others, baselines, and refinements."""
    others = tuple(name for name in TASKS if name not in FIRST)
    tasks = (*FIRST, *others)
    listed = [Part(task, kind) for some in (FIRST, others) for kind in (BAG, FASTBERT, JOINT) for task in some]
    half = STUDENT_DEPTHS[0]
    baselines = [f"student_{half}", f"cut_{half}"]
    baselines += [f"student_{depth}" for depth in STUDENT_DEPTHS[1:]] + [f"cut_{depth}" for depth in CUT_DEPTHS[1:]]
    listed += [Part(task, kind) for kind in baselines for task in tasks]
    listed += [Part(task, kind) for task in EXTRA_TEXTS for kind in (UNLABELLED, LONGER)]
    return listed + [Part(task, kind) for kind in (REVERSE, TIMES) for task in tasks]
