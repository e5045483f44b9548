"""What was asked of our graphs, beside what the stored results say: the first table of docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness.performance.markdown import table, unique
from harness.performance.names import (
    BFLOAT16,
    FLOAT32,
    INT8,
    MOST_LOSS,
    ONNX_FLOAT32,
    ONNX_INT8,
    OPENVINO_BFLOAT16,
    PACKAGE,
    PACKED,
    PADDED,
    ROUNDING,
    ROWS_SPLIT,
    SCHEDULED,
    SHARED,
)

Result = Mapping[str, Any]
"""The JSON of a part."""


class Verdict(NamedTuple):
    """A row of the table."""

    asked: str
    """The demand, its number first."""
    measured: str
    """What the results say; empty where they say nothing."""
    verdict: str
    """`reached`, `missed`, `not measured`, or nothing where nothing was demanded."""


def verdict_table(results: Mapping[str, Result | None]) -> str:
    """Returns the table, from the results of all parts by name; None where a part was not run."""
    parts: list[tuple[str, Callable[[Result], Iterable[Verdict]]]] = [
        ("dense", dense),
        ("real", real),
        ("adaptive", adaptive),
        ("chosen", chosen),
        ("accuracy", accuracy),
        ("tokenization", tokenization),
    ]
    rows: list[Verdict] = []
    for number, (part, judge) in enumerate(parts, start=1):
        result = results[part]
        found = list(judge(result)) if result else [Verdict(f"part `{part}`", "", "not measured")]
        rows += [verdict._replace(asked=f"{number}. {verdict.asked}") for verdict in found]
    return table(["asked", "measured", "verdict"], rows)


def at_least(asked: str, limit: float, values: Mapping[str, float]) -> Verdict:
    """Judges ratios by what they are of; all must reach the limit."""
    measured = ", ".join(f"{value:.2f}x ({what})" for what, value in values.items())
    return _judged(asked, measured, [value >= limit for value in values.values()])


def _judged(asked: str, measured: str, good: Sequence[bool]) -> Verdict:
    if not good:
        return Verdict(asked, "", "not measured")
    return Verdict(asked, measured, "reached" if all(good) else "missed")


# === The parts ===


def dense(result: Result) -> Iterator[Verdict]:
    """BERT-base's shape against other engines, and against the machine."""
    times = {(row["engine"], row["batch_size"]): row for row in result["rows"]}
    sizes = sorted({row["batch_size"] for row in result["rows"]})

    def best(engine: str, size: int) -> Mapping[str, Any]:
        """The better of an engine's thread settings: operations shared, or rows split."""
        names = (engine, engine + SHARED, engine + ROWS_SPLIT)
        settings = (times[name, size] for name in names if (name, size) in times)
        return min(settings, key=lambda row: row["ms_per_row"])

    def beside(engine: str, ours: str, chosen: Iterable[int]) -> dict[str, float]:
        return {
            f"batch {size}": best(engine, size)["ms_per_row"] / best(ours, size)["ms_per_row"]
            for size in chosen
            if {(engine, size), (ours, size)} <= times.keys()
        }

    speed = "of the speed of"
    yield at_least(f"float32: 0.95 {speed} ONNX Runtime", 0.95, beside(ONNX_FLOAT32, FLOAT32, sizes))
    yield at_least(f"bfloat16: 0.85 {speed} OpenVINO", 0.85, beside(OPENVINO_BFLOAT16, BFLOAT16, sizes))
    many = [size for size in sizes if size > 1]
    yield at_least(f"int8, batch 8 and 32: 1.0 {speed} ONNX Runtime", 1.0, beside(ONNX_INT8, INT8, many))
    yield at_least(f"int8, batch 1: 0.8 {speed} ONNX Runtime", 0.8, beside(ONNX_INT8, INT8, [1]))
    for ours in PACKED:
        peak = result["peaks"][ours.split()[1]]
        rates = {size: best(ours, size)["gops"] for size in sizes if (ours, size) in times}
        shares = (f"{rate:.0f} GOP/s, {rate / peak:.0%} (batch {size})" for size, rate in rates.items())
        yield Verdict(f"{ours}: how far from a plain product's {peak:.0f} GOP/s", ", ".join(shares), "")


def real(result: Result) -> Iterator[Verdict]:
    """Packed int8 against padded float32."""
    orders = {"rows of like length": result["rows"], "rows as they come": result.get("arrival", [])}
    for order, rows in orders.items():
        times = {(row["task"], row["batch_size"], row["from"], row["engine"]): row["ms_per_row"] for row in rows}
        kinds = unique((task, size) for task, size, source, _ in times if source == "tokens")
        ratios = {
            f"{task}, batch {size}": times[task, size, "tokens", PADDED] / times[task, size, "tokens", INT8]
            for task, size in kinds
            if {PADDED, INT8} <= {engine for *kind, engine in times if kind == [task, size, "tokens"]}
        }
        yield at_least(f"full depth, {order}: packed int8 3x padded-to-longest float32", 3.0, ratios)


def adaptive(result: Result) -> Iterator[Verdict]:
    """Saved time against saved work, and what exits cost where no row leaves."""
    for size, limit in ((32, 0.9), (1, 0.85)):
        shares = {
            row["speed"]: row["speedup"] / row["executed_speedup"]
            for row in result["speeds"]
            if row["batch_size"] == size and row["mean_exit_layer"] >= 2 and row["stack"] == INT8
        }
        lowest = min(shares, key=lambda speed: shares[speed], default=0.0)
        text = f"lowest {min(shares.values(), default=0):.2f} (at speed {lowest:g}) of {len(shares)} speeds"
        asked = f"batch {size}, mean exit at layer 2 or later: time's speedup at least {limit} of executed FLOPs'"
        yield _judged(asked, text, [share >= limit for share in shares.values()])
    for shape, limit in (("BERT-base", 0.03), ("6 x 384", 0.04)):
        for exits in ("all", "the scheduler's"):
            rows = [row for row in result["never"] if row["shape"] == shape and row["exits"].startswith(exits)]
            text = ", ".join(f"{100 * row['slower']:+.1f} % (batch {row['batch_size']})" for row in rows)
            words = rows[0]["exits"] if rows else exits
            asked = f"no row leaves, {shape}, exits: {words}: at most {limit:.0%} slower than without branches"
            yield _judged(asked, text, [row["slower"] <= limit for row in rows])


def chosen(result: Result) -> Iterator[Verdict]:
    """The chosen speed against the teacher elsewhere."""
    accuracy = {name: said["accuracy"] for name, said in result["reported"]["accuracy"].items()}
    times = times_of_clients(result)
    for ours in (INT8, SCHEDULED):
        loss = accuracy[PADDED] - accuracy[ours]
        text = f"{100 * loss:+.2f} points below (speed {result['speed']:g}; {accuracy[ours]:.4f} on dev)"
        yield _judged(f"{ours}: at most 0.5 points below the teacher", text, [loss <= MOST_LOSS + ROUNDING])
        for source in ("texts", "tokens"):
            yield _throughput(f"{ours}, from {source}: 2.5x the throughput of ONNX Runtime int8", times, ours, source)
        package = {"batch 1": times[PACKAGE, 1, "texts", 1] / times[ours, 1, "texts", 1]}
        yield at_least(f"{ours}: 10x the package `fastbert`, same weights and speed", 10.0, package)


def times_of_clients(result: Result) -> dict[tuple, float]:
    """Milliseconds a row of `chosen` by engine, batch size, source and calls at a time."""
    return {
        (row["engine"], row["batch_size"], row["from"], row["clients"]): row["ms_per_row"] for row in result["times"]
    }


def _throughput(asked: str, times: Mapping[tuple, float], ours: str, source: str) -> Verdict:
    """Compares each engine at its best setting and number of calls at a time; says what one call at a time gives."""
    counts = sorted({clients for *_, clients in times})
    settings = {ours: [ours], ONNX_INT8: [ONNX_INT8, ONNX_INT8 + ROWS_SPLIT]}
    said, ratios = [], []
    for size in sorted({size for _, size, _, _ in times}):
        mine, theirs = (
            [min(times[name, size, source, count] for name in settings[engine]) for count in counts]
            for engine in (ours, ONNX_INT8)
        )
        ratios.append(min(theirs) / min(mine))
        said.append(f"{ratios[-1]:.2f}x (batch {size}; {theirs[0] / mine[0]:.2f}x with one call at a time)")
    return _judged(asked, ", ".join(said), [ratio >= 2.5 for ratio in ratios])


def accuracy(result: Result) -> Iterator[Verdict]:
    """What a precision costs, and what the file weighs."""
    cells = {(row["task"], row["engine"], row["speed"]): row["accuracy"] for row in result["rows"]}
    for ours in (INT8, BFLOAT16):
        for depth in ("full depth", "chosen speed"):
            speeds = {task: 0.0 if depth == "full depth" else facts["speed"] for task, facts in result["tasks"].items()}
            losses = {task: cells[task, FLOAT32, speed] - cells[task, ours, speed] for task, speed in speeds.items()}
            text = ", ".join(
                f"{-100 * loss:+.2f} points ({task}, speed {speeds[task]:g})" for task, loss in losses.items()
            )
            good = [loss <= MOST_LOSS + ROUNDING for loss in losses.values()]
            yield _judged(f"{ours}, {depth}: at most 0.5 points below float32", text, good)
    if INT8 in result["megabytes"]:
        size = result["megabytes"][INT8]
        yield _judged("the 6-layer int8 export under 30 MB", f"{size:.1f} MB", [size < 30])


def tokenization(result: Result) -> Iterator[Verdict]:
    """Our tokenizer in the graph against Hugging Face's."""
    cells = {(row["task"], row["batch_size"], row["engine"]): row["ms_per_row"] for row in result["rows"]}
    kinds = unique((task, size) for task, size, _ in cells)
    rivals = {"hugging_face_tokenizer": "with its arrays", "hugging_face_encode": "without arrays"}
    for rival, words in rivals.items():
        ratios = {
            f"{task}, batch {size}": cells[task, size, rival] / cells[task, size, "graph_tokenizer"]
            for task, size in kinds
            if (task, size, rival) in cells
        }
        yield at_least(f"as fast as Hugging Face's tokenizers, {words}", 1.0, ratios)
