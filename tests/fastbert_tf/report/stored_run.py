"""Folders of runs with answers made up by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fastbert_serving.dial import Dial
from fastbert_tf.calibration import Certificate, Subject, write_certificate
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import (
    BranchOutputs,
    Latency,
    Report,
    RowTexts,
    speed_curve,
    uncertainty_profile,
    write_outputs,
    write_texts,
)
from fastbert_tf.evaluation.report import JSON_FILE
from fastbert_tf.inference import NormalizedEntropy

LAYERS = 3
CONFIG = FastBertConfig(BackboneConfig(100, LAYERS, 2, 16, 32), num_classes=2, branch_dim=8)
EVIL = '<script>alert("x")</script> | $a$ & `b`'
TEXTS = (EVIL, *(f"text {number}" for number in range(1, 40)))
SETTINGS = {
    "task": "sst2",
    "training": {
        "fine_tuning": {"epochs": 1, "learning_rate": 1e-4},
        "distillation": {"epochs": 1, "learning_rate": 2e-4},
        "self_distillation": True,
        "seed": 7,
    },
    "training_rows": {"count": 1234},
}
OBSERVED = {
    "rows": 30, "speed": 0.5, "accuracy": 0.8, "full_depth_accuracy": 0.9, "paper_flops": 4e6, "executed_flops": 2e6,
}  # fmt: skip
HISTORY = [
    {"phase": "fine_tuning", "epoch": 1, "val_accuracy": 0.9, "val_loss": 0.3, "seconds": 60.0, "observed": OBSERVED},
    {"phase": "self_distillation", "epoch": 1, "val_loss": 0.2, "seconds": 120.0, "observed": OBSERVED},
]


def outputs(labelled: bool = True) -> BranchOutputs:
    """40 rows: 20 are sure at layer 1, 10 at layer 2, 10 never; of the first, rows 0 and 1 differ from the teacher.

    The teacher says 1, and is wrong about row 0 alone.
    """
    one = np.full((40, LAYERS), 0.52)  # probability of label 1
    one[:20], one[20:30, 1:] = 0.999, 0.98
    one[0, 0], one[1, 0] = 0.0005, 0.003
    labels = np.ones(40, np.int32)
    labels[0] = 0
    probabilities = np.stack([1 - one, one], axis=-1).astype(np.float32)
    return BranchOutputs(probabilities, labels if labelled else None, np.arange(1, 41, dtype=np.int32))


def write_run(
    folder: Path, *, labelled: bool = True, whole: bool = True, distilled: bool = True, classifier: bool = False
) -> Path:
    """Writes a run; one that is not whole has an evaluation by an older version alone; a classifier is its config."""
    evaluation, said, policy = folder / "evaluation", outputs(labelled), NormalizedEntropy()
    evaluation.mkdir(parents=True)
    draws = 50 if whole else 0
    latency = [Latency(size, speed, 4.0, 2.0, 2.0, 1.75, 40, 5, "a machine") for size in (1, 32) for speed in (0, 0.5)]
    report = Report(
        "made up",
        speed_curve(said, policy, CONFIG, ("accuracy",) if labelled else (), draws=draws),
        uncertainty_profile(said, policy),
        tuple(latency) if whole else (),
        "digest",
        "float32",
    )
    (evaluation / JSON_FILE).write_text(json.dumps(report.to_dict()))
    if classifier:
        (folder / "classifier").mkdir()
        (folder / "classifier" / "config.json").write_text("{}")
    if whole:
        write_outputs(said, evaluation, report.evaluated)
        write_texts(RowTexts(TEXTS, None, ("bad", "good")), evaluation, report.evaluated)
        training = {**SETTINGS["training"], "self_distillation": distilled}
        (folder / "settings.json").write_text(json.dumps({**SETTINGS, "training": training}))
        (folder / "history.json").write_text(json.dumps(HISTORY))
        write_certificate(certificate(), folder / "calibration")
    return folder


def certificate(model: str = "digest", speed: float = 0.25) -> Certificate:
    """One that allows speed 0.25."""
    return Certificate(
        max_accuracy_drop=0.05, confidence=0.9, method="binomial", rows=500, learning_rows=0, losses=11,
        labelled=True, policies=1, policy=NormalizedEntropy().to_dict(), exits=(1, 2, 3), speed=speed, flops=2e6,
        full_flops=5e6, speedup=2.5, subject=Subject(model, "float32", "", "rows"),
        dial=Dial([1.0, 2.0], [0.0, 0.5]),
    )  # fmt: skip
