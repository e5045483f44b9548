"""Options that the command line gave, and those that would have no effect beside others."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any


def given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Returns those of the options that have a value, by name; what is not given is None or False."""
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def refuse(arguments: argparse.Namespace, names: Iterable[str], reason: str) -> None:
    """Refuses the first of the options that was given; they have no default in the parser.

    Raises:
        ValueError: `--option reason`.
    """
    for name in given(arguments, *names):
        raise ValueError(f"--{name} {reason}")


def comma_separated(value: str) -> list[str]:
    """Reads words with commas between."""
    return value.split(",")


def layer_list(text: str) -> tuple[int, ...]:
    """Reads layers with commas between."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be layers such as 2,4,6, but is {text!r}") from None


def boolean(text: str) -> bool:
    """Reads `--flag=true` as TensorFlow Serving does."""
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"must be true or false, but is {text!r}")
    return values[text.lower()]
