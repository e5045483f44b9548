"""From a trained FastBERT to a directory that TensorFlow Serving loads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.data import TextDataset, load_task, read_table
from fastbert_tf.evaluation import BranchOutputs, Report, read_outputs, read_report, speed_curve
from fastbert_tf.export import export_saved_model
from fastbert_tf.inference import ExitSchedule, NormalizedEntropy
from fastbert_tf.recipes.digest import classifier_digest
from fastbert_tf.recipes.exits import ExitRequest, choose
from fastbert_tf.recipes.stacks import stack_of


def export_classifier(
    classifier: SavedClassifier,
    output: str | os.PathLike[str],
    version: int = 1,
    default_speed: float = DEFAULT_SPEED,
    evaluation: str | os.PathLike[str] | None = None,
    lowest_accuracy: float | None = None,
    precision: str = "float32",
    calibration: TextDataset | None = None,
    exits: str | Sequence[int] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes the SavedModel `output/version` with warm-up records and manifest.

    Args:
        classifier: the trained model with tokenizer and labels.
        output: the model's folder for the server; a version is a numbered folder in it.
        version: at least 1.
        default_speed: speed of requests that name none, in [0, 1].
        evaluation: folder of an evaluation whose curve the manifest shall carry, or None.
        lowest_accuracy: lowest accuracy on that curve that load control may go to, in [0, 1], or None.
        precision: arithmetic of the graph: `float32`, `bfloat16` or `int8`.
        calibration: rows that look like the real inputs, for `int8`, or None.
        exits: `auto` times the model's pieces and takes the branches that pay for the evaluation's rows at the default
            speed; `all`, as None; or the layers whose branch is on, the last one included.
        overwrite: whether a version that exists may be replaced.

    Returns:
        The version's folder.

    Raises:
        ValueError: an argument is out of range, the version exists, or the folder cannot be written; nothing is half
            written.
        Int8Unavailable: this TensorFlow cannot compute in int8.
    """
    if lowest_accuracy is not None and precision != "float32":
        raise ValueError(f"the evaluation is of float32, so there is no lowest_accuracy of {precision}; drop that")
    request = ExitRequest.of(exits)
    if request.measured and (lowest_accuracy is not None or default_speed == 0):
        raise ValueError(
            "exits by measurement pay at the default speed alone, so they need one above 0 and leave load control "
            "(lowest_accuracy) no others; name the exits"
        )
    report = None if evaluation is None else _report_of(classifier, evaluation)
    outputs = None if evaluation is None or report is None else read_outputs(evaluation, report.model)
    stack = stack_of(classifier, precision, calibration)
    chosen = choose(request, stack, outputs, default_speed)
    schedule = None if chosen is None else ExitSchedule(chosen.layers, chosen.shrink_share)
    return export_saved_model(
        output,
        model=classifier.model,
        tokenizer=classifier.tokenizer,
        label_names=classifier.label_names,
        is_pair=classifier.is_pair,
        version=version,
        default_speed=default_speed,
        curve=None if report is None else _curve(report, outputs, schedule),
        lowest_accuracy=lowest_accuracy,
        stack=stack,
        precision=precision,
        exits=chosen,
        overwrite=overwrite,
    )


def export_model(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    calibration_task: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    calibration: str | os.PathLike[str] | None = None,
    text: str | int = "text",
    text_pair: str | int | None = None,
    **options: Any,
) -> Path:
    """As `export_classifier`, from a trained classifier's folder, with a task's training rows or a table for int8."""
    rows = None
    if calibration_task is not None:
        rows = load_task(calibration_task, folder).train
    elif calibration is not None:
        rows = read_table(calibration, text, text_pair, None, None)
    return export_classifier(load_classifier(model), output, calibration=rows, **options)


def _report_of(classifier: SavedClassifier, evaluation: str | os.PathLike[str]) -> Report:
    """Reads an evaluation.

    Raises:
        ValueError: there is none, or it is another model's: its accuracy would be promised in this one's name.
    """
    report = read_report(evaluation)
    if report.model != classifier_digest(classifier):
        raise ValueError(f"{evaluation} evaluated another model; evaluate this one and name that folder")
    return report


def _curve(report: Report, outputs: BranchOutputs | None, schedule: ExitSchedule | None) -> dict[str, Any]:
    """Returns the report's curve, or that of the same rows with the exits that are left.

    Raises:
        ValueError: exits are left out, but there are no outputs to replay.
    """
    curve = report.curve
    if schedule is None:
        return curve.to_dict()
    if outputs is None:
        raise ValueError(
            "a curve for some of the exits needs the branch outputs, which the evaluation does not hold; "
            "evaluate again with this version, or leave all exits on"
        )
    speeds = [point.speed for point in curve.points if point.speed is not None]
    replayed = speed_curve(
        outputs, NormalizedEntropy(), curve.config, curve.metric_names, speeds, curve.sequence_length, schedule
    )
    return replayed.to_dict()
