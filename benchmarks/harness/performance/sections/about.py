"""The command of a part, and what it ran on."""

from __future__ import annotations

from typing import Any

from harness.performance.names import TASKS


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
