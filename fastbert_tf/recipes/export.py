"""From a trained FastBERT to a directory that TensorFlow Serving loads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fastbert_serving.control.cost_curve import CostCurve
from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.data import TextDataset, load_task, read_table
from fastbert_tf.evaluation import (
    BranchOutputs,
    Report,
    SpeedCurve,
    read_outputs,
    read_report,
    require_writable,
    speed_curve,
)
from fastbert_tf.export import check_export, export_saved_model
from fastbert_tf.inference import ExitPolicy, ExitSchedule, policy_settings
from fastbert_tf.recipes.certified import certified, open_certificate
from fastbert_tf.recipes.digest import classifier_digest
from fastbert_tf.recipes.exits import ExitRequest, choose
from fastbert_tf.recipes.stacks import calibration_digest, check_stack, stack_of
from fastbert_tf.recipes.threads import set_threads


def export_classifier(
    classifier: SavedClassifier,
    output: str | os.PathLike[str],
    version: int = 1,
    default_speed: float | None = None,
    evaluation: str | os.PathLike[str] | None = None,
    lowest_accuracy: float | None = None,
    precision: str = "float32",
    calibration: TextDataset | None = None,
    exits: str | Sequence[int] | None = None,
    most_loss: float | None = None,
    policy: ExitPolicy | str | None = None,
    certificate: str | os.PathLike[str] | None = None,
    speedup: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes the SavedModel `output/version` with warm-up records and manifest.

    Args:
        classifier: the trained model with tokenizer and labels.
        output: the model's folder for the server; a version is a numbered folder in it.
        version: at least 1.
        default_speed: speed of requests that name none, in [0, 1]; None takes the certificate's, or 0.5.
        evaluation: folder of an evaluation in the same precision, whose curve the manifest shall carry, or None.
        lowest_accuracy: lowest accuracy on that curve that load control may go to, in [0, 1], or None.
        precision: arithmetic of the graph: `float32`, `bfloat16` or `int8`.
        calibration: rows that look like the real inputs, for `int8`, or None; those of the evaluation, if there is one.
        exits: `auto` times the model's pieces and takes the branches that pay for the evaluation's rows at the speeds
            that the server may choose; `all`; or the layers whose branch is on, the last one included. None is `auto`
            where there is an evaluation with branch outputs and such a speed above 0, else `all`.
        most_loss: share of the plain encoder's time, at least 0, by which rows may be slower that ask branches and
            never leave, since they are hard or their speed is low; `auto` keeps to it. None: no bound.
        policy: the exit rule, as `policy_of` reads it; None for the normalised entropy. The curve of an evaluation with
            another rule is replayed with this one, from its branch outputs.
        certificate: folder of a calibration of this classifier in this precision: its policy, exits and speed are
            taken, and its dial, for the signature `with_speedup`; or None. Another default speed drops its promise, not
            its dial.
        speedup: of requests that name none, instead of a default speed; looked up in the certificate's dial.
        overwrite: whether a version that exists may be replaced.

    Returns:
        The version's folder.

    Raises:
        ValueError: an argument is out of range, the version exists, or the folder cannot be written; nothing is half
            written.
        Int8Unavailable: this TensorFlow cannot compute in int8.
    """
    check_stack(classifier, precision, calibration)
    shown = None if certificate is None else open_certificate(certificate, classifier, precision, calibration)
    num_layers = classifier.model.config.backbone.num_layers
    taken = certified(shown, num_layers, policy, default_speed, speedup, exits, lowest_accuracy)
    rule, default_speed, exits = taken.policy, taken.default_speed, taken.exits
    report = None if evaluation is None else read_report(evaluation)
    outputs = None
    if evaluation is not None and report is not None:
        _check_report(report, str(evaluation), classifier, precision, calibration)
        outputs = read_outputs(evaluation, report.evaluated)
    settings: dict[str, Any] = {
        "model": classifier.model,
        "tokenizer": classifier.tokenizer,
        "label_names": classifier.label_names,
        "is_pair": classifier.is_pair,
        "version": version,
        "default_speed": default_speed,
        "lowest_accuracy": lowest_accuracy,
        "precision": precision,
        "policy": rule,
        "certificate": taken.certificate,
        "dial": taken.dial,
        "overwrite": overwrite,
    }
    check_export(output, curve=None if report is None else report.curve.to_dict(), **settings)
    require_writable(output)
    replay = partial(_curve, report, outputs, rule)

    def speeds(schedule: ExitSchedule) -> list[float]:
        return _speeds(replay(schedule), default_speed, lowest_accuracy)

    every = ExitSchedule.every_layer(num_layers)
    request = ExitRequest.of(exits, most_loss).settled(len(every.exits), outputs, speeds(every))
    if request.layers is not None:
        replay(ExitSchedule(request.layers))  # raises if it cannot
    stack = stack_of(classifier, precision, calibration)
    chosen = choose(request, stack, outputs, speeds, rule)
    curve = replay(every if chosen is None else ExitSchedule(chosen.layers, chosen.shrink_share))
    return export_saved_model(
        output, stack=stack, exits=chosen, curve=None if curve is None else curve.to_dict(), **settings
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
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    **options: Any,
) -> Path:
    """As `export_classifier`, from a trained classifier's folder, with a task's training rows or a table for int8.

    Exits are timed with the threads of `set_threads`.
    """
    set_threads(intra_op_threads, inter_op_threads)
    rows = None
    if calibration_task is not None:
        rows = load_task(calibration_task, folder).train
    elif calibration is not None:
        rows = read_table(calibration, text, text_pair, None, None)
    return export_classifier(load_classifier(model), output, calibration=rows, **options)


def _check_report(
    report: Report, evaluation: str, classifier: SavedClassifier, precision: str, calibration: TextDataset | None
) -> None:
    """Raises `ValueError` where the evaluation is not of what is exported: it would promise another one's accuracy."""
    if report.model != classifier_digest(classifier):
        raise ValueError(f"{evaluation} evaluated another model; evaluate this one and name that folder")
    evaluated = report.precision or "float32"  # older versions knew no other
    if evaluated != precision:
        raise ValueError(
            f"{evaluation} is an evaluation in {evaluated}, but the export is in {precision}; evaluate with "
            f"--precision {precision} and name that folder"
        )
    if report.calibration != calibration_digest(calibration):
        raise ValueError(
            f"{evaluation} evaluated int8 fitted to other calibration rows; give both commands the same ones"
        )


def _curve(
    report: Report | None, outputs: BranchOutputs | None, policy: ExitPolicy, schedule: ExitSchedule
) -> SpeedCurve | None:
    """Returns the report's curve, or that of the same rows with the exits that are left, or another policy.

    Raises:
        ValueError: exits are left out, or the policy is another, but there are no outputs to replay.
    """
    if report is None:
        return None
    curve = report.curve
    is_same = curve.exit_policy == policy_settings(policy)
    if is_same and len(schedule.exits) == curve.config.backbone.num_layers:
        return curve
    if outputs is None:
        raise ValueError(
            f"a curve for {'some of the exits' if is_same else 'another policy'} needs the branch outputs, which the "
            "evaluation does not hold; evaluate again with this version, or leave all exits on"
        )
    speeds = [point.speed for point in curve.points if point.speed is not None]
    return speed_curve(outputs, policy, curve.config, curve.metric_names, speeds, curve.sequence_length, schedule)


def _speeds(curve: SpeedCurve | None, default_speed: float, lowest_accuracy: float | None) -> list[float]:
    """Returns the speeds that load control may choose, by the server's own rule; the default speed is the lowest."""
    if curve is None or lowest_accuracy is None:
        return [default_speed]
    return CostCurve.from_points(curve.to_dict()).choices(default_speed, lowest_accuracy)
