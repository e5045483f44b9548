"""From a pretrained BERT and a labelled task to a trained FastBERT."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from fastbert_tf.checkpoints import (
    BUILTIN,
    ImportReport,
    SavedClassifier,
    check_vocabulary_fits,
    import_backbone,
    load_classifier,
    save_classifier,
)
from fastbert_tf.config import BackboneConfig, StageConfig, TrainingConfig
from fastbert_tf.data import BatchPipeline, Task, TextDataset, read_lines
from fastbert_tf.models import Backbone, FastBert
from fastbert_tf.recipes.calibration_rows import hold_out, without, write_calibration_rows
from fastbert_tf.recipes.digest import dataset_digest, tokens_digest, weights_digest
from fastbert_tf.recipes.epoch_observer import EpochObserver
from fastbert_tf.recipes.run_directory import RunDirectory
from fastbert_tf.recipes.task_files import HELD_OUT
from fastbert_tf.training import AlternatingSchedule
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer


def train_classifier(
    task: Task,
    output: str | os.PathLike[str],
    checkpoint: str | os.PathLike[str] | None = None,
    shape: BackboneConfig | None = None,
    vocabulary: Vocabulary | None = None,
    lower_case: bool | None = None,
    config: TrainingConfig | None = None,
    branch_dim: int | None = None,
    branch_heads: int = 2,
    held_out: int | float = HELD_OUT,
    calibration_rows: int = 0,
    unlabelled: TextDataset | None = None,
    deterministic: bool = False,
    verbose: int | str = "auto",
    observe_speed: float | None = None,
) -> SavedClassifier:
    """Fine-tunes, self-distils and saves; called again with the same arguments, it goes on where it was stopped.

    Args:
        task: labelled rows.
        output: the run's folder; the trained model is `output/classifier`, and `output/import.json` names every
            tensor of the checkpoint that found no place.
        checkpoint: a pretrained encoder; `builtin`, and None without a `shape`, is the student that ships with the
            package.
        shape: starts from random weights of this shape; only without a checkpoint.
        vocabulary: the token vocabulary; None takes the checkpoint's.
        lower_case: whether texts are lower-cased; None asks the checkpoint, else True.
        config: the training schedule; None takes `default_training`.
        branch_dim: width of the branch classifiers, in units; None takes `default_branch_dim`.
        branch_heads: attention heads of the branch classifiers.
        held_out: rows (count, or share) held out of the training part to select the best epochs, for a task that
            has no dev part beside the part it reports on.
        calibration_rows: training rows held out of all of this, for `fastbert calibrate`: they lie in
            `output/calibration_rows.jsonl`; 0 for none.
        unlabelled: texts for self-distillation; None takes the training texts.
        deterministic: whether TensorFlow may only use ops that give the same bits every time; it holds for the
            rest of the process.
        verbose: Keras' progress bar.
        observe_speed: in [0, 1]: what adaptive inference at this speed would answer and cost is measured after each
            epoch, on rows that select it, and stored in `output/history.json` (`EpochObserver`). None: it is not.

    Returns:
        The trained classifier, as saved.

    Raises:
        ValueError: an argument, a file or the output directory is unusable; the message says which and the mend.
    """
    config = config or default_training(checkpoint, shape)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    backbone, tokenizer, report = _start(checkpoint, shape, vocabulary, lower_case, config)
    if branch_dim is None:
        branch_dim = default_branch_dim(backbone.config.hidden_dim, branch_heads)
    rows, calibration = hold_out(task.train, calibration_rows, config.seed)
    rows, selection = selection_split(task, held_out, config.seed, rows)
    if unlabelled is not None and unlabelled.is_pair != task.is_pair:
        raise ValueError(
            f"task {task.name} reads {_kind(task.is_pair)}, but the unlabelled texts are {_kind(unlabelled.is_pair)}: "
            "students would learn from inputs that never come; give texts of the same kind, or none"
        )
    if unlabelled is not None and calibration is not None:
        unlabelled = without(unlabelled, calibration)
    observer = None if observe_speed is None else EpochObserver(selection, observe_speed)
    run = RunDirectory(output)
    asked = {
        "task": task.name,
        "branches": {"dim": branch_dim, "heads": branch_heads},
        "training": config.decisive(),
        "deterministic": deterministic,
    }
    parts = {"training_rows": rows, "selection_rows": selection, "unlabelled_rows": unlabelled}
    if observer is not None:
        asked["observe_speed"] = observe_speed
    if calibration is not None:  # older runs know no such part
        parts["calibration_rows"] = calibration
    run.claim({**asked, **_start_settings(backbone, tokenizer), **_rows_settings(parts)})
    if calibration is not None:
        write_calibration_rows(calibration, run.path)
    if report is not None:
        run.record_import(asdict(report))
    model = FastBert(backbone, task.num_classes, branch_dim, branch_heads)

    def pipeline(dataset: TextDataset) -> BatchPipeline:
        return BatchPipeline(dataset, tokenizer, config.batch_size)

    saved = SavedClassifier(model, tokenizer, task.label_names, task.is_pair)

    def fit() -> list[dict[str, Any]]:
        look = None if observer is None else lambda _: observer(saved)
        schedule = AlternatingSchedule(config, run.state, run.tensorboard, verbose, look)
        distilled = pipeline(unlabelled) if unlabelled else None
        return schedule.run(model, pipeline(rows), pipeline(selection), distilled)

    run.complete(fit, lambda folder: save_classifier(saved, folder))
    return load_classifier(run.result)


def default_training(checkpoint: str | os.PathLike[str] | None = None, shape: Any = None) -> TrainingConfig:
    """Returns the paper's schedule; for the built-in student, which is narrow, with larger learning rates.

    Args:
        checkpoint: where training starts, as `train_classifier` takes it.
        shape: likewise.
    """
    if not _is_builtin(checkpoint, shape):
        return TrainingConfig()
    return TrainingConfig(
        fine_tuning=StageConfig(epochs=3, learning_rate=3e-4), distillation=StageConfig(epochs=5, learning_rate=1e-3)
    )


def default_branch_dim(hidden_dim: int, branch_heads: int) -> int:
    """Returns the paper's 128, or a third of a narrow encoder's width (measured in docs/results.md); heads divide it.

    Args:
        hidden_dim: width of the encoder, in units.
        branch_heads: attention heads of a branch; the model refuses fewer than 1.
    """
    heads = max(branch_heads, 1)
    return max(min(128, hidden_dim // 3) // heads, 1) * heads


def selection_split(
    task: Task, held_out: int | float, seed: int, rows: TextDataset | None = None
) -> tuple[TextDataset, TextDataset]:
    """Returns (rows to train on, rows that select the best epoch); the part that is reported on is neither.

    Args:
        task: the task.
        held_out: training rows (count, or share) to select with where the task has no part for it.
        seed: of their choice.
        rows: what calibration leaves of the training rows; None for all.
    """
    rows = task.train if rows is None else rows
    return (rows, task.dev) if task.test is not None else rows.split(held_out, seed)


def report_part(task: Task) -> TextDataset:
    """Returns the rows that results are reported on: the test part, or dev where the test labels are not public."""
    return task.dev if task.test is None else task.test


def parse_shape(text: str, vocabulary: Vocabulary | None) -> BackboneConfig:
    """Reads `layers,width,heads`; the feed-forward layer is four times as wide, as in BERT."""
    try:
        layers, width, heads = (int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"shape must be layers,width,heads such as 6,384,12, but is {text!r}") from None
    if vocabulary is None:
        raise ValueError("a random start needs a vocabulary; name its file")
    return BackboneConfig(len(vocabulary), layers, heads, width, 4 * width)


def open_unlabelled(paths: Sequence[str] | None) -> TextDataset | None:
    """Reads unlabelled texts, one a line, if files are named."""
    return read_lines(list(paths)) if paths else None


def _start(
    checkpoint: str | os.PathLike[str] | None,
    shape: BackboneConfig | None,
    vocabulary: Vocabulary | None,
    lower_case: bool | None,
    config: TrainingConfig,
) -> tuple[Backbone, WordPieceTokenizer, ImportReport | None]:
    report = None
    if _is_builtin(checkpoint, shape):
        checkpoint = BUILTIN
    if checkpoint is not None and shape is None:
        imported = import_backbone(checkpoint, dtype=config.dtype)
        print(f"{checkpoint}: {imported.report.summary()}")
        backbone, report = imported.backbone, imported.report
        vocabulary = vocabulary or imported.vocabulary
        lower_case = imported.lower_case if lower_case is None else lower_case
    elif checkpoint is None and shape is not None:
        backbone = Backbone(dtype=config.dtype, **shape.to_dict())
    else:
        raise ValueError("training starts from either a checkpoint or a shape of random weights; give exactly one")
    if vocabulary is None:
        raise ValueError("no vocabulary: the checkpoint has no vocab.txt beside it, or none was given; give one")
    check_vocabulary_fits("the vocabulary", len(vocabulary), backbone.config.vocabulary_size)
    longest = min(config.max_sequence_length, backbone.config.max_sequence_length)
    return backbone, WordPieceTokenizer(vocabulary, lower_case is not False, longest), report


def _is_builtin(checkpoint: str | os.PathLike[str] | None, shape: Any) -> bool:
    return shape is None and (checkpoint is None or os.fspath(checkpoint) == BUILTIN)


def _kind(is_pair: bool) -> str:
    return "pairs of texts" if is_pair else "single texts"


def _start_settings(backbone: Backbone, tokenizer: WordPieceTokenizer) -> dict[str, Any]:
    return {
        "backbone": {**backbone.config.to_dict(), "weights_digest": weights_digest(backbone)},
        "tokenizer": {**tokenizer.get_config(), "vocabulary_digest": tokens_digest(tokenizer.vocabulary.tokens)},
    }


def _rows_settings(parts: dict[str, TextDataset | None]) -> dict[str, dict[str, Any]]:
    return {
        name: {"count": len(part or ()), "digest": None if part is None else dataset_digest(part)}
        for name, part in parts.items()
    }
