"""The manifest beside an exported graph: one versioned JSON Schema that the exporter and the server both validate."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema

from fastbert_serving.dial import Dial

FORMAT_VERSION = 1
MANIFEST_PATH = Path("assets.extra") / "manifest.json"
"""Where the manifest lies in a version directory."""


class ManifestError(ValueError):
    """A manifest cannot be read or breaks the schema."""


@cache
def manifest_schema() -> dict[str, Any]:
    """Returns the JSON Schema that every manifest satisfies (the file `manifest.schema.json` of this package)."""
    return json.loads(resources.files(__package__).joinpath("manifest.schema.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class TokenizerSettings:
    """How the graph turns text into tokens."""

    lower_case: bool
    """Whether texts are lower-cased and stripped of accents."""
    max_sequence_length: int
    """Longest input, in tokens with the special ones; longer texts are cut."""
    vocabulary_size: int
    """Entries of `assets/vocab.txt`."""


@dataclass(frozen=True)
class TokenLimits:
    """What the graph takes as tokens: the sizes of the model's tables."""

    vocabulary_size: int
    """Token ids lie below it."""
    num_segments: int
    """Segment ids lie below it."""
    max_sequence_length: int
    """Most tokens of a row."""


@dataclass(frozen=True)
class Exits:
    """Which branches the graph asks, and why."""

    layers: tuple[int, ...]
    """Layers whose branch is on, counted from 1, rising; the last one is the model's last layer. One alone is the plain
    encoder: no speed changes anything."""
    shrink_share: float
    """Share of a batch's rows that must have their answer before they are taken out, in [0, 1]."""
    chosen_by: str
    """`measurement`: the least predicted time on the machine that exported; `hand`: the owner."""
    predictions: tuple[dict[str, Any], ...] = ()
    """Predicted milliseconds a row, by `batch_size` and each `speed` that the server may choose: `plain_ms`,
    `every_exit_ms`, `chosen_ms`, and `no_exit_ms` where no row leaves."""
    costs: tuple[dict[str, Any], ...] = ()
    """Measured milliseconds of a layer, a branch and the rest, by `batch_size` and rows left in the batch, and how
    uncertain they are."""
    machine: dict[str, Any] | None = None
    """What they were measured on: `name`, `intra_op_threads` and `inter_op_threads`, where 0 is one a processor; None:
    nothing was measured."""

    def __post_init__(self) -> None:
        for name in ("layers", "predictions", "costs"):
            object.__setattr__(self, name, tuple(getattr(self, name)))


@dataclass(frozen=True)
class Manifest:
    """What a client or server must know of an exported classifier beyond its graph.

    Raises:
        ManifestError: a field breaks the schema; the message names it.
    """

    labels: tuple[str, ...]
    """Label names; the position is the label id."""
    is_pair: bool
    """Whether an input is a pair of texts."""
    num_layers: int
    """Layers of the model: the largest `exit_layer`."""
    default_speed: float
    """The speed of the signatures without a `speed` input, in [0, 1]."""
    tokenizer: TokenizerSettings
    """Tokenizer settings."""
    versions: dict[str, str]
    """Versions of the packages that wrote the export, by package name."""
    curve: dict[str, Any] | None = None
    """Measured accuracy and cost at several speeds (`points`, each with its `speed`); None: not measured."""
    lowest_accuracy: float | None = None
    """Lowest accuracy on the curve that the owner accepts when load control raises the speed; None: it may not."""
    token_limits: TokenLimits | None = None
    """Limits of the signature `tokenized`; None: not known, as in older exports."""
    exits: Exits | None = None
    """Branches that are on; None: all of them, as in older exports."""
    precision: str | None = None
    """Arithmetic of the graph, `float32`, `bfloat16` or `int8`; None: not known, as in older exports."""
    policy: dict[str, Any] | None = None
    """The exit rule, its `name` and parameters; None: a row leaves where its uncertainty is below the speed, as in
    older exports."""
    certificate: dict[str, Any] | None = None
    """What was shown of the answers at the default speed, by `fastbert calibrate`; None: nothing was."""
    dial: Dial | None = None
    """The table of the signature `with_speedup`; None: there is no such signature."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        _validate(self.to_dict(), source="manifest")

    @property
    def promise(self) -> str | None:
        """The certificate in words; None where there is none."""
        told = self.certificate
        if told is None:
            return None
        lost = "are wrong where the full depth is right" if told["labelled"] else "differ from the full depth's"
        return (
            f"at most {told['max_accuracy_drop']:g} of the answers at speed {told['speed']:g} {lost}, with "
            f"{told['confidence']:g} confidence ({told['losses']} of {told['rows']} rows did; speedup "
            f"{told['speedup']:.2f})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the manifest as plain JSON types."""
        fields = dataclasses.asdict(self)
        for name in ("lowest_accuracy", "token_limits", "exits", "precision", "policy", "certificate", "dial"):
            if fields[name] is None:
                del fields[name]  # so that readers which do not know the field read the rest
        return {"format_version": FORMAT_VERSION, **_with_lists(fields)}

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "manifest") -> Manifest:
        """Builds a manifest from `to_dict()` output.

        Args:
            values: the parsed JSON.
            source: where the values come from, for error messages.

        Raises:
            ManifestError: `values` breaks the schema.
        """
        _validate(values, source)
        fields = {name: value for name, value in values.items() if name != "format_version"}
        fields["tokenizer"] = TokenizerSettings(**values["tokenizer"])
        if (limits := values.get("token_limits")) is not None:
            fields["token_limits"] = TokenLimits(**limits)
        if (exits := values.get("exits")) is not None:
            fields["exits"] = Exits(**exits)
        if (dial := values.get("dial")) is not None:
            try:
                fields["dial"] = Dial(**dial)
            except ValueError as error:
                raise ManifestError(f"{source}: dial: {error}") from error
        return cls(**fields)

    @classmethod
    def read(cls, version_directory: str | os.PathLike[str]) -> Manifest:
        """Reads the manifest of an exported version.

        Args:
            version_directory: the directory that holds `saved_model.pb`.

        Raises:
            ManifestError: the file is missing, is no JSON, or breaks the schema.
        """
        return cls.read_file(Path(version_directory) / MANIFEST_PATH)

    @classmethod
    def read_file(cls, path: str | os.PathLike[str]) -> Manifest:
        """Reads a manifest file.

        Raises:
            ManifestError: the file is missing, is no JSON, or breaks the schema.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ManifestError(
                f"manifest {path} cannot be read ({error.strerror}); give a directory that `fastbert export` wrote"
            ) from error
        except ValueError as error:  # not UTF-8, or not JSON
            raise ManifestError(f"manifest {path} is no JSON ({error}); export the model again") from error
        return cls.from_dict(values, source=f"manifest {path}")

    def write(self, version_directory: str | os.PathLike[str]) -> None:
        """Writes the manifest into an exported version; `assets.extra` is made where it is missing.

        Args:
            version_directory: the directory that holds `saved_model.pb`.

        Raises:
            OSError: the file cannot be written.
        """
        path = Path(version_directory) / MANIFEST_PATH
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _with_lists(value: Any) -> Any:
    """Tuples become lists, as in JSON."""
    if isinstance(value, dict):
        return {name: _with_lists(inner) for name, inner in value.items()}
    return [_with_lists(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _validate(values: Any, source: str) -> None:
    version = values.get("format_version", FORMAT_VERSION) if isinstance(values, dict) else FORMAT_VERSION
    if version != FORMAT_VERSION:
        raise ManifestError(
            f"{source} has format_version {version!r}, but this fastbert_serving reads {FORMAT_VERSION}; "
            "export the model again, or install the version that wrote it"
        )
    try:
        json.dumps(values, allow_nan=False)
    except (TypeError, ValueError) as error:  # NaN satisfies every minimum and maximum of a JSON Schema
        raise ManifestError(f"{source} must hold plain JSON values, finite numbers included: {error}") from error
    validator = jsonschema.Draft202012Validator(manifest_schema())
    problem = jsonschema.exceptions.best_match(validator.iter_errors(values))
    if problem is not None:
        raise ManifestError(f"{source}: {problem.json_path[2:] or 'content'}: {problem.message}; mend that field")
    _validate_exits(values, source)


def _validate_exits(values: dict[str, Any], source: str) -> None:
    """What JSON Schema has no words for."""
    layers = (values.get("exits") or {"layers": [values["num_layers"]]})["layers"]
    if sorted(layers) != layers or layers[-1] != values["num_layers"]:
        raise ManifestError(
            f"{source}: exits.layers: {layers} must rise and end with the last layer {values['num_layers']}; "
            "mend that field"
        )
