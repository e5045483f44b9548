"""The parts of the reproduction, the most telling first, and how long each takes."""

from __future__ import annotations

from dataclasses import dataclass

from harness.reproduction.settings import CUT_DEPTHS, EXTRA_TEXTS, STUDENT_DEPTHS, TASKS

LAYERS = 6
MINUTES_TO_TEST = 2.0
"""Of starting, tokenising, observing epochs and answering the rows that are reported on: a guess, not measured."""
MINUTES_TO_TIME = 5.0
"""Of all rounds of `times`: a guess."""
FIRST = ("sst2", "ag_news", "book_review")
"""Tasks that come first: one a language and kind of text, and large enough for intervals."""
FASTBERT, JOINT, BAG, TIMES = "fastbert", "joint", "bag_of_words", "times"
FORWARD, REVERSE, UNLABELLED, LONGER = "forward", "reverse", "unlabelled", "longer"
STUDENTS_ALONE = (FORWARD, REVERSE, UNLABELLED, LONGER)
"""Kinds that keep the fine-tuned model and distil its students anew, from the same random weights."""
CUT = tuple(f"cut_{depth}" for depth in CUT_DEPTHS)
STUDENT = tuple(f"student_{depth}" for depth in STUDENT_DEPTHS)
KINDS = (BAG, FASTBERT, JOINT, TIMES, *STUDENT, *CUT, *STUDENTS_ALONE)


@dataclass(frozen=True)
class Part:
    """One piece of work; it is done when its result lies in the work folder."""

    task: str
    kind: str
    """`fastbert`, `joint` (without self-distillation), `bag_of_words`, `times`, `cut_3`, `student_3`; and with students
    distilled anew: `forward` (as `fastbert` does), `reverse` (the other divergence), `unlabelled` (extra text) and
    `longer` (as many steps, no extra text)."""

    @property
    def name(self) -> str:
        return f"{self.task}/{self.kind}"

    @property
    def begins_with(self) -> tuple[str, ...]:
        """Kinds of the same task whose models it begins with."""
        if self.kind == TIMES:
            return (FASTBERT, BAG)
        return (FASTBERT,) if self.kind in (*STUDENT, *STUDENTS_ALONE) else ()

    @property
    def needs_encoder(self) -> bool:
        """Whether it begins with the pretrained encoder of its language."""
        return self.kind in (FASTBERT, JOINT, *CUT)

    @property
    def depth(self) -> int:
        """Layers of what is trained."""
        return int(self.kind.rsplit("_", 1)[1]) if self.kind in (*CUT, *STUDENT) else LAYERS

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
            FORWARD: distilling,
            REVERSE: distilling,
            UNLABELLED: 2 * distilling,
            LONGER: 2 * distilling,
            TIMES: 60 * MINUTES_TO_TIME,
        }
        return MINUTES_TO_TEST + seconds.get(self.kind.split("_")[0], 0.0) / 60


def parts() -> list[Part]:
    """Lists all parts: every claim of the paper on three tasks, then on the others, baselines, and refinements."""
    others = tuple(name for name in TASKS if name not in FIRST)
    tasks = (*FIRST, *others)
    listed = [Part(task, kind) for some in (FIRST, others) for kind in (BAG, FASTBERT, JOINT, TIMES) for task in some]
    half_depth, other_depths = (STUDENT[0], CUT[0]), (*STUDENT[1:], *CUT[1:])
    listed += [Part(task, kind) for kind in (*half_depth, *other_depths) for task in tasks]
    listed += [Part(task, FORWARD) for task in tasks]
    listed += [Part(task, kind) for task in EXTRA_TEXTS for kind in (UNLABELLED, LONGER)]
    return listed + [Part(task, REVERSE) for task in tasks]
