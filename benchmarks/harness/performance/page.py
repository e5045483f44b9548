"""The text of docs/performance.md, from the stored results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[3] / "docs"
RESULTS = DOCS / "results" / "performance"
PAGE = DOCS / "performance.md"
PACKED_INT8 = "packed int8"
PADDED_FLOAT = "padded float32"

INTRO = """# Performance

Written by `python benchmarks/performance.py --render` from the JSON files in `docs/results/performance/`; the same
script, without the flag, measures them (`make bench`, in an environment of its own that holds the peers). All engines
get the same weights, tokens and number of threads. Each runs in a process of its own; they take turns, another one
goes first each turn, and of every batch the median over the turns counts. Batches hold rows of like length, padded to
their longest row, for every engine.

How the peers are set: ONNX Runtime runs its own fused operators (attention with one product for query, key and value,
skip layer normalisation, bias GELU), all graph optimisations, threads that spin inside a call only; its int8 has one
scale an output channel and inputs quantised at run time. OpenVINO compiles the standard ONNX graph for latency with one
stream. PyTorch runs plain modules with its fused attention, without gradients; int8 is its dynamic quantisation. The
package `fastbert` takes one text at a time and pads it to 128 tokens. `padded float32` is ours as trained, `packed`
computes real tokens alone."""

TASKS = {
    "dense": ("sst2",),
    "real": ("sst2", "book_review"),
    "adaptive": ("sst2",),
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
        "accuracy": accuracy_section,
        "tokenization": tokenization_section,
    }
    results = {name: stored(name) for name in parts}
    missing = [f"`{name}`" for name, result in results.items() if result is None]
    sections = [parts[name](result) for name, result in results.items() if result is not None]
    note = [f"Not run yet: {', '.join(missing)}."] if missing else []
    return "\n\n".join([INTRO, *note, *sections]) + "\n"


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
                *(f"{cells[(engine, *kind)]:.2f}" for kind in kinds),
                f"{answers['accuracy']:.4f}",
                f"{answers['largest_difference']:.0e}",
            ]
            for engine, answers in facts["engines"].items()
        ]
        heads = [f"batch {size}, from {source}" for size, source in kinds]
        parts.append(
            f"{task}: {facts['rows']} rows of {facts['mean_tokens']:.1f} tokens on average; milliseconds a row."
        )
        parts.append(table(["engine", *heads, "accuracy", "largest difference of a probability"], body))
        parts.append(f"![Milliseconds a row](results/performance/real_{task}.svg)")
    return "\n\n".join(parts)


def adaptive_section(result: dict[str, Any]) -> str:
    """Speedup in time beside speedup in executed FLOPs at every speed; never leaving; the chosen speed."""

    def speeds(rows: Sequence[dict[str, Any]]) -> str:
        heads = ["stack", "batch", "speed", "mean layer", "full depth ms/row", "adaptive ms/row", "speedup",
                 "executed-FLOPs speedup", "share"]  # fmt: skip
        return table(heads, [
            [row["stack"], str(row["batch_size"]), f"{row['speed']:g}", f"{row['mean_exit_layer']:.2f}",
             f"{row['dense_ms_per_row']:.2f}", f"{row['ms_per_row']:.2f}", f"{row['speedup']:.2f}x",
             f"{row['executed_speedup']:.2f}x", f"{row['speedup'] / row['executed_speedup']:.2f}"]
            for row in rows
        ])  # fmt: skip

    chosen = result["chosen"]
    return "\n\n".join([
        f"## Early exit against full depth, SST-2\n\n{about('adaptive', result)}",
        speeds(result["speeds"]),
        "![Speedup](results/performance/adaptive.svg)",
        "Rows that never leave, though every branch is asked, at BERT-base's shape and 128 tokens:",
        speeds(result["never"]),
        *([] if not result["predicted"] else predicted(result["predicted"])),
        "### The chosen speed",
        "The highest speed that costs at most half a point of full depth's accuracy on held-out training rows:",
        chosen_table(chosen),
    ])  # fmt: skip


def predicted(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What the scheduler predicted at export."""
    heads = ["export", "batch", "speed", "what", "predicted ms/row", "measured ms/row", "measured / predicted"]
    body = [
        [row["export"], str(row["batch_size"]), f"{row['speed']:g}", row["what"].removesuffix("_ms").replace("_", " "),
         f"{row['predicted_ms']:.2f}", f"{row['measured_ms']:.2f}", f"{row['measured_ms'] / row['predicted_ms']:.2f}"]
        for row in rows
    ]  # fmt: skip
    return ["Times that the scheduler predicted at export, on held-out rows:", table(heads, body)]


def chosen_table(chosen: dict[str, Any]) -> str:
    """The engines at the chosen speed beside the reference and the package."""
    kinds = [(1, "tokens"), (32, "tokens"), (1, "texts"), (32, "texts")]
    cells = {(row["engine"], row["batch_size"], row["from"]): f"{row['ms_per_row']:.2f}" for row in chosen["times"]}
    body = []
    for engine in unique(row["engine"] for row in chosen["times"]):
        speed, accuracy = chosen["speeds"].get(engine), chosen["accuracy"].get(engine)
        body.append([
            engine,
            "full depth" if speed is None else f"{speed:g}",
            "" if accuracy is None else f"{accuracy:.4f}",
            *(cells.get((engine, *kind), "") for kind in kinds),
        ])  # fmt: skip
    heads = [f"ms/row, batch {size}, from {source}" for size, source in kinds]
    return table(["engine", "speed", "accuracy", *heads], body)


def accuracy_section(result: dict[str, Any]) -> str:
    """Accuracy of every precision at every speed, and the size of the files."""
    speeds = sorted({row["speed"] for row in result["rows"]})
    tasks = unique(row["task"] for row in result["rows"])
    cells = {(row["task"], row["engine"], row["speed"]): f"{row['accuracy']:.4f}" for row in result["rows"]}
    body = [
        [
            engine,
            *(cells.get((task, engine, speed), "") for task in tasks for speed in speeds),
            f"{result['megabytes'][engine]:.1f}" if engine in result["megabytes"] else "",
        ]
        for engine in unique(row["engine"] for row in result["rows"])
    ]
    heads = [f"{task}, speed {speed:g}" for task in tasks for speed in speeds]
    return f"## Accuracy and size\n\n{about('accuracy', result)}\n\n" + table(
        ["engine", *heads, "SST-2's model, MB"], body
    )


def tokenization_section(result: dict[str, Any]) -> str:
    """Thousand texts a second of both tokenizers."""
    rows = result["rows"]
    kinds = unique((row["task"], row["batch_size"]) for row in rows)
    cells = {(row["task"], row["batch_size"], row["engine"]): row["ms_per_row"] for row in rows}
    body = []
    for task, size in kinds:
        ours, theirs = (1 / cells[task, size, name] for name in ("graph_tokenizer", "hugging_face_tokenizer"))
        body.append([task, str(size), f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}x"])
    heads = ["texts", "batch", "in the graph", "Hugging Face's tokenizers", "ratio"]
    title = "## Tokenisation in one thread, thousand texts a second"
    return f"{title}\n\n{about('tokenization', result, threads=1)}\n\n" + table(heads, body)


# === Writing ===


def about(part: str, result: dict[str, Any], threads: int | None = None) -> str:
    """The command, and one sentence on machine, versions and settings."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    instructions = ", ".join(machine["instructions"])
    count = threads or result["threads"]
    classifiers = " ".join(f"--classifier {task}=runs/{task}/classifier" for task in TASKS[part])
    return (
        f"```\npython benchmarks/performance.py --parts {part} {classifiers}\n```\n\n"
        f"{count} thread{'s' if count > 1 else ''}, {machine['processor']} ({machine['cores']} cores; {instructions}), "
        f"{result['turns']} turns, {result['minutes']:g} minutes; {versions}."
    )


def table(heads: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right."""
    lines = [" | ".join(heads), " | ".join([":--", *["--:"] * (len(heads) - 1)]), *(" | ".join(row) for row in body)]
    return "\n".join(f"| {line} |" for line in lines)


def unique(values: Iterable[Any]) -> list[Any]:
    """Distinct values in the order of their first appearance."""
    return list(dict.fromkeys(values))
