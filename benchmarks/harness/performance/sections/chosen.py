"""The chosen speed beside the peers."""

from __future__ import annotations

from typing import Any

from harness.performance.markdown import table, unique
from harness.performance.sections.about import about
from harness.performance.verdicts import times_of_clients


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
