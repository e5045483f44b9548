"""From a work folder to one small JSON file a task, of which the page is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastbert_tf.config import FastBertConfig
from fastbert_tf.evaluation import DRAWS, BranchOutputs, speed_curve, uncertainty_profile
from fastbert_tf.inference import NormalizedEntropy
from harness.reproduction import measures
from harness.reproduction.plan import (
    BAG,
    CUT,
    FASTBERT,
    FORWARD,
    JOINT,
    KINDS,
    LONGER,
    REVERSE,
    STUDENT,
    TIMES,
    UNLABELLED,
    Part,
)
from harness.reproduction.settings import SHOWN_SPEEDS, TASKS
from harness.reproduction.tuning import Choices
from harness.reproduction.work_folder import WorkFolder

POLICY = NormalizedEntropy()
"""Of the paper."""
VARIANTS = ((REVERSE, FORWARD), (UNLABELLED, LONGER), (UNLABELLED, FORWARD), (LONGER, FORWARD))
"""Ways to distil that are compared, the first less the second; their students begin with the same random weights."""


def summarise(folder: WorkFolder, task: str) -> dict[str, Any] | None:
    """Returns all that the page says of a task; None while nothing of it is done.

    What is not done is left out.
    """
    done = {kind: result for kind in KINDS if (result := folder.result(Part(task, kind)))}
    if not done:
        return None
    outputs = {kind: folder.outputs(Part(task, kind)) for kind in done if kind != TIMES}
    configs = {kind: FastBertConfig.from_dict(done[kind]["config"]) for kind in done if "config" in done[kind]}
    found: dict[str, Any] = {
        "task": task,
        "title": TASKS[task].title,
        "done": list(done),
        "calibration_rows": TASKS[task].calibration_rows,
        "minutes": {kind: _minutes(result) for kind, result in done.items() if "history" in result},
    }
    if BAG in done:
        found["bag_of_words"] = measures.accuracy_of(outputs[BAG])
    if TIMES in done:
        found["times"] = {"machine": done[TIMES]["machine"], **done[TIMES]["times"]}
    if FASTBERT in done:
        found |= _alone(done[FASTBERT], outputs[FASTBERT], configs[FASTBERT])
        found |= _policies(folder.choices(task, done[FASTBERT]["model"]), outputs[FASTBERT], configs[FASTBERT])
        found |= _beside_others(outputs, configs)
    found["variants"] = {
        f"{one} - {other}": measures.at_equal_speedup(outputs[one], outputs[other], configs[one])
        for one, other in VARIANTS
        if one in outputs and other in outputs
    }
    return found


def _alone(result: Mapping[str, Any], outputs: BranchOutputs, config: FastBertConfig) -> dict[str, Any]:
    """What the fine-tuned and self-distilled model does by itself."""
    profile = uncertainty_profile(outputs, POLICY)
    return {
        "machine": result["machine"],
        "rows": len(outputs),
        "curve": speed_curve(outputs, POLICY, config, result["metrics"], SHOWN_SPEEDS, draws=DRAWS).to_dict(),
        "uncertainty": profile.to_dict(),
        "history": result["history"],
        "adaptive": measures.against_fixed_depth(outputs, config),
        "without_loss": measures.without_loss(outputs, config),
        "trend": measures.trends(profile),
    }


def _policies(
    choices: Mapping[str, Mapping[str, Choices | None]] | None, outputs: BranchOutputs, config: FastBertConfig
) -> dict[str, Any]:
    """By `policies`, which are tuned, and `certified`, and then by drop, where rows sufficed."""
    return {
        kind: {drop: measures.policies(outputs, config, one) for drop, one in by_drop.items() if one}
        for kind, by_drop in (choices or {}).items()
    }


def _beside_others(outputs: Mapping[str, BranchOutputs], configs: Mapping[str, FastBertConfig]) -> dict[str, Any]:
    """Comparisons with the ablation and with smaller models."""
    main, config = outputs[FASTBERT], configs[FASTBERT]
    found: dict[str, Any] = {
        "baselines": {
            kind: measures.against_baseline(main, config, outputs[kind], configs[kind])
            for kind in (*CUT, *STUDENT)
            if kind in outputs
        }
    }
    if JOINT in outputs:
        found["self_distillation"] = measures.at_equal_speedup(main, outputs[JOINT], config)
        curve = speed_curve(outputs[JOINT], POLICY, config, speeds=SHOWN_SPEEDS, draws=DRAWS)
        found["joint_curve"] = curve.to_dict()
    return found


def _minutes(result: Mapping[str, Any]) -> float:
    return round(sum(epoch["seconds"] for epoch in result["history"]) / 60, 1)
