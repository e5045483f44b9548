"""The text of docs/performance.md, from the stored results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.performance.sections.accuracy import accuracy_section
from harness.performance.sections.adaptive import adaptive_section
from harness.performance.sections.chosen import chosen_section
from harness.performance.sections.dense import dense_section
from harness.performance.sections.profile import profile_section
from harness.performance.sections.real import real_section
from harness.performance.sections.tokenization import tokenization_section
from harness.performance.verdicts import verdict_table

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
