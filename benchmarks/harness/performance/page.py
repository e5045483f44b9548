"""The text of docs/performance.md, from the stored results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastbert_tf.evaluation import Profile
from fastbert_tf.evaluation.profile_parts import PARTS
from harness.performance.markdown import table, unique
from harness.performance.verdicts import times_of_clients, verdict_table

DOCS = Path(__file__).resolve().parents[3] / "docs"
RESULTS = DOCS / "results" / "performance"
PAGE = DOCS / "performance.md"

INTRO = """# Performance

Written by `python benchmarks/performance.py --render` from the JSON files in `docs/results/performance/`; the same
script, without the flag, measures them (`make bench`, in an environment of its own that holds the peers). All engines
get the same weights, tokens and number of threads. Each runs in a process of its own; they take turns, another one
goes first each turn, and of every batch the median over the turns counts. Batches hold rows of like length, padded to
their longest row, for every engine, unless a line says that rows are taken as they come.

Threads: a peer's share every operation of a call, unless its name ends in `rows split`: then each has a part of the
call's rows, and a single row runs on one thread. Ours split rows, as `fastbert serve` does with large calls, unless the
name ends in `shared operations`. Where engines are judged in the first table, each counts in its better setting.

How the peers are set: ONNX Runtime runs its own fused operators (attention with one product for query, key and value,
skip layer normalisation, bias GELU), all graph optimisations, threads that spin inside a call only; its int8 has one
scale an output channel and inputs quantised at run time. OpenVINO compiles the standard ONNX graph for latency with one
stream. PyTorch runs plain modules with its fused attention, without gradients; int8 is its dynamic quantisation. The
package `fastbert` takes one text at a time and pads it to 128 tokens. `padded float32` is ours as trained, `packed`
computes real tokens alone. Executed FLOPs are those of real tokens with folded branches, as the packed graph runs
them."""

ASKED = """## What was asked, and what is measured

Ratios of medians of one run; the sections below have the figures. Half a point is 0.005 of accuracy. Where an aim was
missed, [cpu.md](cpu.md) says what was tried, what the profile shows, and what would come next."""

TASKS = {
    "dense": ("sst2",),
    "real": ("sst2", "book_review"),
    "adaptive": ("sst2",),
    "chosen": ("sst2",),
    "profile": ("sst2",),
    "accuracy": ("sst2", "mrpc", "ag_news"),
    "tokenization": ("sst2", "ag_news", "book_review"),
}
"""Classifiers that each part reads; `dense` takes a tokenizer of them alone."""


def stored(part: str) -> dict[str, Any] | None:
    """Reads a part's result; None where it was not run."""
    path = RESULTS / f"{part}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def page() -> str:
    """Returns the page's text; a part that was not run is left out, and named."""
    parts: dict[str, Callable[[dict[str, Any]], str]] = {
        "dense": dense_section,
        "real": real_section,
        "adaptive": adaptive_section,
        "chosen": chosen_section,
        "profile": profile_section,
        "accuracy": accuracy_section,
        "tokenization": tokenization_section,
    }
    results = {name: stored(name) for name in parts}
    missing = [f"`{name}`" for name, result in results.items() if result is None]
    sections = [parts[name](result) for name, result in results.items() if result is not None]
    note = [f"Not run yet: {', '.join(missing)}."] if missing else []
    return "\n\n".join([INTRO, ASKED, verdict_table(results), *note, *sections]) + "\n"


# === Sections ===


def dense_section(result: dict[str, Any]) -> str:
    """Milliseconds a row and GOP/s of every engine at BERT-base's shape."""
    sizes = sorted({row["batch_size"] for row in result["rows"]})
    cells = {(row["engine"], row["batch_size"]): row for row in result["rows"]}
    engines = unique(row["engine"] for row in result["rows"])
    peaks = ", ".join(f"{value:.0f} in {name}" for name, value in result["peaks"].items())
    return "\n\n".join([
        "## Full depth, BERT-base's shape, 128 real tokens a row",
        about("dense", result),
        f"Random weights, {result['gflop_per_row']:.1f} GFLOP a row. One large product in stock TensorFlow reaches, in "
        f"GOP/s: {peaks}.",
        table(
            ["engine", *(f"ms/row, batch {size}" for size in sizes), *(f"GOP/s, batch {size}" for size in sizes)],
            [
                [
                    engine,
                    *(f"{cells[engine, size]['ms_per_row']:.1f}" for size in sizes),
                    *(f"{cells[engine, size]['gops']:.0f}" for size in sizes),
                ]
                for engine in engines
            ],
        ),
        "![Milliseconds a row](results/performance/dense.svg)",
    ])  # fmt: skip


def real_section(result: dict[str, Any]) -> str:
    """Milliseconds a row of every engine on every task, with and without tokenisation, and accuracy."""
    parts = [f"## Full depth, real texts\n\n{about('real', result)}"]
    kinds = [(size, source) for size in (1, 32) for source in ("tokens", "texts")]
    for task, facts in result["tasks"].items():
        rows = [row for row in result["rows"] if row["task"] == task]
        cells = {(row["engine"], row["batch_size"], row["from"]): row["ms_per_row"] for row in rows}
        body = [
            [
                engine,
                *(f"{cells[engine, size, source]:.2f}" for size, source in kinds),
                f"{answers['accuracy']:.4f}",
                f"{answers['largest_difference']:.0e}",
            ]
            for engine, answers in facts["engines"].items()
        ]
        heads = [f"batch {size}, from {source}" for size, source in kinds]
        parts.append(
            f"{task}: {facts['rows']} rows of {facts['mean_tokens']:.1f} tokens on average; milliseconds a row."
        )
        parts.append(table(["engine", *heads, "accuracy on these rows", "largest difference of a probability"], body))
        parts += arrival(task, result.get("arrival", []))
        parts.append(f"![Milliseconds a row](results/performance/real_{task}.svg)")
    return "\n\n".join(parts)


def arrival(task: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Some engines on batches that hold short and long rows."""
    body = [[row["engine"], f"{row['ms_per_row']:.2f}"] for row in rows if row["task"] == task]
    sizes = ", ".join(str(size) for size in unique(row["batch_size"] for row in rows))
    words = "The same rows as they come, so that a batch holds short and long ones:"
    return [words, table(["engine", f"batch {sizes}, from tokens"], body)] if body else []


def adaptive_section(result: dict[str, Any]) -> str:
    """Speedup in time beside speedup in executed FLOPs at every speed; never leaving; the scheduler."""
    heads = ["graph", "batch", "speed", "mean layer", "full depth ms/row", "adaptive ms/row", "speedup",
             "executed-FLOPs speedup", "share"]  # fmt: skip
    speeds = table(heads, [
        [row["stack"], str(row["batch_size"]), f"{row['speed']:g}", f"{row['mean_exit_layer']:.2f}",
         f"{row['dense_ms_per_row']:.2f}", f"{row['ms_per_row']:.2f}", f"{row['speedup']:.2f}x",
         f"{row['executed_speedup']:.2f}x", f"{row['speedup'] / row['executed_speedup']:.2f}"]
        for row in result["speeds"]
    ])  # fmt: skip
    return "\n\n".join([
        f"## Early exit against full depth, SST-2, packed int8\n\n{about('adaptive', result)}",
        speeds,
        "![Speedup](results/performance/adaptive.svg)",
        *never(result["never"]),
        *predicted(result["predicted"], result["schedule"]),
    ])  # fmt: skip


def never(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What exits cost where no row leaves."""
    heads = ["shape", "exits", "batch", "without branches ms/row", "with them ms/row", "slower"]
    body = [
        [row["shape"], row["exits"], str(row["batch_size"]), f"{row['dense_ms_per_row']:.2f}",
         f"{row['ms_per_row']:.2f}", f"{100 * row['slower']:+.1f} %"]
        for row in rows
    ]  # fmt: skip
    words = (
        "Rows that never leave, though every branch that is on is asked (speed 1e-9), at SST-2's lengths and, for "
        "BERT-base's shape, 128 random tokens. There the scheduler is told SST-2's exits, stretched over the layers:"
    )
    return [words, table(heads, body)]


def predicted(rows: Sequence[dict[str, Any]], schedule: dict[str, Any]) -> list[str]:
    """What the scheduler predicted at export."""
    heads = ["export", "batch", "speed", "what", "predicted ms/row", "measured ms/row", "measured / predicted"]
    body = [
        [row["export"], str(row["batch_size"]), f"{row['speed']:g}", row["what"].removesuffix("_ms").replace("_", " "),
         f"{row['predicted_ms']:.2f}", f"{row['measured_ms']:.2f}", f"{row['measured_ms'] / row['predicted_ms']:.2f}"]
        for row in rows
    ]  # fmt: skip
    layers = ", ".join(map(str, schedule["layers"]))
    words = (
        f"For speed {schedule['speed']:g} the scheduler keeps the exits {layers} of `packed int8`. What it predicted, "
        "and what is measured on the same rows in the same order (held-out ones; an export's are those of its "
        "evaluation)"
    )
    if all(row.get("threads") == 1 for row in rows):
        words += ", a batch on one thread, as the server runs it"
    return [f"{words}:", table(heads, body)]


def chosen_section(result: dict[str, Any]) -> str:
    """The engines at the chosen speed beside the reference and the package."""
    held_out, reported = result["held_out"], result["reported"]
    layers = ", ".join(map(str, result["exits"]["layers"]))
    words = (
        f"Speed {result['speed']:g} is the highest that costs, with int8, at most half a point of the float32 "
        f"teacher's accuracy on {held_out['rows']} training rows that training held out, weighted to the "
        f"lengths of the dev rows and with a standard error to spare; accuracy here is on {reported['rows']} dev rows. "
        f"At this speed the scheduler keeps the exits {layers}. The rule (these weights, one standard error, a stop at "
        "the first speed that costs more) was settled after curves on dev had been seen; calibration, which says how "
        "sure a choice is, is to replace it."
    )
    return f"## The chosen speed, SST-2\n\n{about('chosen', result)}\n\n{words}\n\n{chosen_table(result)}"


def chosen_table(result: dict[str, Any]) -> str:
    """Accuracy and milliseconds a row; what was not timed stays empty."""
    times = times_of_clients(result)
    kinds = unique((size, source, clients) for _, size, source, clients in times)
    body = []
    for engine, said in result["reported"]["accuracy"].items():
        held_out = result["held_out"]["accuracy"].get(engine)
        body.append([
            engine,
            f"{said['mean_exit_layer']:.2f}" if "mean_exit_layer" in said else "full depth",
            "" if held_out is None else f"{held_out['accuracy']:.4f}",
            f"{said['accuracy']:.4f}",
            *(f"{times[place]:.2f}" if place in times else "" for place in ((engine, *kind) for kind in kinds)),
        ])  # fmt: skip
    heads = [f"ms/row, batch {size}, from {source}, {clients} at a time" for size, source, clients in kinds]
    return table(["engine", "mean layer", "accuracy, held out", "accuracy, dev", *heads], body)


def profile_section(result: dict[str, Any]) -> str:
    """Milliseconds, share of the call and rate of every part."""
    profiles = [Profile.from_dict(values) for values in result["profiles"]]
    (length,) = {profile.length for profile in profiles}
    heads = [f"{what}, batch {profile.batch_size}" for profile in profiles for what in ("ms/row", "share", "GOP/s")]
    body = [
        [part.replace("_", " "), *(cell for profile in profiles for cell in _part(profile, part))] for part in PARTS
    ]
    idle = [cell for one in profiles for cell in (f"{one.idle_ms:.3f}", f"{one.idle_ms / _call_ms(one):.0%}", "")]
    words = (
        f"All layers and branches of rows of {length} tokens, int8, by TensorFlow's profiler; the last line is the "
        "executor's and Python's time. The machine is faster in some minutes than in others: compare shares. "
        + ", ".join(
            f"Batch {one.batch_size} takes {one.whole_ms:.2f} ms a row without the profiler" for one in profiles
        )
        + "."
    )
    return f"## Which parts take the time\n\n{about('profile', result, threads=1)}\n\n{words}\n\n" + table(
        ["part", *heads], [*body, ["no operation runs", *idle]]
    )


def _part(profile: Profile, name: str) -> tuple[str, str, str]:
    cost = profile.sum_of(name, name)
    rate = f"{cost.executed_flops / cost.milliseconds / 1e6:.0f}" if cost.executed_flops else ""
    return f"{cost.milliseconds:.3f}", f"{cost.milliseconds / _call_ms(profile):.0%}", rate


def _call_ms(profile: Profile) -> float:
    return profile.total.milliseconds + profile.idle_ms


def accuracy_section(result: dict[str, Any]) -> str:
    """Accuracy of every precision at full depth and at the chosen speed, and the size of the files."""
    tasks = result["tasks"]
    kinds = [(task, speed) for task, facts in tasks.items() for speed in sorted({0.0, facts["speed"]})]
    cells = {(row["task"], row["engine"], row["speed"] or 0.0): f"{row['accuracy']:.4f}" for row in result["rows"]}
    body = [
        [
            engine,
            *(cells.get((engine_task, engine, speed), "") for engine_task, speed in kinds),
            f"{result['megabytes'][engine]:.1f}" if engine in result["megabytes"] else "",
        ]
        for engine in unique(row["engine"] for row in result["rows"])
    ]
    heads = [f"{task}, {f'speed {speed:g}' if speed else 'full depth'}" for task, speed in kinds]
    rows = "; ".join(
        f"{task}: {facts['rows']} rows, speed chosen on {facts['held_out_rows']} held out"
        for task, facts in tasks.items()
    )
    words = f"{rows}, with int8's answers, as in `chosen`. Sizes are of whole exports."
    return f"## Accuracy and size\n\n{about('accuracy', result)}\n\n{words}\n\n" + table(
        ["engine", *heads, "SST-2's model, MB"], body
    )


def tokenization_section(result: dict[str, Any]) -> str:
    """Thousand texts a second of the tokenizers."""
    rows = result["rows"]
    kinds = unique((row["task"], row["batch_size"]) for row in rows)
    cells = {(row["task"], row["batch_size"], row["engine"]): row["ms_per_row"] for row in rows}
    rivals = ("hugging_face_tokenizer", "hugging_face_encode")
    body = []
    for task, size in kinds:
        ours = cells[task, size, "graph_tokenizer"]
        theirs = [cells[task, size, name] for name in rivals]
        rates = [f"{1 / ms:.1f}" for ms in (ours, *theirs)]
        calls = f"{1000 * size * cells[task, size, 'empty_graph']:.0f} of {1000 * size * ours:.0f}"
        body.append([task, str(size), *rates, *(f"{ms / ours:.2f}x" for ms in theirs), calls])
    heads = ["texts", "batch", "in the graph", "Hugging Face's tokenizers, with arrays", "without arrays",
             "ratio, with arrays", "ratio, without", "us of an empty call, of ours"]  # fmt: skip
    title = "## Tokenisation in one thread, thousand texts a second"
    words = (
        "An engine needs arrays; `without arrays` stops at the package's own objects. A data set with fewer texts than "
        "a batch gives its first ones again. The last column compares a call of a graph that does nothing with one of "
        "the tokenizer's, in microseconds: an exported graph pays the former once, whether it takes texts or tokens."
    )
    return f"{title}\n\n{about('tokenization', result, threads=1)}\n\n{words}\n\n" + table(heads, body)


# === Writing ===


def about(part: str, result: dict[str, Any], threads: int | None = None) -> str:
    """The command, and one sentence on machine, versions and settings."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    instructions = ", ".join(machine["instructions"])
    count = threads or result["threads"]
    classifiers = " ".join(f"--classifier {task}=runs/{task}/classifier" for task in TASKS[part])
    version = f"commit {result['commit']}" if result.get("commit") else "an earlier version of this package"
    told = {"turns": "turns", "rows": "rows_timed"}
    flags = " ".join(f"--{flag} {result[name]}" for flag, name in told.items() if name in result)
    if result.get("engines"):
        flags += f" --engines {','.join(result['engines'])}"
    return (
        f"```\npython benchmarks/performance.py --parts {part} {flags} {classifiers}\n```\n\n"
        f"{count} thread{'s' if count > 1 else ''}, {machine['processor']} ({machine['cores']} cores; {instructions}), "
        f"{result['turns']} turns, {result['minutes']:g} minutes; {versions}; {version}."
    )
