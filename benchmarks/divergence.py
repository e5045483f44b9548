"""Which KL divergence the students should learn from: eq. 5 of the paper, or the one in its authors' code.

    python benchmarks/divergence.py --task mrpc --classifier runs/mrpc/classifier

Takes a trained classifier's backbone and teacher, gives it fresh students, and self-distils them with either
divergence from the same seeds and the same batches. Prints, as mean and standard deviation over the seeds, the quality
at equal cost: the task's first metric where the curve reaches 2, 3 and 4 times fewer executed FLOPs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from harness.fresh_students import with_fresh_students

from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import DIVERGENCES, StageConfig, TrainingConfig
from fastbert_tf.data import BatchPipeline, Task, load_task
from fastbert_tf.evaluation import SpeedCurve, predict_branches, speed_curve
from fastbert_tf.inference import FloatStack, NormalizedEntropy
from fastbert_tf.recipes.train import report_part, selection_split
from fastbert_tf.training import AlternatingSchedule

_CLASSIFIER = flags.DEFINE_string("classifier", None, "folder of a trained classifier", required=True)
_TASK = flags.DEFINE_string("task", None, "the task that it was trained on", required=True)
_SEEDS = flags.DEFINE_integer("seeds", 3, "runs of each divergence", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 5, "epochs of self-distillation", lower_bound=1)
_HELD_OUT = flags.DEFINE_float("held_out", 0.05, "share of the training rows that select the best epoch")
_OUTPUT = flags.DEFINE_string("output", "docs/results/divergence.json", "file for the figures")

SPEEDUPS = (2.0, 3.0, 4.0)
SPEEDS = tuple(np.linspace(0, 1, 51).tolist())


def distilled_curve(trained: SavedClassifier, task: Task, divergence: str, seed: int) -> SpeedCurve:
    """Distils on the training rows and measures on the rows that results are reported on."""
    model = with_fresh_students(trained.model, seed)
    rows, selection = selection_split(task, _HELD_OUT.value, seed=0)  # the split of the classifier's own training
    config = replace(
        TrainingConfig(seed=seed, divergence=divergence),
        fine_tuning=StageConfig(0, 2e-5),
        distillation=StageConfig(_EPOCHS.value, 2e-4),
    )
    pipelines = [BatchPipeline(part, trained.tokenizer) for part in (rows, selection)]
    AlternatingSchedule(config, verbose=2).run(model, *pipelines)
    outputs = predict_branches(FloatStack(model), BatchPipeline(report_part(task), trained.tokenizer).ordered())
    return speed_curve(outputs, NormalizedEntropy(), model.config, task.metrics, SPEEDS)


def at_speedups(curve: SpeedCurve) -> list[float]:
    """Returns the first metric at each of `SPEEDUPS`, interpolated between the points of the curve."""
    points = sorted(curve.points, key=lambda point: point.executed_speedup)
    speedups = [point.executed_speedup for point in points]
    values = [point.metrics[curve.metric_names[0]] for point in points]
    return np.interp(SPEEDUPS, speedups, values).tolist()


def main(_: list[str]) -> None:
    trained, task = load_classifier(_CLASSIFIER.value), load_task(_TASK.value)
    results: dict[str, Any] = {"task": task.name, "metric": task.metrics[0], "speedups": SPEEDUPS}
    results["epochs"] = _EPOCHS.value
    for divergence in DIVERGENCES:
        curves = [distilled_curve(trained, task, divergence, seed) for seed in range(_SEEDS.value)]
        results["full_depth"] = curves[0].full_depth.metrics[task.metrics[0]]
        results[divergence] = [at_speedups(curve) for curve in curves]
    Path(_OUTPUT.value).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(f"{task.name}, {task.metrics[0]} (full depth {results['full_depth']:.4f}), mean +- deviation over seeds")
    print("divergence  " + "  ".join(f"{speedup:.0f}x executed   " for speedup in SPEEDUPS))
    for divergence in DIVERGENCES:
        values = np.array(results[divergence])  # (seeds, speedups)
        cells = zip(values.mean(0), values.std(0), strict=True)
        print(f"{divergence:10}  " + "  ".join(f"{mean:.4f} +- {deviation:.4f}" for mean, deviation in cells))
    print(f"written to {_OUTPUT.value}")


if __name__ == "__main__":
    app.run(main)
