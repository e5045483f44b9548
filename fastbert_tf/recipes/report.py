"""From the folders of runs to a report about them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fastbert_tf.evaluation import require_writable
from fastbert_tf.report import read_runs, report_document, write_document


def report_runs(runs: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> Path:
    """Writes a report from what runs have stored; no model is loaded and no data is read.

    Args:
        runs: folders of trainings with their evaluation, or of evaluations alone.
        output: folder of `report.html`, `report.md` and `figures/`.

    Returns:
        The HTML file.

    Raises:
        ValueError: a run holds no evaluation or a damaged file, or the output cannot be written.
    """
    require_writable(output)
    return write_document(report_document(read_runs(list(runs))), output) / "report.html"
