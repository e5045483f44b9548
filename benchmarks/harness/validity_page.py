"""The tables of docs/guarantees.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guarantees.md"
RESULTS = ROOT / "docs" / "results" / "validity.json"
_MARK = "<!-- {name}: written by benchmarks/validity.py -->"
_END = "<!-- end -->"
_METHODS = {"binomial": "exact binomial", "hoeffding_bentkus": "Hoeffding-Bentkus"}

Result = dict[str, Any]


def rendered(page: str, results: Sequence[Result]) -> str:
    """Returns the page with its tables made anew.

    Raises:
        ValueError: the page has no place for a table.
    """
    dials = [one for one in results if "dial" in one["asked"]]
    kept = [one for one in results if one["asked"]["shifted"] is None and one not in dials]
    shifted = [one for one in results if one["asked"]["shifted"] is not None and one not in dials]
    tables = {"validity": validity_table(kept), "shift": shift_table(shifted), "dial": dial_table(dials)}
    for name, table in tables.items():
        mark = _MARK.format(name=name)
        text = f"{mark}\n{table}\n{_END}".replace("\\", r"\\")  # as it is, where a pattern's groups could be named
        page, count = re.subn(f"{re.escape(mark)}.*?{re.escape(_END)}", text, page, flags=re.S)
        if count != 1:
            raise ValueError(f"the page needs one place for a table, {mark} to {_END}, but has {count}")
    return page


def validity_table(results: Iterable[Result]) -> str:
    """One line an experiment: how often each test broke the bound, and what it saved."""
    lines = [
        "| rows of | policy | bound | checked on | "
        + " | ".join(f"broken, {name} | speedup" for name in _METHODS.values())
        + " |",
        "|---|---|--:|---|" + "--:|--:|" * len(_METHODS),
    ]
    for one in results:
        asked, found = one["asked"], one["found"]
        policy = asked["policies"][0] if len(asked["policies"]) == 1 else f"best of {len(asked['policies'])}"
        policy += "" if asked["labelled"] else ", without labels"
        place = "the other rows" if asked["disjoint"] else "all rows"
        cells = [f"{_broken(found[name], asked['disjoint'])} | {found[name]['speedup']:.2f}x" for name in _METHODS]
        lines.append(f"| {asked['pool']} | {policy} | {asked['bound']:g} | {place} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _broken(found: dict[str, float], is_sample: bool) -> str:
    return f"{found['broken']:.1%}" + (f" (refuted: {found['refuted']:.1%})" if is_sample else "")


def dial_table(results: Iterable[Result]) -> str:
    """One line a dial: how far what rows got is from what was asked for."""
    lines = [
        "| learned on | used on | policy | reaches | mean error | worst | within 5 % |", "|---|---|---|--:|--:|--:|--:|"
    ]  # fmt: skip
    for one in results:
        asked, found = one["asked"], one["found"]
        place = asked["shifted"] or "the other rows"
        figures = f"{found['most']:.2f}x | {found['mean']:.1%} | {found['worst']:.1%} | {found['within']:.1%}"
        lines.append(f"| {asked['pool']} | {place} | {asked['dial']} | {figures} |")
    return "\n".join(lines)


def shift_table(results: Iterable[Result]) -> str:
    """One line a shift: how often the bound is broken on rows of another kind, and by how much."""
    lines = ["| calibrated on | used on | bound | broken | mean loss there |", "|---|---|--:|--:|--:|"]
    for one in results:
        asked, found = one["asked"], one["found"]["binomial"]
        cells = f"{asked['bound']:g} | {found['broken']:.1%} | {found['risk']:.4f}"
        lines.append(f"| {asked['pool']} | {asked['shifted']} | {cells} |")
    return "\n".join(lines)
