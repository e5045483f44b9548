"""Fine-tuning runs: every start gets the same epochs and the same learning rates to choose from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints import load_classifier
from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import BatchPipeline, Task, load_task
from fastbert_tf.evaluation import compute_metrics, predict_branches
from fastbert_tf.inference import KerasStack
from fastbert_tf.recipes.train import report_part, train_classifier
from harness.variants.pretraining import save_first_weights, student_folder
from harness.variants.settings import RANDOM, Settings


def fine_tune(settings: Settings, task_name: str, start: str, seed: int, rates: Sequence[float]) -> dict[str, Any]:
    """Fine-tunes at every rate, and scores the one that is best on the selection rows.

    Args:
        settings: the comparison.
        task_name: the task.
        start: a variant, or `random`.
        seed: of the start, and of fine-tuning.
        rates: learning rates to choose from.
    """
    task = load_task(task_name, settings.data)
    checkpoint = student_folder(settings, start, seed)
    if start == RANDOM and not checkpoint.is_dir():
        save_first_weights(settings, seed, checkpoint)
    tried: list[dict[str, Any]] = []
    for rate in rates:
        run = settings.folder / "fine_tuned" / f"{task_name}-{start}-{seed}-{rate:g}"
        config = _config(settings, task_name, seed, rate)
        # The width of the branches does not matter: the last one alone is trained and asked.
        train_classifier(task, run, checkpoint, config=config, branch_dim=settings.student_dim, verbose=2)
        tried.append({"learning_rate": rate, "selection": _selection(run), "run": run})
    best = max(tried, key=lambda one: one["selection"])
    return {
        "task": task_name,
        "start": start,
        "seed": seed,
        "tried": [{name: one[name] for name in ("learning_rate", "selection")} for one in tried],
        "learning_rate": best["learning_rate"],
        "scores": _scores(task, best["run"]),
    }


def _config(settings: Settings, task_name: str, seed: int, rate: float) -> TrainingConfig:
    epochs = settings.sst2_epochs if task_name == "sst2" else settings.task_epochs
    no_distillation = StageConfig(0, rate)
    return TrainingConfig(fine_tuning=StageConfig(epochs, rate), distillation=no_distillation, seed=seed)


def _selection(run: Path) -> float:
    history = json.loads((run / "history.json").read_text(encoding="utf-8"))
    return max(entry["val_accuracy"] for entry in history)


def _scores(task: Task, run: Path) -> dict[str, float]:
    """Scores the last classifier on the rows that the task reports on."""
    classifier = load_classifier(run / "classifier")
    batches = BatchPipeline(report_part(task), classifier.tokenizer).ordered()
    outputs = predict_branches(KerasStack(classifier.model), batches)
    assert outputs.labels is not None  # of all tasks
    return compute_metrics(task.metrics, outputs.labels, outputs.predictions[:, -1])
