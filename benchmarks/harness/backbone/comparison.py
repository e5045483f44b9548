"""Fine-tunes either start with the same choice of learning rates, and compares on the test part."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import BatchPipeline, load_task
from fastbert_tf.evaluation import predict_branches
from fastbert_tf.evaluation.metrics import accuracy
from fastbert_tf.inference import FloatStack
from fastbert_tf.recipes import train_classifier
from fastbert_tf.recipes.train import parse_shape
from fastbert_tf.recipes.vocab import load_vocabulary
from harness.backbone.settings import Settings

STARTS = ("pretrained", "random")
FineTune = Callable[[str, float, int], dict[str, float]]
"""(start, learning rate, seed) -> accuracy on the `dev` and the `test` part."""


def compare(fine_tune: FineTune, rates: Sequence[float], seeds: int) -> dict[str, Any]:
    """Chooses a learning rate for either start on dev with the first seed, and compares on test with all.

    Args:
        fine_tune: fine-tunes once.
        rates: learning rates to choose from.
        seeds: runs of either start.
    """
    found: dict[str, Any] = {}
    for start in STARTS:
        tuned = {rate: fine_tune(start, rate, 0) for rate in rates}
        best = max(rates, key=lambda rate: tuned[rate]["dev"])
        runs = [tuned[best], *(fine_tune(start, best, seed) for seed in range(1, seeds))]
        found[start] = {
            "dev_by_learning_rate": {f"{rate:g}": scores["dev"] for rate, scores in tuned.items()},
            "learning_rate": best,
            "dev": [run["dev"] for run in runs],
            "test": [run["test"] for run in runs],
        }
    means = [np.mean(found[start]["test"]) for start in STARTS]
    return {**found, "gain_in_points": round(100 * float(means[0] - means[1]), 2)}


def fine_tuner(settings: Settings) -> FineTune:
    """Returns what fine-tunes for an experiment; finished runs are not repeated."""
    task = load_task(settings.task)
    vocabulary = load_vocabulary(settings.vocabulary)

    def fine_tune(start: str, rate: float, seed: int) -> dict[str, float]:
        folder = settings.folder / "runs" / settings.task / f"{start}_{rate:g}_{seed}"
        begin: dict[str, Any] = {"checkpoint": settings.run / "encoder"}
        if start == "random":
            begin = {"shape": parse_shape(settings.shape, vocabulary), "vocabulary": vocabulary}
        config = TrainingConfig(
            fine_tuning=StageConfig(settings.epochs, rate), distillation=StageConfig(0, rate), seed=seed, save_every=100
        )
        classifier = train_classifier(task, folder, config=config, branch_dim=64, verbose=2, **begin)
        history = json.loads((folder / "history.json").read_text())
        scores = folder / "test.json"  # the test part is read once
        if not scores.exists():
            assert task.test is not None
            outputs = predict_branches(
                FloatStack(classifier.model), BatchPipeline(task.test, classifier.tokenizer, 32).ordered()
            )
            assert outputs.labels is not None
            scores.write_text(json.dumps(accuracy(outputs.labels, outputs.predictions[:, -1])))
        found = {"dev": max(entry["val_accuracy"] for entry in history), "test": json.loads(scores.read_text())}
        print(f"{start}, learning rate {rate:g}, seed {seed}: {found}", flush=True)
        return found

    return fine_tune
