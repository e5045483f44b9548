"""The measured part of docs/small_devices.md, written from the stored figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[3] / "docs"
PAGE, FIGURES = DOCS / "small_devices.md", DOCS / "results" / "litert.json"
BEGIN, END = "<!-- measured: benchmarks/litert.py writes this part -->\n", "<!-- end of the measured part -->\n"
SAVED_FLOAT, SAVED_INT8 = "SavedModel float32", "SavedModel int8"


def measured_part(results: dict[str, Any]) -> str:
    """Returns the Markdown between `BEGIN` and `END`."""
    trained = {name: model for name, model in results["models"].items() if model["parity"]}
    parts = [f"Measured on {results['machine']}, {results['interpreter']}, one thread.", "", *_sizes(results["models"])]
    for name, model in trained.items():
        parts += ["", f"**{name}**, all {model['rows']} rows of SST-2 dev:", "", *_parity(model["parity"])]
    for name, model in results["models"].items():
        # Where random weights leave says nothing.
        told = [record for record in model["latency"] if model["parity"] or not record["speed"]]
        parts += ["", f"**{name}**, milliseconds a call at batch 1:", "", *_latency(told)]
    return "\n".join(parts) + "\n"


def with_measured_part(page: str, results: dict[str, Any]) -> str:
    """Returns the page with a new measured part."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{measured_part(results)}\n{END}{after}"


def stored() -> dict[str, Any]:
    """Returns the figures beside the page."""
    return json.loads(FIGURES.read_text(encoding="utf-8"))


def _sizes(models: dict[str, Any]) -> list[str]:
    engines = list(next(iter(models.values()))["bytes"])
    rows = (
        [name, f"{model['parameters']:,}", *(f"{model['bytes'][engine] / 1e6:.2f}" for engine in engines)]
        for name, model in models.items()
    )
    return _table(["model", "parameters", *(f"{engine}, MB" for engine in engines)], rows)


def _parity(records: list[dict[str, Any]]) -> list[str]:
    header = ["speed", "export", "accuracy", "mean layer"]
    for other in (SAVED_FLOAT, SAVED_INT8):
        header += [f"same label as {other}", "same exit", "largest difference"]
    return _table(header, (_parity_row(record) for record in records))


def _parity_row(record: dict[str, Any]) -> list[str]:
    cells = [f"{record['speed']:g}", record["engine"], f"{record['accuracy']:.4f}", f"{record['mean_exit_layer']:.2f}"]
    for other in (SAVED_FLOAT, SAVED_INT8):
        found = record["agreement"].get(other)
        if found is None:
            cells += ["", "", ""]
        else:
            shares = [f"{100 * found[key]:.1f} %" for key in ("same_label", "same_exit")]
            cells += [*shares, f"{found['largest_difference']:.4f}"]
    return cells


def _latency(records: list[dict[str, Any]]) -> list[str]:
    rows = (
        [record["rows"], f"{record['speed']:g}", record["engine"], *(f"{record[key]:.2f}" for key in ("median", "p99"))]
        for record in records
    )
    return _table(["rows", "speed", "export", "median", "p99"], rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---"] * len(header)
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]
