"""Export of a classifier as a SavedModel that TensorFlow Serving runs unchanged."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import tensorflow as tf

from fastbert_serving.dial import Dial
from fastbert_serving.manifest import Exits, Manifest, TokenizerSettings, TokenLimits
from fastbert_tf import __version__
from fastbert_tf.config import DEFAULT_SPEED
from fastbert_tf.export.batching_parameters import batching_parameters
from fastbert_tf.export.golden import write_golden_rows
from fastbert_tf.export.signatures import Signatures
from fastbert_tf.export.version_directory import ExportError, check_version, version_directory
from fastbert_tf.export.warmup import write_warmup_requests
from fastbert_tf.files import file_swap
from fastbert_tf.inference import (
    ExitLoop,
    ExitPolicy,
    ExitSchedule,
    KerasStack,
    NormalizedEntropy,
    SavableStack,
    policy_settings,
)
from fastbert_tf.models import FastBert
from fastbert_tokenizers import WordPieceTokenizer

PACKAGES = ("tensorflow", "tensorflow-text", "keras")


def export_saved_model(
    directory: str | os.PathLike[str],
    *,
    model: FastBert,
    tokenizer: WordPieceTokenizer,
    label_names: Sequence[str],
    is_pair: bool,
    version: int = 1,
    default_speed: float = DEFAULT_SPEED,
    curve: dict[str, Any] | None = None,
    lowest_accuracy: float | None = None,
    stack: SavableStack | None = None,
    precision: str | None = None,
    exits: Exits | None = None,
    policy: ExitPolicy | None = None,
    certificate: dict[str, Any] | None = None,
    dial: Dial | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes `directory/version`: graph, weights, vocabulary, manifest, golden rows and warm-up records.

    The version directory appears in one step, complete. `batching_params.pbtxt` is put beside it, unless one is
    there already: it is the operator's to tune.

    Args:
        directory: the model's directory, one numbered subdirectory a version; made where it is missing.
        model: the trained classifier.
        tokenizer: its tokenizer.
        label_names: one name a class, in label order.
        is_pair: whether an input is a pair of texts.
        version: version number, at least 1; servers take the highest.
        default_speed: the speed of the signatures without a `speed` input, in [0, 1].
        curve: measured accuracy and cost for the manifest: `{"points": [{"speed": ...}, ...]}`.
        lowest_accuracy: lowest accuracy on the curve that load control may go to, in [0, 1]; None: it may not raise
            the speed.
        stack: what the graph runs: the model's weights in any arithmetic; None for its Keras layers.
        precision: name of that arithmetic for the manifest: `float32`, `bfloat16` or `int8`; None: not said.
        exits: branches that are on, and why; None for all.
        policy: the exit rule; None for the normalised entropy.
        certificate: what was shown of the answers at the default speed, for the manifest, or None.
        dial: the table of the signature `with_speedup`; None goes without it.
        overwrite: whether an existing version is replaced.

    Returns:
        The version directory.

    Raises:
        ExportError: pieces that do not fit each other, an existing version, or a directory that cannot be written.
        ManifestError: labels, speed, curve, accuracy, precision or exits break the manifest's schema.
    """
    manifest = check_export(
        directory,
        model=model,
        tokenizer=tokenizer,
        label_names=label_names,
        is_pair=is_pair,
        version=version,
        default_speed=default_speed,
        curve=curve,
        lowest_accuracy=lowest_accuracy,
        precision=precision,
        exits=exits,
        policy=policy,
        certificate=certificate,
        dial=dial,
        overwrite=overwrite,
    )
    base = Path(directory)
    with version_directory(base, version, overwrite) as folder:
        _save_graph(folder, stack or KerasStack(model), policy or NormalizedEntropy(), model, tokenizer, manifest)
        manifest.write(folder)
        write_warmup_requests(folder, is_pair, manifest.tokenizer.max_sequence_length, dial is not None)
        if not (base / "batching_params.pbtxt").exists():
            with file_swap(base / "batching_params.pbtxt") as path:
                path.write_text(batching_parameters(), encoding="utf-8")
    return base / str(version)


def check_export(
    directory: str | os.PathLike[str],
    *,
    model: FastBert,
    tokenizer: WordPieceTokenizer,
    label_names: Sequence[str],
    is_pair: bool,
    version: int = 1,
    default_speed: float = DEFAULT_SPEED,
    curve: dict[str, Any] | None = None,
    lowest_accuracy: float | None = None,
    precision: str | None = None,
    exits: Exits | None = None,
    policy: ExitPolicy | None = None,
    certificate: dict[str, Any] | None = None,
    dial: Dial | None = None,
    overwrite: bool = False,
) -> Manifest:
    """Returns the manifest of an export, or raises what `export_saved_model` would for these arguments, at once."""
    check_version(Path(directory), version, overwrite)
    if lowest_accuracy is not None and curve is None:
        raise ExportError("lowest_accuracy needs a curve to be looked up on; give the curve of an evaluation")
    settings = None
    if policy is not None:
        settings = policy_settings(policy.check(model.config.backbone.num_layers))
    measured = {
        "curve": curve, "lowest_accuracy": lowest_accuracy, "exits": exits, "precision": precision, "policy": settings,
        "certificate": certificate, "dial": dial,
    }  # fmt: skip
    return fitting_manifest(model, tokenizer, label_names, is_pair, default_speed, measured)


def fitting_manifest(
    model: FastBert,
    tokenizer: WordPieceTokenizer,
    label_names: Sequence[str],
    is_pair: bool,
    default_speed: float,
    measured: dict[str, Any],
) -> Manifest:
    """Describes pieces that fit each other; raises `ExportError` or `ManifestError` where they do not."""
    if not 0 <= default_speed <= 1:  # NaN fails both comparisons
        raise ExportError(f"default_speed must be in [0, 1], but is {default_speed}; 0 runs all layers")
    shape = model.config.backbone
    manifest = Manifest(
        labels=tuple(label_names),
        is_pair=is_pair,
        num_layers=shape.num_layers,
        default_speed=default_speed,
        tokenizer=TokenizerSettings(
            lower_case=tokenizer.lower_case,
            max_sequence_length=tokenizer.max_sequence_length,
            vocabulary_size=len(tokenizer.vocabulary),
        ),
        versions={"fastbert_tf": __version__, **{name: package_version(name) for name in PACKAGES}},
        token_limits=TokenLimits(shape.vocabulary_size, shape.num_segments, shape.max_sequence_length),
        **measured,
    )
    _check_fit(model, manifest)
    return manifest


def _check_fit(model: FastBert, manifest: Manifest) -> None:
    """Refuses pieces that belong to different models."""
    shape, settings = model.config.backbone, manifest.tokenizer
    if len(manifest.labels) != model.config.num_classes:
        raise ExportError(
            f"label_names has {len(manifest.labels)} names, but the model has {model.config.num_classes} classes; "
            "give one name a class"
        )
    if settings.vocabulary_size > shape.vocabulary_size:
        raise ExportError(
            f"the vocabulary has {settings.vocabulary_size} entries, but the embedding {shape.vocabulary_size}; "
            "give the vocabulary that the model was trained with"
        )
    if settings.max_sequence_length > shape.max_sequence_length:
        raise ExportError(
            f"the tokenizer's max_sequence_length is {settings.max_sequence_length}, but the model has "
            f"{shape.max_sequence_length} positions; lower it"
        )
    if manifest.is_pair and shape.num_segments < 2:
        raise ExportError("a pair task needs num_segments of at least 2, but the model has 1; train one with 2")


def _save_graph(
    folder: Path,
    stack: SavableStack,
    policy: ExitPolicy,
    model: FastBert,
    tokenizer: WordPieceTokenizer,
    manifest: Manifest,
) -> None:
    exits = manifest.exits
    schedule = None if exits is None else ExitSchedule(exits.layers, exits.shrink_share)
    signatures = Signatures(
        loop=ExitLoop(stack, policy, schedule),
        tokenizer=tokenizer,
        label_names=manifest.labels,
        is_pair=manifest.is_pair,
        default_speed=manifest.default_speed,
        limits=model.config.backbone,
        dial=manifest.dial,
    )
    module = tf.Module()
    # The raw variables, not the Keras model: a tracked model loads as an object, but not into a session.
    module.weights = [weight.value for weight in stack.variables]
    with tempfile.TemporaryDirectory() as elsewhere:
        vocabulary_file = Path(elsewhere) / "vocab.txt"
        tokenizer.vocabulary.save(vocabulary_file)
        # The tokenizer bakes its vocabulary into the graph; the file is there for people and tools.
        module.vocabulary = tf.saved_model.Asset(str(vocabulary_file))
        functions = signatures.functions()
        tf.saved_model.save(module, str(folder), signatures=functions)
    write_golden_rows(folder, functions["with_speed"], manifest.is_pair, manifest.default_speed)
