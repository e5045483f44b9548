"""What an exit policy is: how little is an answer to be trusted?"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar, final

P = TypeVar("P", bound="type[ExitPolicy]")


class ExitPolicy(ABC):
    """Says how little an answer is to be trusted: one pure `keras.ops` function of what the branches have said so far.

    The exit loop and the offline simulation call the same policy object; a policy never sees other rows, nor branches
    that a schedule leaves out. A policy with parameters is a frozen dataclass, so that it can be written as JSON.
    """

    name: ClassVar[str] = ""
    """Name in manifests and commands; empty where it is not registered."""

    @property
    def memory(self) -> int:
        """Answers before the newest one that `doubt` reads; the loop keeps no more."""
        return 0

    @abstractmethod
    def doubt(self, said: Sequence[Any], layer: int) -> Any:
        """Says how little the newest answer is to be trusted.

        Args:
            said: the branches' probabilities, each float (rows, classes), the newest last: at most `memory` earlier
                ones, fewer at the first exits.
            layer: the layer of the newest branch, counted from 1.

        Returns:
            float32 (rows,), in [0, 1].
        """

    @final
    def wants_exit(self, said: Sequence[Any], speed: Any, layer: int) -> Any:
        """Decides which rows are answered well enough: those with less doubt than speed, none at speed 0.

        Args:
            said: as for `doubt`.
            speed: float32 (rows,), in [0, 1].
            layer: as for `doubt`.

        Returns:
            bool (rows,).
        """
        return self.doubt(said, layer) < speed

    @classmethod
    def default(cls, num_layers: int) -> ExitPolicy:
        """Returns the policy with its default parameters for a model with so many layers.

        Raises:
            ValueError: some parameters have no default.
        """
        del num_layers
        if _required(cls):
            raise ValueError(f"the policy {cls.name} has no default for {', '.join(_required(cls))}; give its file")
        return cls()

    def check(self, num_layers: int) -> ExitPolicy:
        """Returns the policy, if it fits a model with so many layers.

        Raises:
            ValueError: its parameters are of another model.
        """
        del num_layers
        return self

    def to_dict(self) -> dict[str, Any]:
        """Returns name and parameters as plain JSON types."""
        return {"name": self.name, **{field.name: _plain(getattr(self, field.name)) for field in _fields(type(self))}}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ExitPolicy:
        """Builds the policy that `to_dict` described, also after a trip through JSON.

        Raises:
            ValueError: the name or a parameter is unknown, or a parameter is missing or out of range.
        """
        if not isinstance(values, dict) or "name" not in values:
            raise ValueError(f"an exit policy is an object with a name and parameters, but this is {values!r}")
        policy = policy_class(values["name"])
        if not issubclass(policy, cls):
            raise ValueError(f"the policy is {values['name']}, but {cls.name} is wanted")
        parameters = {name: value for name, value in values.items() if name != "name"}
        known = [field.name for field in _fields(policy)]
        unknown = sorted(set(parameters) - set(known))
        if unknown:
            raise ValueError(f"the policy {policy.name} has no parameter {unknown}; its parameters are {known}")
        missing = sorted(set(_required(policy)) - set(parameters))
        if missing:
            raise ValueError(f"the policy {policy.name} needs {missing}; add them")
        return policy(**parameters)


_POLICIES: dict[str, type[ExitPolicy]] = {}


def register_policy(cls: P) -> P:
    """Makes a policy known by its `name`; a decorator."""
    _POLICIES[cls.name] = cls
    return cls


def policy_names() -> tuple[str, ...]:
    """Returns the names of all policies."""
    return tuple(_POLICIES)


def policy_class(name: Any) -> type[ExitPolicy]:
    """Returns the policy of that name.

    Raises:
        ValueError: there is none.
    """
    if not isinstance(name, str) or name not in _POLICIES:
        raise ValueError(f"there is no exit policy {name!r}; take one of {', '.join(_POLICIES)}")
    return _POLICIES[name]


def _fields(policy: type[ExitPolicy]) -> tuple[dataclasses.Field, ...]:
    return dataclasses.fields(policy) if dataclasses.is_dataclass(policy) else ()


def _required(policy: type[ExitPolicy]) -> list[str]:
    return [field.name for field in _fields(policy) if field.default is dataclasses.MISSING]


def _plain(value: Any) -> Any:
    if isinstance(value, ExitPolicy):
        return value.to_dict()
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
