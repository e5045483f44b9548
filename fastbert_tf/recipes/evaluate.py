"""From a trained FastBERT to its speed table, its plots and its measured times."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastbert_tf.calibration import Certificate, read_certificate
from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.data import BatchPipeline, TextDataset, load_task, read_table
from fastbert_tf.evaluation import (
    DRAWS,
    Report,
    RowTexts,
    drop_texts,
    measure_latency,
    predict_branches,
    require_writable,
    speed_curve,
    uncertainty_profile,
    write_outputs,
    write_report,
    write_texts,
)
from fastbert_tf.evaluation.metrics import check_metrics
from fastbert_tf.evaluation.speed_curve import DEFAULT_SPEEDS, check_speeds
from fastbert_tf.inference import ExitPolicy
from fastbert_tf.recipes.certified import certified, open_certificate
from fastbert_tf.recipes.digest import classifier_digest
from fastbert_tf.recipes.stacks import calibration_digest, check_stack, stack_of
from fastbert_tf.recipes.threads import set_threads
from fastbert_tf.recipes.train import report_part

LATENCY_BATCH_SIZES = (1, 32)
_LATENCY_SEED = 0


def evaluate_classifier(
    classifier: SavedClassifier,
    dataset: TextDataset,
    output: str | os.PathLike[str],
    name: str,
    metrics: Sequence[str] = ("accuracy",),
    speeds: Sequence[float] | None = None,
    latency_rows: int = 256,
    precision: str = "float32",
    calibration: TextDataset | None = None,
    policy: ExitPolicy | str | None = None,
    certificate: str | os.PathLike[str] | None = None,
    speedups: Sequence[float] = (),
    store_texts: bool = False,
    progress: bool = False,
) -> Report:
    """Measures accuracy against cost at every speed and writes `evaluation.json`, a table, plots and branch outputs.

    Everything is measured on the graph that an export with the same precision and calibration rows runs.

    Args:
        classifier: the trained model with tokenizer and labels.
        dataset: rows to report on, with the labels of the classifier or without any.
        output: folder of the report.
        name: heading of the report.
        metrics: of `accuracy`, `f1`, `matthews`; the first one is plotted. Ignored for unlabelled rows.
        speeds: thresholds in [0, 1]; None takes 0.0, 0.1 ... 1.0.
        latency_rows: rows whose wall-clock is measured at batch 1 and 32, drawn with a fixed seed; 0 measures none.
        precision: arithmetic of the graph: `float32`, `bfloat16` or `int8`.
        calibration: rows that look like the real inputs, for `int8`, or None.
        policy: the exit rule, as `policy_of` reads it; None for the normalised entropy.
        certificate: folder of a calibration of this classifier in this precision: its policy is taken, and its speed
            besides the others; or None.
        speedups: at least 1, each looked up in the certificate's dial; their speeds are taken besides the others.
        store_texts: whether to write the rows' texts beside the branch outputs, for the examples of `fastbert report`.
        progress: whether to show a progress bar.

    Raises:
        ValueError: data and classifier do not fit together, an argument is out of range, or the folder cannot be
            written; nothing is half written.
        Int8Unavailable: this TensorFlow cannot compute in int8.
    """
    require_writable(output)
    check_fit(classifier, dataset)
    check_stack(classifier, precision, calibration)
    speeds = check_speeds(DEFAULT_SPEEDS if speeds is None else speeds)
    config = classifier.model.config
    shown = None if certificate is None else open_certificate(certificate, classifier, precision, calibration)
    rule = certified(shown, config.backbone.num_layers, policy, None, None, None, None).policy
    speeds = check_speeds([*speeds, *_certified_speeds(shown, config.backbone.num_layers, speedups)])
    metrics = check_metrics(() if dataset.labels is None else metrics, config.num_classes)
    sample = _sample(dataset, latency_rows)
    stack = stack_of(classifier, precision, calibration)
    pipeline = BatchPipeline(dataset, classifier.tokenizer)
    outputs = predict_branches(stack, pipeline.ordered(), progress)
    curve = speed_curve(outputs, rule, config, metrics, speeds, draws=DRAWS)
    latency = [
        measured
        for size in LATENCY_BATCH_SIZES
        if sample is not None
        for measured in measure_latency(
            stack, rule, BatchPipeline(sample, classifier.tokenizer, size).epoch(_LATENCY_SEED)
        )
    ]
    profile = uncertainty_profile(outputs, rule)
    report = Report(
        name, curve, profile, tuple(latency), classifier_digest(classifier), precision, calibration_digest(calibration)
    )
    drop_texts(output)
    write_report(report, output)
    write_outputs(outputs, output, report.evaluated)
    if store_texts:
        write_texts(_row_texts(dataset.take(pipeline.order), classifier), output, report.evaluated)
    return report


def evaluate_model(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    task_name: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
    text: str | int = "text",
    text_pair: str | int | None = None,
    label: str | int | None = "label",
    metrics: Sequence[str] = ("accuracy",),
    precision: str = "float32",
    calibration: str | os.PathLike[str] | None = None,
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    **options: Any,
) -> Report:
    """As `evaluate_classifier`, from the folder of a trained classifier and a named task or a table.

    A named task brings its own metrics, and reports on its test part, or on dev where test labels are not public.
    `int8` is fitted to its training rows, or to the table `calibration`, which has the columns of `data`.
    Threads are those of `set_threads`.
    """
    set_threads(intra_op_threads, inter_op_threads)
    classifier = load_classifier(model)
    if task_name is not None and data is None:
        task = load_task(task_name, folder)
        rows = task.train if precision == "int8" else None
        return evaluate_classifier(
            classifier, report_part(task), output, task_name, task.metrics, precision=precision, calibration=rows,
            **options,
        )  # fmt: skip
    if task_name is not None or data is None:
        raise ValueError("name a task or a data file, exactly one of them")
    names = None if label is None else classifier.label_names
    dataset = read_table(data, text, text_pair, label, names)
    rows = None if calibration is None else read_table(calibration, text, text_pair, None, None)
    return evaluate_classifier(
        classifier, dataset, output, os.path.basename(data), metrics, precision=precision, calibration=rows, **options
    )


def _row_texts(dataset: TextDataset, classifier: SavedClassifier) -> RowTexts:
    return RowTexts(dataset.texts, dataset.text_pairs, classifier.label_names)


def _certified_speeds(certificate: Certificate | None, num_layers: int, speedups: Sequence[float]) -> list[float]:
    if certificate is None:
        if speedups:
            raise ValueError("speedups are looked up in the table of a certificate; name the folder of one")
        return []
    if len(certificate.exits) < num_layers:
        raise ValueError(f"an evaluation asks all branches, but the certificate is of the exits {certificate.exits}")
    return [certificate.speed, *map(float, certificate.dial.speed(np.array(speedups)))]


def _sample(dataset: TextDataset, rows: int) -> TextDataset | None:
    if rows < 0:
        raise ValueError(f"latency_rows must be at least 0, but is {rows}")
    if rows == 0:
        return None
    chosen = np.random.default_rng(_LATENCY_SEED).permutation(len(dataset))[:rows]
    return dataset.take(chosen)


def delivered(report: Report, certificate: str | os.PathLike[str], speedups: Sequence[float]) -> str:
    """Says what an evaluation with these speedups delivered, a line each.

    Args:
        report: of `evaluate_classifier` with the same certificate and speedups.
        certificate: its folder.
        speedups: what was asked for.
    """
    dial = read_certificate(certificate).dial
    points = {point.speed: point.executed_speedup for point in report.curve.points}
    lines = [
        f"speedup {asked:g}: speed {speed:.4g}, {points[speed]:.3f} delivered"
        for asked, speed in ((asked, float(dial.speed(asked))) for asked in speedups)
    ]
    return "\n".join([*lines, f"the dial reaches 1 to {dial.most:.2f}"])


def check_fit(classifier: SavedClassifier, dataset: TextDataset) -> None:
    """Raises `ValueError` where the rows are not of the classifier's kind, or have other labels."""
    if dataset.is_pair != classifier.is_pair:
        reads, holds = ("pairs of texts", "single texts") if classifier.is_pair else ("single texts", "pairs")
        raise ValueError(f"the classifier reads {reads}, but the data holds {holds}; name the columns that it needs")
    if dataset.labels is not None and tuple(dataset.label_names) != classifier.label_names:
        raise ValueError(
            f"the data's labels are {list(dataset.label_names)}, but the classifier's {list(classifier.label_names)}; "
            "evaluate on data of the task that it was trained on, or give its label names"
        )
