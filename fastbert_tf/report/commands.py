"""Commands that make what a run has not stored."""

from __future__ import annotations

import shlex

from fastbert_tf.evaluation.speed_curve import DEFAULT_SPEEDS
from fastbert_tf.inference import ExitPolicy
from fastbert_tf.report.run import Run


def evaluate_command(run: Run, *options: str) -> str:
    """Returns a command that evaluates as before, with these options more; empty where no classifier lies beside."""
    precision = run.report.precision or "float32"
    policy = run.policy
    words = [*_beginning(run, precision), *options]
    if policy.name != "normalized_entropy":
        words.append(f"--policy {_policy_argument(policy, run.curve.config.backbone.num_layers)}")
    speeds = [point.speed for point in run.curve.points if point.speed is not None]
    if speeds != list(DEFAULT_SPEEDS):
        words.append(f"--speeds {','.join(f'{speed:g}' for speed in speeds)}")
    return " ".join(words) if run.classifier is not None else ""


def certified_command(run: Run) -> str:
    """Returns a command that evaluates what a run's certificate is about; empty where no classifier lies beside."""
    if run.certificate is None or run.classifier is None:
        return ""
    certificate = shlex.quote(str(run.folder / "calibration"))
    return " ".join([*_beginning(run, run.certificate.subject.precision), f"--certificate {certificate}"])


def calibrate_command(run: Run) -> str:
    """Returns a command that calibrates; empty where no classifier lies beside."""
    if run.classifier is None:
        return ""
    model = shlex.quote(str(run.folder / "classifier"))
    return f"fastbert calibrate --model {model} --max_accuracy_drop 0.01 --confidence 0.95"


def _beginning(run: Run, precision: str) -> list[str]:
    model, output = (shlex.quote(str(path)) for path in (run.folder / "classifier", run.evaluation))
    data = f"--task {run.task}" if run.task else "--data FILE"
    words = ["fastbert evaluate", f"--model {model}", data, f"--output {output}"]
    if precision != "float32":
        words.append(f"--precision {precision}")
    if precision == "int8" and not run.task:
        words.append("--calibration FILE")
    return words


def _policy_argument(policy: ExitPolicy, num_layers: int) -> str:
    """As `--policy` takes it; parameters that are no numbers are in a file of the caller's."""
    parameters = {name: value for name, value in policy.to_dict().items() if name != "name"}
    if not all(isinstance(value, int | float) for value in parameters.values()):
        return f"{policy.name}:FILE"
    return ":".join(filter(None, [policy.name, ",".join(f"{name}={value:g}" for name, value in parameters.items())]))
