"""Exit policies as commands name them, and in files."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from fastbert_tf.evaluation import read_outputs, read_report
from fastbert_tf.files import file_swap
from fastbert_tf.inference import (
    ExitPolicy,
    ExitSchedule,
    LearnedExit,
    NormalizedEntropy,
    fit_learned_exit,
    policy_class,
    policy_names,
)

POLICY_NAMES = policy_names()
_PARAMETERS = re.compile(r"\w+=[^,]+(,\w+=[^,]+)*")


def policy_of(wanted: ExitPolicy | str | None, num_layers: int) -> ExitPolicy:
    """Returns the policy that somebody asked for.

    Args:
        wanted: a policy; or text: its name, `NAME:parameter=number,...`, or `NAME:FILE` with what `write_policy` wrote;
            None for the normalised entropy.
        num_layers: of the model; some defaults depend on it.

    Raises:
        ValueError: there is no such policy, it is of a model with other layers, or the file cannot be read.
    """
    if wanted is None:
        return NormalizedEntropy()
    if isinstance(wanted, ExitPolicy):
        return wanted.check(num_layers)
    name, _, rest = wanted.partition(":")
    kind = policy_class(name)
    if not rest:
        return kind.default(num_layers)
    if not _PARAMETERS.fullmatch(rest):
        policy = read_policy(rest)
        if type(policy) is not kind:
            raise ValueError(f"{rest} holds the policy {policy.name}, not {name}; write {policy.name}:{rest}")
        return policy.check(num_layers)
    given = {key: _number(key, value) for key, value in (pair.split("=", 1) for pair in rest.split(","))}
    return ExitPolicy.from_dict({"name": name, **given}).check(num_layers)


def write_policy(policy: ExitPolicy, path: str | os.PathLike[str]) -> None:
    """Writes a policy as JSON.

    Raises:
        ValueError: the file cannot be written.
    """
    try:
        with file_swap(Path(path)) as unfinished:
            unfinished.write_text(json.dumps(policy.to_dict(), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror or error}); choose another file") from error


def read_policy(path: str | os.PathLike[str]) -> ExitPolicy:
    """Reads what `write_policy` wrote.

    Raises:
        ValueError: the file is missing, or holds no policy; the message names it.
    """
    try:
        return ExitPolicy.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise ValueError(f"the policy file {path} cannot be read ({error.strerror}); name one that exists") from error
    except ValueError as error:
        raise ValueError(f"the policy file {path}: {error}") from error


def learn_exit(
    evaluation: str | os.PathLike[str], output: str | os.PathLike[str], exits: str | None = None, labelled: bool = True
) -> LearnedExit:
    """Fits a learned exit to the branch outputs of an evaluation and writes it.

    Args:
        evaluation: folder of an evaluation on rows that were held out of training, and are used for nothing else.
        output: the policy's file.
        exits: layers that will be on, with commas between, the last one included; None for all.
        labelled: whether an answer is wrong where it differs from the label, or from the teacher's answer.

    Raises:
        ValueError: the folder holds no branch outputs or no labels, an exit is no layer, or the file cannot be written.
    """
    outputs = read_outputs(evaluation, read_report(evaluation).evaluated)
    if outputs is None:
        raise ValueError(f"{evaluation} holds no branch outputs; evaluate again with this version")
    if labelled and outputs.labels is None:
        raise ValueError(f"the rows of {evaluation} have no labels; learn from the teacher's answers instead")
    schedule = None if exits is None else ExitSchedule(tuple(_layer(text) for text in exits.split(",")))
    policy = fit_learned_exit(outputs.probabilities, outputs.labels if labelled else None, schedule)
    write_policy(policy, output)
    return policy


def _number(key: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError(
            f"the parameter {key} must be a number, but is {value!r}; give a file for all others"
        ) from None


def _layer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"exits must be layers with commas between, such as 2,4,6, but one is {text!r}") from None
