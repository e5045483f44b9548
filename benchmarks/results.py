"""Makes the runs of docs/results.md, and writes the page from what they left.

    python benchmarks/results.py --run sst2 --checkpoint DIR     trains, evaluates, keeps small JSON files
    python benchmarks/results.py --render                        docs/results.md and its figures from those files

Runs resume where they were stopped. FASTBERT_DATA names the folder of the data sets.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from string import Template

from absl import app, flags
from harness.results_page import COMMANDS_FILE, RESULTS, RUNS, commands, made_runs, write_page
from harness.variants.figure import draw as draw_variants

from fastbert_tf.evaluation import regenerate
from fastbert_tf.evaluation.plots import plot_speedup_accuracy, save_figure

_RUN = flags.DEFINE_enum("run", None, list(RUNS), "The run to make.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "The pretrained 6-layer encoder (a Hugging Face directory).")
_WORK = flags.DEFINE_string("work", "runs", "Folder for the runs themselves: models and resumable state.")
_RENDER = flags.DEFINE_boolean("render", False, "Write docs/results.md from the stored results.")


def make(name: str, work: Path) -> None:
    """Runs the commands and keeps what the page needs."""
    values = {"CHECKPOINT": _CHECKPOINT.value or "", "FASTBERT_DATA": os.environ.get("FASTBERT_DATA", "")}
    for command in commands(name):
        words = [Template(word).substitute(values) for word in shlex.split(command.replace("runs/", f"{work}/"))]
        subprocess.run([sys.executable, "-m", "fastbert_tf.cli.main", *words[1:]], check=True)
    keep(name, work)


def keep(name: str, work: Path) -> None:
    """Keeps the commands and the small JSON files of a finished run."""
    kept = RESULTS / name
    kept.mkdir(parents=True, exist_ok=True)
    (kept / COMMANDS_FILE).write_text(json.dumps(commands(name), indent=1) + "\n")
    shutil.copy(work / name / "evaluation" / "evaluation.json", kept)
    for file in ("history.json", "settings.json"):
        shutil.copy(work / name / file, kept)


def render() -> None:
    """Writes the page, its tables and its figures."""
    reports = {name: regenerate(RESULTS / name, "svg") for name in made_runs()}
    curves = {
        RUNS[name].title: report.curve for name, report in reports.items() if "accuracy" in report.curve.metric_names
    }
    save_figure(plot_speedup_accuracy(curves), RESULTS / "speedup_accuracy.svg")
    draw_variants()
    write_page()


def main(_: list[str]) -> None:
    """Makes a run, renders the page, or both."""
    if _RUN.value:
        make(_RUN.value, Path(_WORK.value))
    if _RENDER.value:
        render()
    if not _RUN.value and not _RENDER.value:
        raise app.UsageError("give --run NAME, --render, or both")


if __name__ == "__main__":
    app.run(main)
