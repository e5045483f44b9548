"""What the parts leave in a work folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.evaluation import BranchOutputs, read_outputs
from fastbert_tf.files import file_swap
from harness.reproduction.plan import FASTBERT, Part
from harness.reproduction.tuning import Choices

RESULT, TUNED, TEST = "result.json", "tuned.json", "test"


@dataclass(frozen=True)
class WorkFolder:
    """Reads and writes; does nothing else."""

    path: Path

    def of(self, part: Part) -> Path:
        """Where a part lies."""
        return self.path / part.task / part.kind

    def is_done(self, part: Part) -> bool:
        """Whether its result is there, and the models that it began with are those that are there now."""
        return self.result(part) is not None

    def result(self, part: Part) -> dict[str, Any] | None:
        """Reads what a part left; None where it is not done."""
        left = _read(self.of(part) / RESULT)
        return left if left is not None and left.get("begins_with") == self.models(part) else None

    def is_stale(self, part: Part) -> bool:
        """Whether a result is there that began with other models than those that are there now."""
        here = self.models(part)
        return None not in here.values() and (self.of(part) / RESULT).exists() and not self.is_done(part)

    def models(self, part: Part) -> dict[str, str | None]:
        """Digests of the models that a part begins with; None for those that are not there."""
        left = {kind: self.result(Part(part.task, kind)) for kind in part.begins_with}
        return {kind: None if result is None else result["model"] for kind, result in left.items()}

    def keep_result(self, part: Part, result: dict[str, Any]) -> None:
        """Writes what a part leaves: it is done."""
        _write(self.of(part) / RESULT, {"begins_with": self.models(part), **result})

    def outputs(self, part: Part) -> BranchOutputs:
        """Reads what the model of a part says about the rows that are reported on.

        Raises:
            ValueError: the part is not done, or its answers are gone.
        """
        result = self.result(part)
        outputs = None if result is None else read_outputs(self.of(part) / TEST, result["model"])
        if outputs is None:
            raise ValueError(f"{self.of(part) / TEST} keeps no answers of the model of {part.name}; make it again")
        return outputs

    def choices(self, task: str, model: str) -> dict[str, dict[str, Choices | None]] | None:
        """Reads the policies of a task: `policies` and `certified`, each by drop; None if they are of another model."""
        left = _read(self.of(Part(task, FASTBERT)) / TUNED)
        if left is None or left["model"] != model:
            return None
        return {
            kind: {drop: one and Choices.from_dict(one) for drop, one in left[kind].items()}
            for kind in ("policies", "certified")
        }

    def keep_choices(self, task: str, model: str, choices: dict[str, dict[str, Choices | None]]) -> None:
        """Writes the policies of a task."""
        plain = {kind: {drop: one and one.to_dict() for drop, one in some.items()} for kind, some in choices.items()}
        _write(self.of(Part(task, FASTBERT)) / TUNED, {"model": model, **plain})


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _write(path: Path, values: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with file_swap(path) as unfinished:
        unfinished.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
