"""Results that round-trip through JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, TypeVar

SCHEMA_VERSION = 1
"""Raised by 1 whenever a stored field changes its name or meaning."""

R = TypeVar("R", bound="Record")


class Record:
    """Base of frozen dataclasses that are stored as JSON; nested records and tuples are rebuilt in `__post_init__`."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON types."""
        fields = dataclasses.asdict(self)  # type: ignore[call-overload]
        return json.loads(json.dumps(fields))  # tuples become lists

    @classmethod
    def from_dict(cls: type[R], values: dict[str, Any]) -> R:
        """Builds the record from what `to_dict` returned, also after a trip through JSON.

        Raises:
            ValueError: the values are no JSON object, hold an unknown field, or lack one that has no default: those
                with one may be younger than the file.
        """
        if not isinstance(values, dict):
            raise ValueError(f"{cls.__name__} must be a JSON object, but is {values!r}; evaluate again")
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        required = {field.name for field in fields if field.default is dataclasses.MISSING}
        wrong = sorted((required - set(values)) | (set(values) - {field.name for field in fields}))
        if wrong:
            raise ValueError(f"{cls.__name__} has unknown or missing fields {wrong}; evaluate again with this version")
        return cls(**values)


def check_schema_version(what: str, values: dict[str, Any]) -> dict[str, Any]:
    """Returns the values without their `schema_version`.

    Raises:
        ValueError: it is not the version that this release writes.
    """
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"{what} has schema_version {version!r}, but this release reads {SCHEMA_VERSION}; evaluate again with it"
        )
    return {name: value for name, value in values.items() if name != "schema_version"}
