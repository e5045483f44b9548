"""From a trained FastBERT and rows that it has never seen to a certificate of its early answers, and the dial."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastbert_tf.calibration import (
    P_VALUES,
    Certificate,
    Promise,
    Subject,
    calibrate,
    exit_costs,
    fit_layer_thresholds,
    row_losses,
    write_certificate,
)
from fastbert_tf.checkpoints import SavedClassifier, load_classifier
from fastbert_tf.config import FastBertConfig
from fastbert_tf.data import BatchPipeline, TextDataset, load_task, read_table
from fastbert_tf.evaluation import BranchOutputs, predict_branches, read_outputs, require_writable, write_outputs
from fastbert_tf.inference import ExitPolicy, ExitSchedule, NormalizedEntropy, doubts, fit_learned_exit
from fastbert_tf.recipes.calibration_rows import read_calibration_rows, without
from fastbert_tf.recipes.digest import classifier_digest, dataset_digest
from fastbert_tf.recipes.evaluate import check_fit
from fastbert_tf.recipes.policies import policy_of
from fastbert_tf.recipes.stacks import calibration_digest, check_stack, fitted_rows, stack_of
from fastbert_tf.recipes.threads import set_threads

METHODS = tuple(P_VALUES)
"""Tests, the exact one first."""
LEARNED = ("layer_thresholds", "learned_exit")
"""Policies that are learned on a part of the calibration rows, where no file is named."""
LEARNING_SHARE = 0.3
"""Share of the rows that policies are learned on, if one is; the others certify."""
_SEED = 0  # of the choice of these rows


def calibrate_classifier(
    classifier: SavedClassifier,
    rows: TextDataset,
    output: str | os.PathLike[str],
    promise: Promise,
    policies: Sequence[str] = ("normalized_entropy",),
    precision: str = "float32",
    calibration: TextDataset | None = None,
    exits: Sequence[int] | None = None,
    progress: bool = False,
) -> Certificate:
    """Chooses policy and speed for the least work under the bound, and writes `output/certificate.json`.

    All branches answer all rows once; another promise or policy, asked for later, reads what they said
    (`branch_outputs.npz`).

    Args:
        classifier: the trained model with tokenizer and labels.
        rows: drawn as the rows to come are, and used for nothing before; labelled or not. Those that int8 is fitted to
            are left out.
        output: folder of the certificate.
        promise: what shall be shown.
        policies: exit rules as `--policy` names them; they share the error. `layer_thresholds` and `learned_exit` are
            learned on 30 % of the rows, and all policies are then tested on the others.
        precision: arithmetic of the graph that is certified: `float32`, `bfloat16` or `int8`.
        calibration: rows that int8 is fitted to, or None.
        exits: layers whose branch is on, the last one included; None for all.
        progress: whether to show a progress bar.

    Raises:
        ValueError: there are too few rows, data and classifier do not fit together, an argument is out of range, or the
            folder cannot be written.
        Int8Unavailable: this TensorFlow cannot compute in int8.
    """
    check_stack(classifier, precision, calibration)
    config = classifier.model.config
    schedule = ExitSchedule.every_layer(config.backbone.num_layers) if exits is None else ExitSchedule(tuple(exits))
    schedule.check(config.backbone.num_layers)
    known = [None if name in LEARNED else policy_of(name, config.backbone.num_layers) for name in policies]
    check_fit(classifier, rows)
    if calibration is not None:
        rows = without(rows, fitted_rows(calibration))
    learning = _learning_rows(len(rows)) if None in known else 0
    promise.check(len(rows) - learning, len(policies))
    require_writable(output)
    subject = Subject(classifier_digest(classifier), precision, calibration_digest(calibration), dataset_digest(rows))
    outputs = _outputs(classifier, rows, output, subject, calibration, progress)
    order = np.random.default_rng(_SEED).permutation(len(outputs))
    tested_on = outputs.take(order[learning:])
    found = [
        policy or _learn(name, outputs.take(order[:learning]), config, promise, schedule)
        for name, policy in zip(policies, known, strict=True)
    ]
    certificate = calibrate(tested_on, config, found, promise, subject, schedule, learning)
    write_certificate(certificate, output)
    return certificate


def calibrate_model(
    model: str | os.PathLike[str],
    promise: Promise,
    output: str | os.PathLike[str] | None = None,
    *,
    data: str | os.PathLike[str] | None = None,
    text: str | int = "text",
    text_pair: str | int | None = None,
    label: str | int | None = "label",
    calibration_task: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    calibration: str | os.PathLike[str] | None = None,
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    **options: Any,
) -> Certificate:
    """As `calibrate_classifier`, from the folder of a trained classifier, with the rows that its training held out.

    Or with those of the table `data`. `int8` is fitted to the training rows of the task `calibration_task`, or to the
    table `calibration`, which has the columns of `data`. The certificate goes to the folder `calibration` beside the
    classifier where no other is named.
    """
    set_threads(intra_op_threads, inter_op_threads)
    classifier = load_classifier(model)
    if data is None:
        rows = read_calibration_rows(model, classifier.label_names, classifier.is_pair)
    else:
        names = None if label is None else classifier.label_names
        rows = read_table(data, text, text_pair, label, names)
    fitted_to = None
    if calibration_task is not None:
        fitted_to = load_task(calibration_task, folder).train
    elif calibration is not None:
        fitted_to = read_table(calibration, text, text_pair, None, None)
    output = Path(model).resolve().parent / "calibration" if output is None else output
    return calibrate_classifier(classifier, rows, output, promise, calibration=fitted_to, **options)


def _outputs(
    classifier: SavedClassifier,
    rows: TextDataset,
    output: str | os.PathLike[str],
    subject: Subject,
    calibration: TextDataset | None,
    progress: bool,
) -> BranchOutputs:
    """Reads what all branches say, or asks them."""
    asked = "/".join((subject.model, subject.precision, subject.fitted_to, subject.rows_digest))
    outputs = read_outputs(output, asked)
    if outputs is None:
        stack = stack_of(classifier, subject.precision, calibration)
        outputs = predict_branches(stack, BatchPipeline(rows, classifier.tokenizer).ordered(), progress)
        Path(output).mkdir(parents=True, exist_ok=True)
        write_outputs(outputs, output, asked)
    return outputs


def _learning_rows(rows: int) -> int:
    return round(LEARNING_SHARE * rows)


def _learn(
    name: str, outputs: BranchOutputs, config: FastBertConfig, promise: Promise, schedule: ExitSchedule
) -> ExitPolicy:
    if name == "learned_exit":
        return fit_learned_exit(outputs.probabilities, outputs.labels, schedule)
    policy = NormalizedEntropy()
    losses = row_losses(outputs.predictions[:, np.array(schedule.exits) - 1], outputs.labels)
    return fit_layer_thresholds(
        policy,
        doubts(policy, outputs.probabilities, schedule),
        losses,
        exit_costs(outputs, config, schedule),
        promise.max_accuracy_drop,
        config.backbone.num_layers,
        schedule,
    )
