"""An evaluation on disk: one small JSON file, and the table and figures that are drawn from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.evaluation import plots
from fastbert_tf.evaluation.latency import Latency
from fastbert_tf.evaluation.record import SCHEMA_VERSION, Record, check_schema_version
from fastbert_tf.evaluation.speed_curve import SpeedCurve
from fastbert_tf.evaluation.table import depth_table, latency_table, speed_table
from fastbert_tf.evaluation.uncertainty_profile import UncertaintyProfile

JSON_FILE = "evaluation.json"
TABLE_FILE = "table.md"
FIGURES = (
    "speed_accuracy", "speed_speedup", "speedup_accuracy", "exit_layers", "uncertainty", "accuracy_per_uncertainty",
)  # fmt: skip
FORMATS = ("png", "svg")


@dataclass(frozen=True)
class Report(Record):
    """All results of one model on one data set."""

    name: str
    """Heading and legend: the data set, or the run."""
    curve: SpeedCurve
    """Quality and cost at every speed."""
    uncertainty: UncertaintyProfile
    """Histograms of uncertainty."""
    latency: tuple[Latency, ...] = ()
    """Measured times; empty where none were taken."""
    model: str = ""
    """Tells the evaluated model from others, such as a digest of its weights; empty where it is not known."""
    precision: str | None = None
    """Arithmetic of the packed graph that answered and was timed: `float32`, `bfloat16` or `int8`; None: the padded
    Keras layers did it in float32, in an evaluation by an older version."""
    calibration: str = ""
    """Tells the rows that `int8` was fitted to from others; empty for other precisions."""

    def __post_init__(self) -> None:
        if isinstance(self.curve, dict):
            object.__setattr__(self, "curve", SpeedCurve.from_dict(self.curve))
        if isinstance(self.uncertainty, dict):
            object.__setattr__(self, "uncertainty", UncertaintyProfile.from_dict(self.uncertainty))
        latency = (item if isinstance(item, Latency) else Latency.from_dict(item) for item in self.latency)
        object.__setattr__(self, "latency", tuple(latency))

    def to_dict(self) -> dict[str, Any]:
        """Returns the results as plain JSON types, with a `schema_version`."""
        return {"schema_version": SCHEMA_VERSION, **super().to_dict(), "curve": self.curve.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """Builds the report from what `to_dict` returned, also after a trip through JSON.

        Raises:
            ValueError: another schema version wrote the values, or a field is unknown or missing.
        """
        return super().from_dict(check_schema_version("the evaluation", values))

    def text(self) -> str:
        """Returns the tables, as Markdown."""
        curve = self.curve
        shape = curve.config.backbone
        parts = [
            f"# {self.name}",
            f"{curve.rows} rows, {curve.mean_length:.1f} tokens a row; {shape.num_layers} layers x {shape.hidden_dim}, "
            f"{curve.config.num_classes} classes; {self._graph()}; policy {curve.policy}. Paper FLOPs at "
            f"{curve.sequence_length} tokens, executed FLOPs at the lengths computed.{_drawn(curve)}",
            speed_table(curve),
            "Fixed depth, no adaptive inference: every row leaves at the same layer.",
            depth_table(curve),
        ]
        if self.latency:
            parts += [f"Measured on {self.latency[0].machine}:", latency_table(self.latency)]
        return "\n\n".join(parts) + "\n"

    @property
    def evaluated(self) -> str:
        """Tells the graph that answered from others: model, precision and what it was fitted to."""
        return self.model if self.precision is None else f"{self.model}/{self.precision}/{self.calibration}"

    def _graph(self) -> str:
        if self.precision is not None:
            return f"packed graph in {self.precision}"
        padded = self.curve.mean_padded_length
        return "trained layers in float32" + ("" if padded is None else f", {padded:.1f} tokens a row with padding")


def _drawn(curve: SpeedCurve) -> str:
    return f" 95 %: intervals from {curve.draws:,} bootstrap draws of the rows." if curve.draws else ""


def write_report(report: Report, directory: str | os.PathLike[str], figure_format: str = "png") -> Path:
    """Writes `evaluation.json`, `table.md` and the figures.

    Everything is drawn in a temporary directory first. A new directory appears by one rename; in an existing one
    each file is replaced by one rename, the JSON file first, and files that are not ours stay.

    Args:
        report: the results.
        directory: target; made where it does not exist.
        figure_format: `png` or `svg`.

    Returns:
        The directory.

    Raises:
        ValueError: the format is unknown, or the target cannot be written; nothing is half written.
    """
    if figure_format not in FORMATS:
        raise ValueError(f"figure_format must be one of {', '.join(FORMATS)}, but is {figure_format!r}")
    directory = Path(directory).absolute()
    beside = directory if directory.exists() else directory.parent  # renames need the same file system
    with _plain_errors(directory):
        beside.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".evaluation.", dir=beside))
        try:
            (staging / JSON_FILE).write_text(_json(report.to_dict()), encoding="utf-8")
            (staging / TABLE_FILE).write_text(report.text(), encoding="utf-8")
            for name, figure in _figures(report).items():
                plots.save_figure(figure, staging / f"{name}.{figure_format}")
            _publish(staging, directory)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return directory


def require_writable(directory: str | os.PathLike[str]) -> None:
    """Finds out whether a report could be written there, before the work that leads to it; leaves nothing behind.

    Raises:
        ValueError: the directory, or the nearest one above it that exists, cannot be written.
    """
    directory = Path(directory).absolute()
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    with _plain_errors(directory), tempfile.TemporaryFile(dir=existing):
        pass


def read_report(directory: str | os.PathLike[str]) -> Report:
    """Reads `evaluation.json`.

    Raises:
        ValueError: the file is missing, no JSON, or of another schema version; the message names it.
    """
    path = Path(directory) / JSON_FILE
    try:
        return Report.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; name a directory that `write_report` wrote") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def regenerate(directory: str | os.PathLike[str], figure_format: str = "png") -> Report:
    """Draws table and figures again from `evaluation.json` alone, and returns the report."""
    report = read_report(directory)
    write_report(report, directory, figure_format)
    return report


@contextmanager
def _plain_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"the output directory {directory} cannot be written ({error.strerror or error}); make room there or "
            "choose another"
        ) from error


def _figures(report: Report) -> dict[str, Any]:
    curves = {report.name: report.curve}
    figures = {
        "speed_speedup": plots.plot_speed_speedup(curves, report.latency),
        "exit_layers": plots.plot_exit_layers(report.curve),
        "uncertainty": plots.plot_uncertainty(report.uncertainty, report.curve.exit_policy is None),
    }
    if report.curve.metric_names:
        metric = report.curve.metric_names[0]
        figures["speed_accuracy"] = plots.plot_speed_accuracy(curves, metric)
        figures["speedup_accuracy"] = plots.plot_speedup_accuracy(curves, metric)
    if report.uncertainty.correct is not None:
        figures["accuracy_per_uncertainty"] = plots.plot_accuracy_per_uncertainty(report.uncertainty)
    return figures


def _publish(staging: Path, directory: Path) -> None:
    staging.chmod(0o755)  # mkdtemp makes it private
    if not directory.exists():
        staging.rename(directory)
        return
    written = sorted(staging.iterdir(), key=lambda path: path.name != JSON_FILE)
    for path in written:
        os.replace(path, directory / path.name)
    names = {path.name for path in written}
    for name in (f"{figure}.{suffix}" for figure in FIGURES for suffix in FORMATS):
        if name not in names:
            (directory / name).unlink(missing_ok=True)  # drawn by an earlier report


def _json(values: dict[str, Any]) -> str:
    """Indents, but keeps each list of numbers on one line."""
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    return re.sub(r"\[\n[-+.\deE,\s]+\]", lambda match: " ".join(match[0].split()), text) + "\n"
