"""From a work folder to one small JSON file a task, of which the page is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastbert_tf.data import load_task
from fastbert_tf.evaluation import speed_curve, uncertainty_profile
from fastbert_tf.inference import NormalizedEntropy
from harness.reproduction import measures
from harness.reproduction.plan import BAG, FASTBERT, JOINT, LONGER, REVERSE, TIMES, UNLABELLED, Part
from harness.reproduction.settings import CUT_DEPTHS, STUDENT_DEPTHS, TASKS
from harness.reproduction.tuning import Tuned
from harness.reproduction.work import Work

SHOWN_SPEEDS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8)
"""Those of the paper's tables, and the full depth."""


def summarise(work: Work, task: str) -> dict[str, Any] | None:
    """Returns all that the page says of a task; None while its first part, the n-grams, is not done.

    What is not done is left out.
    """
    bag = work.result(Part(task, BAG))
    main = Part(task, FASTBERT)
    if bag is None and not work.is_done(main):
        return None
    settings = TASKS[task]
    found: dict[str, Any] = {"task": task, "title": settings.title, "bag_of_words": bag}
    found["calibration_rows"] = settings.calibration_rows
    found["minutes"] = {
        kind: _minutes(result) for kind in _kinds() if (result := work.result(Part(task, kind))) and "history" in result
    }
    times = work.result(Part(task, TIMES))
    found["times"] = None if times is None else times["times"]
    if work.is_done(main):
        found |= _of_main(work, main)
        found["baselines"] = {kind: one for kind in _baselines() if (one := _baseline(work, Part(task, kind)))}
    return found


def _of_main(work: Work, main: Part) -> dict[str, Any]:
    outputs, config = work.outputs(main)
    result = work.result(main)
    assert result is not None
    policy = NormalizedEntropy()
    profile = uncertainty_profile(outputs, policy)
    curve = speed_curve(outputs, policy, config, load_task(main.task).metrics, SHOWN_SPEEDS)
    found = {
        "machine": result["machine"],
        "rows": len(outputs),
        "curve": curve.to_dict(),
        "uncertainty": profile.to_dict(),
        "history": result["history"],
        "adaptive": measures.against_fixed_depth(outputs, config),
        "without_loss": measures.without_loss(outputs, config),
        "trend": measures.trends(profile),
    }
    for key, kind, sign in (
        ("self_distillation", JOINT, 1), (REVERSE, REVERSE, -1), (UNLABELLED, UNLABELLED, -1), (LONGER, LONGER, -1),
    ):  # fmt: skip
        other = Part(main.task, kind)
        if work.is_done(other):
            theirs, _ = work.outputs(other)
            first, second = (outputs, theirs) if sign > 0 else (theirs, outputs)
            found[key] = measures.at_equal_speedup(first, second, config)
    joint = Part(main.task, JOINT)
    if work.is_done(joint):
        curve = speed_curve(work.outputs(joint)[0], policy, config, ("accuracy",), SHOWN_SPEEDS)
        found["joint_curve"] = curve.to_dict()
    chosen = work.tuned(main.task)

    def compared(by_drop: Mapping[str, Sequence[Tuned]]) -> dict[str, Any]:
        return {drop: measures.policies(outputs, config, tuned) for drop, tuned in by_drop.items() if tuned}

    return {**found, "policies": compared(chosen["tuned"]), "certified": compared(chosen["certified"])}


def _baseline(work: Work, part: Part) -> dict[str, Any] | None:
    if not work.is_done(part):
        return None
    outputs, config = work.outputs(Part(part.task, FASTBERT))
    return measures.against_baseline(outputs, config, *work.outputs(part))


def _baselines() -> list[str]:
    return [f"cut_{depth}" for depth in CUT_DEPTHS] + [f"student_{depth}" for depth in STUDENT_DEPTHS]


def _kinds() -> list[str]:
    return [FASTBERT, JOINT, *_baselines(), REVERSE, UNLABELLED, LONGER]


def _minutes(result: dict[str, Any]) -> float:
    return round(sum(epoch["seconds"] for epoch in result["history"]) / 60, 1)
