"""What an examination found."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastbert_serving.doctor.finding import Finding, Severity

UNKNOWN = "unknown"
"""Stands in `Report.ops` for the library of an op that the server does not link."""


@dataclass(frozen=True)
class Report:
    """The result of `examine`."""

    export: Path
    """The version directory."""
    target: str
    """The server it was examined for, such as `tfserving:2.20`."""
    findings: Sequence[Finding]
    """What is wrong, errors first."""
    ops: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The ops of the graph by the library that brings them; `unknown` for those that none brings."""
    replayed_rows: int | None = None
    """Golden rows that a running server was asked for; None: no server was given."""
    policy: str | None = None
    """Name of the exit rule in the manifest; None: there is none, so uncertainty below the speed lets rows go."""
    promise: str | None = None
    """What the manifest's certificate promises, in words; None: it has none."""

    @property
    def passed(self) -> bool:
        """Whether there is no error; warnings pass."""
        return not self._count(Severity.ERROR)

    def text(self) -> str:
        """Returns the whole report for a terminal, with the verdict in the last line."""
        lines = [f"{self.export} on {self.target}", *self._op_lines(), self._replay_line()]
        lines += [] if self.policy is None else [f"exit policy: {self.policy}"]
        lines += [] if self.promise is None else [f"certificate: {self.promise}"]
        lines += [finding.text() for finding in self.findings]
        errors, warnings = self._count(Severity.ERROR), self._count(Severity.WARNING)
        return "\n".join([*lines, f"{'passed' if self.passed else 'failed'}: {errors} errors, {warnings} warnings"])

    def _count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    def _op_lines(self) -> list[str]:
        return [
            textwrap.fill(
                f"{len(names)} ops of {library}: {' '.join(names)}",
                width=120,
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            for library, names in self.ops.items()
        ]

    def _replay_line(self) -> str:
        if self.replayed_rows is None:
            return "golden texts: not replayed; give the address of a running server"
        return f"golden texts: {self.replayed_rows} rows replayed"
