"""The card of one classifier."""

from __future__ import annotations

from typing import Any

from fastbert_tf.evaluation import encoder_parameters
from fastbert_tf.report.document import Missing, Paragraph, Section, Table
from fastbert_tf.report.run import Run

_LIMITS = (
    "Measured on the rows named here and on no others: expect less on other kinds of text, and measure on your own "
    "before you decide about people. A classifier carries the biases of its training texts and labels, and an early "
    "answer rests on fewer layers than the plain encoder's."
)


def model_card(run: Run) -> Section:
    """Says what the classifier is, how it was made, what it was measured on, and its limits."""
    rows = [*_model(run), *_training(run), *_measured(run)]
    missing = None
    if run.settings is None or run.history is None:
        missing = Missing("How it was trained is not stored here: `fastbert train` leaves settings.json and "
                          "history.json in the folder of a run.")  # fmt: skip
    table = Table(f"{run.name}: the classifier", ("what", "value"), tuple(rows), words=(0, 1))
    return Section.of("Model card", table, missing, Paragraph(_LIMITS))


def _model(run: Run) -> list[tuple[str, str]]:
    config, shape = run.curve.config, run.curve.config.backbone
    names = (run.classifier or {}).get("label_names") or (run.texts.label_names if run.texts else None)
    labels = f"{config.num_classes}" if not names else f"{config.num_classes}: {', '.join(map(str, names))}"
    rows = [
        ("encoder", f"BERT, {shape.num_layers} layers, {shape.hidden_dim} wide, {shape.num_heads} heads, feed-forward "
                    f"{shape.intermediate_dim}; {encoder_parameters(shape):,} parameters"),
        ("branches", f"one after each layer, {config.branch_dim} wide; the last is the teacher"),
        ("labels", labels),
    ]  # fmt: skip
    if run.classifier is not None:
        rows.append(("input", "pairs of texts" if run.classifier.get("is_pair") else "single texts"))
        longest = run.classifier.get("tokenizer", {}).get("max_sequence_length")
        rows.append(("longest input", f"{longest} tokens"))
    return rows


def _training(run: Run) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    settings: dict[str, Any] = run.settings or {}
    training = settings.get("training", {})
    if "task" in settings:
        rows.append(("task", str(settings["task"])))
    if "training_rows" in settings:
        rows.append(("training rows", f"{settings['training_rows']['count']:,}"))
    if "selection_rows" in settings:
        rows.append(("rows that chose the epoch", f"{settings['selection_rows']['count']:,}"))
    if training:
        done = "yes" if training.get("self_distillation", True) else "no"
        rows += [("self-distillation", done), ("seed", str(training.get("seed", "")))]
        rows += [
            (stage.replace("_", "-"), f"{how['epochs']} epochs, peak learning rate {how['learning_rate']:g}")
            for stage in ("fine_tuning", "distillation")
            if isinstance(how := training.get(stage), dict) and (stage == "fine_tuning" or done == "yes")
        ]
    if run.history:
        minutes = sum(entry.get("seconds", 0) for entry in run.history) / 60
        rows.append(("time of training", f"{minutes:.0f} minutes, {len(run.history)} epochs"))
    return rows


def _measured(run: Run) -> list[tuple[str, str]]:
    full = run.curve.full_depth
    rows = [("evaluated on", f"{run.report.name}: {run.curve.rows:,} rows, {run.curve.mean_length:.1f} tokens a row")]
    for metric in run.curve.metric_names:
        ends = (full.intervals or {}).get(metric)
        between = f" (95 %: {ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
        rows.append((f"{metric} of the plain encoder", f"{full.metrics[metric]:.4f}{between}"))
    rows.append(("arithmetic", run.report.precision or "float32"))
    return [*rows, ("digest", run.report.model or "not stored")]
