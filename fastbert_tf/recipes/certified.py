"""What an export takes over from a certificate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastbert_serving.dial import Dial
from fastbert_tf.calibration import Certificate, read_certificate
from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.data import TextDataset
from fastbert_tf.inference import ExitPolicy
from fastbert_tf.recipes.digest import classifier_digest
from fastbert_tf.recipes.policies import policy_of
from fastbert_tf.recipes.stacks import calibration_digest

Exits = str | Sequence[int] | None


@dataclass(frozen=True)
class Certified:
    """Settings of an export, with a certificate or without."""

    policy: ExitPolicy
    """The exit rule."""
    default_speed: float
    """Speed of requests that name none, in [0, 1]."""
    exits: Exits
    """Branches that are on, as `ExitRequest` reads them."""
    dial: Dial | None = None
    """Of the signature `with_speedup`."""
    certificate: dict[str, Any] | None = None
    """For the manifest; None where the default speed is not the certified one."""


def open_certificate(
    folder: str | os.PathLike[str], classifier: SavedClassifier, precision: str, calibration: TextDataset | None
) -> Certificate:
    """Reads a certificate of this classifier in this arithmetic.

    Raises:
        ValueError: there is none, or it is about another graph.
    """
    certificate = read_certificate(folder)
    return certificate.check(classifier_digest(classifier), precision, calibration_digest(calibration))


def certified(
    certificate: Certificate | None,
    num_layers: int,
    policy: ExitPolicy | str | None,
    default_speed: float | None,
    speedup: float | None,
    exits: Exits,
    lowest_accuracy: float | None,
) -> Certified:
    """Joins what an owner wants with what a certificate allows.

    Raises:
        ValueError: they contradict each other; the message says where.
    """
    if certificate is None:
        if speedup is not None:
            raise ValueError("a speedup is looked up in the table of a certificate; name the folder of one")
        speed = DEFAULT_SPEED if default_speed is None else default_speed
        return Certified(policy_of(policy, num_layers), speed, exits)
    rule = policy_of(ExitPolicy.from_dict(certificate.policy), num_layers)
    if policy is not None and policy_of(policy, num_layers) != rule:
        raise ValueError(f"the certificate is of the policy {rule.name} with its parameters; drop the other policy")
    if exits is not None and _layers(exits, num_layers) != certificate.exits:
        raise ValueError(f"the certificate is of the exits {certificate.exits}; drop the other exits")
    speed = _speed(certificate, default_speed, speedup)
    holds = speed == certificate.speed
    if holds and lowest_accuracy is not None:
        raise ValueError(
            "lowest_accuracy lets load control leave the certified speed; drop it, or name a default speed of your "
            "own, which drops the certificate"
        )
    named = "all" if len(certificate.exits) == num_layers else certificate.exits
    told = {name: value for name, value in certificate.to_dict().items() if name != "dial"} if holds else None
    return Certified(rule, speed, named, certificate.dial, told)


def _speed(certificate: Certificate, default_speed: float | None, speedup: float | None) -> float:
    if default_speed is not None and speedup is not None:
        raise ValueError("name a default speed or a speedup, not both")
    if speedup is None:
        return certificate.speed if default_speed is None else default_speed
    if not 1 <= speedup <= certificate.dial.most:  # NaN fails both comparisons
        raise ValueError(
            f"this model reaches speedups from 1 to {certificate.dial.most:.2f} with this policy, but {speedup} is "
            "asked for; ask for less, or take a smaller model"
        )
    return float(certificate.dial.speed(speedup))


def _layers(exits: str | Sequence[int], num_layers: int) -> tuple[int, ...] | str:
    """Returns layers, or what else it says."""
    if exits == "all":
        return tuple(range(1, num_layers + 1))
    try:
        return tuple(map(int, exits.split(",") if isinstance(exits, str) else exits))
    except ValueError:
        return str(exits)
