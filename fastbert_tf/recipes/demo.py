"""The main job from end to end on the built-in sample."""

from __future__ import annotations

import os
import time
from pathlib import Path

from fastbert_serving import Client
from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import Task, make_sample_task
from fastbert_tf.recipes.evaluate import evaluate_classifier
from fastbert_tf.recipes.export import export_classifier
from fastbert_tf.recipes.serve import served_elsewhere
from fastbert_tf.recipes.train import report_part, train_classifier

SPEEDS = (0.1, 0.8)
"""A careful and an impatient client."""
LEAST_ACCURACY = 0.85
"""Of the full depth on the sample, which is easy."""
SENTENCES = (
    "The camera is excellent.",
    "It has a truly awful motor.",
    "There is nothing dreadful about the battery.",
    "I like the sound, but the screen is not great.",
    "The charger was never faulty, although the button is really flimsy.",
)


def demo(output: str | os.PathLike[str]) -> None:
    """Trains on synthetic reviews, prints the speed table, draws plots, exports, serves, and asks five questions.

    Raises:
        RuntimeError: the model has not learnt what it should.
    """
    start = time.monotonic()
    folder = Path(output)
    task = make_sample_task()
    _say(start, f"training on the built-in sample: {len(task.train)} synthetic product reviews")
    classifier = _train(task, folder)
    _say(start, f"measuring accuracy against cost on {len(report_part(task))} reviews")
    report = evaluate_classifier(
        classifier, report_part(task), folder / "evaluation", "sample (synthetic reviews)", latency_rows=64
    )
    print(report.text())
    accuracy = report.curve.full_depth.metrics["accuracy"]
    if accuracy < LEAST_ACCURACY:
        raise RuntimeError(
            f"the demo's model is right on {accuracy:.3f} of the reviews; training or the built-in student is broken"
        )
    _say(start, "exporting and serving")
    export_classifier(classifier, folder / "export", evaluation=folder / "evaluation", exits="all", overwrite=True)
    with served_elsewhere(folder / "export", folder / "server.log") as address, Client(address) as client:
        _say(start, f"asking the server at {address}")
        for speed in SPEEDS:
            print(f"\nspeed {speed}")
            for text, answer in zip(SENTENCES, client.predict(SENTENCES, speed=speed), strict=True):
                print(f"  layer {answer.exit_layer}  {answer.label:8}  {max(answer.probabilities):.3f}  {text}")
    _say(start, f"done; plots and table: {folder / 'evaluation'}, SavedModel: {folder / 'export'}")


def _train(task: Task, folder: Path) -> SavedClassifier:
    """Fine-tunes the built-in student."""
    return train_classifier(
        task,
        folder,
        config=TrainingConfig(
            fine_tuning=StageConfig(epochs=2, learning_rate=3e-4),
            distillation=StageConfig(epochs=3, learning_rate=2e-3),
            max_sequence_length=64,
        ),
        verbose=2,
    )


def _say(start: float, text: str) -> None:
    print(f"\n[{time.monotonic() - start:5.0f} s] {text}", flush=True)
