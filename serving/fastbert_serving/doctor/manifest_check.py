"""Whether the manifest describes the graph that it lies beside."""

from __future__ import annotations

from collections.abc import Iterator

from fastbert_serving.call import DEFAULT_SIGNATURE, SPEEDUP_SIGNATURE
from fastbert_serving.doctor.exported_model import ExportedModel
from fastbert_serving.doctor.finding import Finding, error, warning
from fastbert_serving.doctor.target import Target
from fastbert_serving.manifest import MANIFEST_PATH, Manifest, ManifestError

_MEND = "export the model again, or put the manifest of this version back"


def check_manifest(export: ExportedModel, target: Target) -> Iterator[Finding]:
    """Finds a manifest that is missing, broken, or of another model."""
    if not (export.directory / MANIFEST_PATH).exists():
        yield warning(
            f"{MANIFEST_PATH} is missing: a server answers, but without load control, drift alarm and the page's curve",
            _MEND,
        )
        return
    try:
        manifest = Manifest.read(export.directory)
    except ManifestError as problem:
        yield error(str(problem), _MEND)
        return
    yield from _check_signature(export, manifest)
    yield from _check_vocabulary(export, manifest)
    yield from _check_calibration(export, manifest)
    if manifest.curve is None:
        yield warning(
            "the manifest has no accuracy and cost curve: load control has nothing to go by",
            "run `fastbert evaluate` and export with --evaluation",
        )


def _check_signature(export: ExportedModel, manifest: Manifest) -> Iterator[Finding]:
    if DEFAULT_SIGNATURE not in export.signatures:
        return
    signature = export.signatures[DEFAULT_SIGNATURE]
    probabilities = signature.outputs.get("probabilities")
    classes = probabilities.shape[-1] if probabilities and probabilities.shape else None
    if classes != len(manifest.labels):
        yield error(f"the manifest has {len(manifest.labels)} labels, but the graph answers {classes} classes", _MEND)
    if manifest.is_pair != ("text_pair" in signature.inputs):
        yield error(
            f"the manifest says is_pair is {manifest.is_pair}, but the inputs are {', '.join(signature.inputs)}", _MEND
        )


def _check_calibration(export: ExportedModel, manifest: Manifest) -> Iterator[Finding]:
    if (manifest.dial is not None) != (SPEEDUP_SIGNATURE in export.signatures):
        has, graph = ("a", "has no") if manifest.dial is not None else ("no", "has a")
        yield error(f"the manifest has {has} dial, but the graph {graph} signature {SPEEDUP_SIGNATURE!r}", _MEND)
    certificate = manifest.certificate
    if certificate is not None and certificate["speed"] != manifest.default_speed:
        yield error(
            f"the certificate is of speed {certificate['speed']}, but the default speed is {manifest.default_speed}",
            _MEND,
        )
    if certificate is not None and manifest.lowest_accuracy is not None:
        yield warning(
            "load control may raise the speed above the certified one: its answers then have no certificate",
            "export without --lowest_accuracy",
        )


def _check_vocabulary(export: ExportedModel, manifest: Manifest) -> Iterator[Finding]:
    path = export.directory / "assets" / "vocab.txt"
    if not path.is_file():
        return  # `check_assets` says so
    entries = path.read_bytes().rstrip(b"\n").count(b"\n") + 1
    if entries != manifest.tokenizer.vocabulary_size:
        yield error(
            f"the manifest counts {manifest.tokenizer.vocabulary_size} vocabulary entries, but {path} has {entries}",
            _MEND,
        )
