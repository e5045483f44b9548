"""The section of docs/results.md on the variants, from the stored results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastbert_tf.config import REFERENCE_BATCH_SIZE, VARIANTS, PretrainingConfig
from harness.performance.markdown import table
from harness.variants.comparison import STEPS, Comparison, compare
from harness.variants.settings import HELD_OUT_FILES, STARTS, TITLES

Result = Mapping[str, Any]
Scores = dict[str, dict[int, float]]
"""Score by start and seed."""

TASKS = {"mrpc": "MRPC", "sick": "SICK", "sst2": "SST-2"}
NAMES = {"accuracy": "accuracy", "f1": "F1", "matthews": "Matthews correlation"}
ALL_TEXTS = "masked pieces, mean of the texts"
PAPER_RATE = PretrainingConfig().training.learning_rate

INTRO = """`python benchmarks/student_variants.py --teacher DIR --vocabulary FILE --work DIR` makes the runs and goes
on where it was stopped; with `--render` it writes this section. A student {student_dim} wide, with as many layers as
the teacher, reads at least {millions} million tokens of its own (special tokens counted, padding not) in rows of at
most {max_sequence_length}, {batch_size} a step, {dtype}, without dropout. The same seed gives every variant the same
first weights, rows and masks. The teacher's head is warmed up once and shared."""

RULE = """**Does the paper's order hold?** SharedProjUp >= SharedProjDown >= DualTrain > NoKD. The rule, fixed before
the runs: a seed gives all variants the same first weights and batches, so what a seed adds to all alike is taken off;
what remains beside the variants' means is the spread, with 3 x (seeds - 1) degrees of freedom. Two variants differ
where their means do by more than the limit, t x spread x sqrt(2 / seeds), with Student's t for 95 %. The order holds if
all three steps are that clear, does not hold if one is that clear the other way, and is undecided else. In points; the
spread is that of training: which rows a test set happens to have is not in it."""


def section(results: Result) -> str:
    """Returns the section's text."""
    parts = [
        "## Four ways to pretrain a student",
        _intro(results["settings"]),
        _tuning(results["tuning"]),
        _pretraining(results["pretraining"]),
        "![Held-out loss over student tokens](results/student_variants.svg)" if results["pretraining"] else "",
        _words(results["pretraining"]),
        _fine_tuning(results["fine_tuning"], results["settings"]),
        _order(results),
        _missing(results),
    ]
    return "\n\n".join(part for part in parts if part)


def masked_word_scores(runs: Iterable[Result]) -> dict[str, Scores]:
    """Returns accuracy by text, start and seed, and the mean of the texts."""
    found: dict[str, Scores] = {name: {} for name in (*HELD_OUT_FILES, ALL_TEXTS)}
    for run in runs:
        accuracies = {name: words["right"] / words["places"] for name, words in run["words"].items()}
        for name, value in {**accuracies, ALL_TEXTS: sum(accuracies.values()) / len(accuracies)}.items():
            found[name].setdefault(run["variant"], {})[run["seed"]] = value
    return found


def task_scores(runs: Iterable[Result]) -> dict[str, Scores]:
    """Returns every metric by its name, start and seed."""
    found: dict[str, Scores] = {}
    for run in runs:
        for metric, value in run["scores"].items():
            name = f"{TASKS.get(run['task'], run['task'])} {NAMES[metric]}"
            found.setdefault(name, {}).setdefault(run["start"], {})[run["seed"]] = value
    return found


def _intro(settings: Result) -> str:
    return INTRO.format(**{**settings, "millions": f"{settings['tokens'] / 1e6:g}"})


def _tuning(runs: list[Result]) -> str:
    if not runs:
        return ""
    rows = [
        [f"{run['learning_rate']:g}", f"{run['learning_rate'] / PAPER_RATE:.0f}", f"{run['scaled_learning_rate']:.4f}",
         f"{_losses(run)[-1]:.3f}"]
        for run in sorted(runs, key=lambda run: run["learning_rate"])
    ]  # fmt: skip
    return (
        f"**Learning rate.** LAMB's {PAPER_RATE} x sqrt(rows / {REFERENCE_BATCH_SIZE}) is for 250,000 steps and moves "
        "next to nothing in a thousand. NoKD was run at several multiples of it, on "
        f"{runs[0]['student_tokens'] / 1e6:.1f} million tokens each; the lowest held-out loss chose one for all "
        "variants, which favours none but NoKD.\n\n"
        + table(["for 4096 rows", "times the paper's", "at these rows", "held-out loss"], rows)
    )


def _pretraining(runs: list[Result]) -> str:
    if not runs:
        return ""
    rows = []
    for run in sorted(runs, key=_place):
        history = run["history"]
        ratios = [entry["loss_ratio"] for entry in history if "loss_ratio" in entry]
        rows.append([
            TITLES[run["variant"]], str(run["seed"]), f"{run['student_tokens']:,}", f"{run['steps']:,}",
            f"{sum(entry['seconds'] for entry in history) / 60:.0f}", f"{min(_losses(run)):.3f}",
            f"{ratios[0]:.3g} to {ratios[-1]:.3g}" if ratios else "", _percent(history[-1].get("val_teacher_accuracy")),
        ])  # fmt: skip
    heads = ["", "seed", "student tokens", "steps", "minutes", "held-out loss", "loss ratio", "teacher's accuracy"]
    return (
        "**Pretraining.** The loss ratio is the projection loss over the cross-entropies, means over the first and the "
        "last epoch. Minutes on one core, beside other work.\n\n" + table(heads, rows)
    )


def _words(runs: list[Result]) -> str:
    if not runs:
        return ""
    scores = masked_word_scores(runs)
    body = [[TITLES[variant], *(_cell(scores[name].get(variant)) for name in scores)] for variant in VARIANTS]
    return (
        "**Masked words (the paper's table 2).** Share of masked pieces predicted right, in percent: the mean, and in "
        "brackets each seed.\n\n" + table(["", *scores], body)
    )


def _fine_tuning(runs: list[Result], settings: Result) -> str:
    if not runs:
        return ""
    scores = task_scores(runs)
    body = [[TITLES[start], *(_cell(scores[name].get(start)) for name in scores)] for start in STARTS]
    rates = " and ".join(f"{rate:g}" for rate in settings["task_rates"])
    return (
        "**Fine-tuning (table 3).** In percent. Every start has the same budget: AdamW, "
        f"{settings['task_epochs']} epochs ({settings['sst2_epochs']} on SST-2), learning rates {rates}, of which the "
        "first seed chooses one for each start and task by rows that are not reported on. The paper's 10 epochs of "
        "LAMB at 0.0002 hardly move weights this small. `random weights` is the same shape before pretraining.\n\n"
        + table(["", *scores], body)
    )


def _order(results: Result) -> str:
    measures = {**masked_word_scores(results["pretraining"]), **task_scores(results["fine_tuning"])}
    compared = {name: compare(scores) for name, scores in measures.items()}
    rows = [_order_row(name, comparison) for name, comparison in compared.items() if comparison is not None]
    if not rows:
        return ""
    heads = ["", "seeds", "Up - Down", "Down - DualTrain", "DualTrain - NoKD", "limit", "order"]
    return f"{RULE}\n\n{table(heads, rows)}"


def _order_row(name: str, comparison: Comparison) -> list[str]:
    steps = [f"{100 * comparison.difference(*pair):+.2f}, {comparison.step(*pair)}" for pair in STEPS]
    limit = "no spread yet" if comparison.limit is None else f"{100 * comparison.limit:.2f}"
    return [name, str(len(comparison.seeds)), *steps, limit, f"**{comparison.order}**"]


def _missing(results: Result) -> str:
    settings = results["settings"]
    made = {(run["variant"], run["seed"]) for run in results["pretraining"]}
    wanted = [(variant, seed) for seed in settings["seeds"] for variant in VARIANTS]
    tuned = {(run["task"], run["start"], run["seed"]) for run in results["fine_tuning"]}
    tasks = [(task, start, seed) for seed in settings["seeds"] for task in settings["tasks"] for start in STARTS]
    lacking = [f"{TITLES[variant]} with seed {seed}" for variant, seed in wanted if (variant, seed) not in made]
    rest = len([task for task in tasks if task not in tuned])
    lacking += [f"{rest} of {len(tasks)} fine-tuning runs"] if rest else []
    return f"Not run yet: {', '.join(lacking)}." if lacking else ""


def _losses(run: Result) -> list[float]:
    return [entry.get("val_student_loss", entry["val_loss"]) for entry in run["history"]]


def _cell(values: Mapping[int, float] | None) -> str:
    """A mean, and the value of every seed where there are several."""
    if not values:
        return ""
    shown = [f"{100 * values[seed]:.2f}" for seed in sorted(values)]
    mean = f"{100 * sum(values.values()) / len(values):.2f}"
    return f"{mean} ({', '.join(shown)})" if len(shown) > 1 else mean


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _place(run: Result) -> tuple[int, int]:
    return run["seed"], VARIANTS.index(run["variant"])
