"""What a run has stored."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastbert_tf.calibration import Certificate, read_certificate
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.evaluation import (
    DRAWS,
    BranchOutputs,
    Report,
    RowTexts,
    SpeedCurve,
    read_outputs,
    read_report,
    read_texts,
    speed_curve,
)
from fastbert_tf.inference import ExitPolicy, NormalizedEntropy


@dataclass(frozen=True, eq=False)
class Run:
    """One classifier and its evaluation; what is None was not stored."""

    name: str
    """Tells the run from the others of a report."""
    folder: Path
    """Where it lies."""
    evaluation: Path
    """Where its evaluation lies."""
    report: Report
    """Its evaluation; the curve has intervals where branch outputs are there to resample."""
    outputs: BranchOutputs | None = None
    """Every branch's answers."""
    texts: RowTexts | None = None
    """In the order of the outputs."""
    certificate: Certificate | None = None
    """Of the calibration beside the classifier."""
    settings: dict[str, Any] | None = None
    """What training was asked for."""
    history: list[dict[str, Any]] | None = None
    """Its epochs."""
    classifier: dict[str, Any] | None = None
    """Description of the trained classifier."""

    @property
    def curve(self) -> SpeedCurve:
        """Quality and cost at every speed."""
        return self.report.curve

    @property
    def metric(self) -> str | None:
        """The headline; None for unlabelled rows."""
        return self.curve.metric_names[0] if self.curve.metric_names else None

    @property
    def policy(self) -> ExitPolicy:
        """The exit rule of the evaluation."""
        return _policy(self.curve)

    @property
    def is_certified(self) -> bool:
        """Whether the certificate is about the graph and the rule that were evaluated, and allows a speed above 0."""
        found = self.certificate
        if found is None or found.speed == 0 or len(found.exits) < self.curve.config.backbone.num_layers:
            return False
        if ExitPolicy.from_dict(found.policy) != self.policy:
            return False
        subject = found.subject
        return self.report.evaluated == f"{subject.model}/{subject.precision}/{subject.fitted_to}"

    @property
    def shown_speed(self) -> float:
        """Speed of examples, in [0, 1]: the certified one, or the default."""
        return self.certificate.speed if self.certificate is not None and self.is_certified else DEFAULT_SPEED

    @property
    def task(self) -> str | None:
        """Name of the task that it was trained on; None for own tables, or where it is not stored."""
        task = (self.settings or {}).get("task")
        return task if isinstance(task, str) and task.isidentifier() else None

    def label_name(self, label: int) -> str:
        """Returns a label's name, or its number where names are not stored."""
        names = self.texts.label_names if self.texts is not None else (self.classifier or {}).get("label_names")
        return str(names[label]) if names else str(label)


def read_runs(folders: list[str | os.PathLike[str]]) -> list[Run]:
    """Reads runs, and gives those of the same name their folder's instead.

    Args:
        folders: each that of a training (`classifier/`, `evaluation/`, `calibration/`, `history.json`), or that of an
            evaluation alone.

    Raises:
        ValueError: there is no folder, one is named twice, or one of them holds no evaluation, or a damaged file.
    """
    if not folders:
        raise ValueError("there is no run to report on; name the folder of one")
    places = [Path(folder).resolve() for folder in folders]
    twice = [place for place in places if places.count(place) > 1]
    if twice:
        raise ValueError(f"{twice[0]} is named twice; name each run once")
    runs = [_read_run(Path(folder)) for folder in folders]
    names = [run.name for run in runs]
    return [run if names.count(run.name) == 1 else replace(run, name=str(run.folder)) for run in runs]


def _read_run(folder: Path) -> Run:
    evaluation = next((path for path in (folder / "evaluation", folder) if (path / "evaluation.json").is_file()), None)
    if evaluation is None:
        raise ValueError(
            f"{folder} holds no evaluation (evaluation/evaluation.json); make one with `fastbert evaluate --model "
            f"{folder}/classifier --output {folder}/evaluation` and the rows to evaluate on"
        )
    report = read_report(evaluation)
    outputs = read_outputs(evaluation, report.evaluated)
    if outputs is not None and len(outputs) != report.curve.rows:
        outputs = None  # of other rows
    return Run(
        name=folder.resolve().name,
        folder=folder,
        evaluation=evaluation,
        report=_with_intervals(report, outputs),
        outputs=outputs,
        texts=None if outputs is None else read_texts(evaluation, report.evaluated, len(outputs)),
        certificate=_certificate(folder),
        settings=_json(folder / "settings.json", dict),
        history=_json(folder / "history.json", list),
        classifier=_json(folder / "classifier" / "config.json", dict),
    )


def _with_intervals(report: Report, outputs: BranchOutputs | None) -> Report:
    """Resamples the rows of an evaluation by an older version."""
    curve = report.curve
    if outputs is None or curve.draws or not curve.metric_names or curve.mean_padded_length is not None:
        return report
    speeds = [point.speed for point in curve.points if point.speed is not None]
    drawn = speed_curve(
        outputs, _policy(curve), curve.config, curve.metric_names, speeds, curve.sequence_length, draws=DRAWS
    )
    return replace(report, curve=drawn)


def _policy(curve: SpeedCurve) -> ExitPolicy:
    return NormalizedEntropy() if curve.exit_policy is None else ExitPolicy.from_dict(curve.exit_policy)


def _certificate(folder: Path) -> Certificate | None:
    directory = folder / "calibration"
    return read_certificate(directory) if (directory / "certificate.json").is_file() else None


def _json(path: Path, kind: type) -> Any:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); restore it, or take it away to report without it") from error
    if not isinstance(value, kind):
        raise ValueError(f"{path} must hold a JSON {'object' if kind is dict else 'list'}; restore it or take it away")
    return value
