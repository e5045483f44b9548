"""What all configurations share: frozen dataclasses, one field a line, that round-trip through JSON."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

DTYPES = ("float32", "mixed_bfloat16")

C = TypeVar("C", bound="Config")


class Config:
    """JSON round trip shared by all configurations."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON types."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls: type[C], values: dict[str, Any]) -> C:
        """Builds the configuration from `to_dict()` output.

        Raises:
            ValueError: a key is unknown, or a required one is missing.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise ValueError(f"{cls.__name__} has no field {unknown}; its fields are {sorted(fields)}")
        required = {name for name, field in fields.items() if field.default is dataclasses.MISSING}
        missing = sorted(required - set(values))
        if missing:
            raise ValueError(f"{cls.__name__} needs {missing}; add them to the configuration")
        return cls(**values)


class RunConfig(Config):
    """Configuration of a training run."""

    seed: int
    """Of all random choices."""
    save_every: int
    """Steps between resumable states."""

    def decisive(self) -> dict[str, Any]:
        """Returns the fields that decide the trained weights, as plain JSON types: all but `save_every`."""
        values = {name: value for name, value in self.to_dict().items() if name != "save_every"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def require(condition: bool, name: str, rule: str, received: Any) -> None:
    """Raises `ValueError` that names the field, its rule and what was received, unless the condition holds."""
    if not condition:
        raise ValueError(f"{name} must be {rule}, but is {received!r}; change it in the configuration")


def require_integer(config: Any, *names: str, least: int = 1) -> None:
    """Raises `ValueError` unless these fields are integers of at least `least`."""
    for name in names:
        value = getattr(config, name)
        require(isinstance(value, int) and value >= least, name, f"an integer of at least {least}", value)
