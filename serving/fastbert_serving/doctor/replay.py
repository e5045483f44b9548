"""Golden texts against a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fastbert_serving.answer import Answer
from fastbert_serving.client import Client
from fastbert_serving.doctor.finding import Finding, error
from fastbert_serving.doctor.golden import GoldenRow
from fastbert_serving.errors import ServingError

TOLERANCE = 1e-3
"""Largest difference of a probability: float32 stays within 1e-5 from one CPU to another, bfloat16 needs more room."""
BATCH = 8
"""Rows of a request; the warm-up records have as many, so every server that loads the export takes them."""


def replay(rows: Sequence[GoldenRow], version: int, client: Client) -> Iterator[Finding]:
    """Asks a server for golden rows, several a request and one a request, and compares the answers.

    Args:
        rows: the golden rows.
        version: the version that they belong to.
        client: a client of the server.

    Yields:
        One error for each way of asking that went wrong; none where all answers are as recorded.
    """
    try:
        states = client.status()
        ready = [number for number, state in states.items() if state == "AVAILABLE"]
        if not ready or max(ready) != version:
            yield error(
                f"{client.address} answers with version {max(ready, default=None)} of model {client.model!r}, "
                f"but {version} was examined",
                f"examine the version that is served, or wait until {version} is AVAILABLE",
            )
            return
        yield from _compared(rows, BATCH, client)
        yield from _compared(rows, 1, client)
    except ServingError as problem:
        yield error(
            f"{client.address} does not answer for model {client.model!r}: {problem}",
            "start the server with this export, and give its gRPC address and model name",
        )


def _compared(rows: Sequence[GoldenRow], size: int, client: Client) -> Iterator[Finding]:
    wrong: list[str] = []
    for start in range(0, len(rows), size):
        asked = rows[start : start + size]
        for row, answer in zip(asked, _ask(asked, client.predict), strict=True):
            wrong += filter(None, [_difference(row, answer)])
    if wrong:
        yield error(
            f"{len(wrong)} of {len(rows)} golden rows, {size} a request, are answered otherwise; first: {wrong[0]}",
            "load the whole export on that server again; if it stays, that server computes otherwise: do not use it",
        )


def _ask(rows: Sequence[GoldenRow], predict: Callable[..., list[Answer]]) -> list[Answer]:
    pairs = [row.text_pair for row in rows]
    return predict(
        [row.text for row in rows],
        None if None in pairs else pairs,
        speed=[row.speed for row in rows],
    )


def _difference(row: GoldenRow, answer: Answer) -> str | None:
    asked = f"text {row.text[:40]!r} at speed {row.speed:g}"
    if answer.exit_layer != row.exit_layer:
        return f"{asked} leaves at layer {answer.exit_layer}, recorded {row.exit_layer}"
    distances = [abs(a - b) for a, b in zip(answer.probabilities, row.probabilities, strict=False)]
    if len(answer.probabilities) != len(row.probabilities) or not max(distances) <= TOLERANCE:
        return f"{asked} has probabilities {_shown(answer.probabilities)}, recorded {_shown(row.probabilities)}"
    if answer.label != row.label:
        return f"{asked} is {answer.label!r}, recorded {row.label!r}"
    return None


def _shown(probabilities: Sequence[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in probabilities)
