"""Thousand texts a second of the tokenizers."""

from __future__ import annotations

from typing import Any

from harness.performance.markdown import table, unique
from harness.performance.sections.about import about


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
