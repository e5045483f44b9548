"""The manifest: one schema for who writes and who reads."""

import json
import tempfile
from pathlib import Path

import jsonschema
import tensorflow as tf
from absl.testing import parameterized

from fastbert_serving.manifest import (
    Exits,
    Manifest,
    ManifestError,
    TokenizerSettings,
    TokenLimits,
    manifest_schema,
)

PREDICTION = {
    "batch_size": 32, "speed": 0.5, "plain_ms": 2.0, "every_exit_ms": 1.1, "chosen_ms": 1.0, "no_exit_ms": 2.1,
}  # fmt: skip
COSTS = {
    "batch_size": 2, "rows": [1, 2], "start": [0.1, 0.2], "layer": [1.0, 2.0], "branch": [0.1, 0.1],
    "step": [0.0, 0.0], "shrink": [0.0, 0.1], "uncertainty": 0.02,
}  # fmt: skip
MACHINE = {"name": "2 processors", "intra_op_threads": 0, "inter_op_threads": 1}
MANIFEST = Manifest(
    labels=("negativ", "schön", "😀"),
    is_pair=True,
    num_layers=6,
    default_speed=0.5,
    tokenizer=TokenizerSettings(lower_case=False, max_sequence_length=128, vocabulary_size=30522),
    versions={"fastbert_tf": "0.1.0"},
    curve={"points": [{"speed": 0.1, "accuracy": 0.9}], "metric_names": ["accuracy"]},
    lowest_accuracy=0.87,
    token_limits=TokenLimits(vocabulary_size=30522, num_segments=2, max_sequence_length=512),
    exits=Exits((2, 6), 0.25, "measurement", (PREDICTION,), (COSTS,), MACHINE),
    precision="int8",
    policy={"name": "layer_thresholds", "policy": {"name": "margin"}, "thresholds": [0.1, 0.25]},
)
OPTIONAL = ("lowest_accuracy", "token_limits", "exits", "precision", "policy")
EXITS = {"layers": [2, 6], "shrink_share": 0.25, "chosen_by": "hand"}


def without(values, *names):
    return {key: value for key, value in values.items() if key not in names}


class ManifestTest(tf.test.TestCase, parameterized.TestCase):
    def test_schema_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(manifest_schema())

    def test_round_trip_through_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            MANIFEST.write(folder)
            self.assertEqual(Manifest.read(folder), MANIFEST)
            values = json.loads((Path(folder) / "assets.extra" / "manifest.json").read_text(encoding="utf-8"))
        self.assertEqual(values["labels"], ["negativ", "schön", "😀"])
        self.assertEqual(values["format_version"], 1)

    @parameterized.parameters(
        ({"labels": ["one"]}, "labels"),
        ({"labels": ["a", "a"]}, "labels"),
        ({"labels": ["a", 1]}, r"labels\[1\]"),
        ({"is_pair": 1}, "is_pair"),
        ({"num_layers": 0}, "num_layers"),
        ({"default_speed": -0.1}, "default_speed"),
        ({"default_speed": float("nan")}, "finite"),
        ({"tokenizer": {"lower_case": True}}, "tokenizer"),
        ({"versions": {}}, "versions"),
        ({"versions": {"a": 1}}, "versions.a"),
        ({"curve": []}, "curve"),
        ({"curve": {"points": [{}]}}, r"curve.points\[0\]"),
        ({"lowest_accuracy": 1.5}, "lowest_accuracy"),
        ({"lowest_accuracy": "0.9"}, "lowest_accuracy"),
        ({"lowest_accuracy": float("nan")}, "finite"),
        ({"token_limits": {"num_segments": 2}}, "token_limits"),
        ({"token_limits": {**vars(MANIFEST.token_limits), "num_segments": 0}}, "token_limits.num_segments"),
        ({"token_limits": {**vars(MANIFEST.token_limits), "extra": 1}}, "extra"),
        ({"exits": {**EXITS, "layers": []}}, "exits.layers"),
        ({"exits": {**EXITS, "layers": [0, 6]}}, r"exits.layers\[0\]"),
        ({"exits": {**EXITS, "layers": [2, 2, 6]}}, "exits.layers"),
        ({"exits": {**EXITS, "layers": [4, 2, 6]}}, "exits.layers: .* must rise and end with the last layer 6"),
        ({"exits": {**EXITS, "layers": [2, 4]}}, "exits.layers: .* must rise and end with the last layer 6"),
        ({"exits": {**EXITS, "layers": [6, 7]}}, "exits.layers: .* must rise and end with the last layer 6"),
        ({"exits": {**EXITS, "shrink_share": 2}}, "exits.shrink_share"),
        ({"exits": {**EXITS, "chosen_by": "dice"}}, "exits.chosen_by"),
        ({"exits": {**EXITS, "predictions": [{"batch_size": 1}]}}, r"exits.predictions\[0\]"),
        ({"exits": {**EXITS, "predictions": [{**PREDICTION, "plain_ms": -1}]}}, "plain_ms"),
        ({"exits": {**EXITS, "costs": [{**COSTS, "layer": 1.0}]}}, r"exits.costs\[0\].layer"),
        ({"exits": {**EXITS, "costs": [{**COSTS, "uncertainty": -0.1}]}}, r"exits.costs\[0\].uncertainty"),
        ({"exits": {**EXITS, "machine": {"name": "mine"}}}, "exits.machine"),
        ({"precision": "float16"}, "precision"),
        ({"policy": "margin"}, "policy"),
        ({"policy": {"agreements": 3}}, "policy"),
        ({"policy": {"name": ""}}, "policy.name"),
        ({"policy": {"name": "learned_exit", "weights": [[float("nan")]]}}, "finite"),
        ({"extra": 1}, "extra"),
    )
    def test_field_outside_the_schema(self, changes, words):
        with self.assertRaisesRegex(ManifestError, words) as caught:
            Manifest.from_dict({**MANIFEST.to_dict(), **changes})
        self.assertLen(str(caught.exception).splitlines(), 1)

    def test_missing_field(self):
        for name in without(MANIFEST.to_dict(), "format_version", *OPTIONAL):
            with self.assertRaisesRegex(ManifestError, name):
                Manifest.from_dict(without(MANIFEST.to_dict(), name))

    def test_newer_fields_may_be_missing_or_null(self):
        """An older export has none; and one without them can be read by an older reader."""
        values = without(MANIFEST.to_dict(), *OPTIONAL)
        for given in (values, {**values, **dict.fromkeys(OPTIONAL)}):
            manifest = Manifest.from_dict(given)
            self.assertIsNone(manifest.lowest_accuracy)
            self.assertIsNone(manifest.token_limits)
            self.assertIsNone(manifest.exits)
            self.assertIsNone(manifest.precision)
            self.assertIsNone(manifest.policy)
            self.assertEqual(manifest.to_dict(), values)

    def test_exits(self):
        values = {**MANIFEST.to_dict(), "exits": EXITS}
        self.assertEqual(Manifest.from_dict(values).exits, Exits((2, 6), 0.25, "hand"))
        values["exits"] = {**EXITS, "layers": [6]}  # the teacher alone: the plain encoder
        self.assertEqual(Manifest.from_dict(values).exits.layers, (6,))
        self.assertEqual(Manifest.from_dict(MANIFEST.to_dict()).exits, MANIFEST.exits)

    def test_constructor_validates(self):
        with self.assertRaisesRegex(ManifestError, "num_layers"):
            Manifest(**{**MANIFEST.__dict__, "num_layers": "six"})

    @parameterized.parameters(
        (b'{"format_version": 2}', "format_version 2, but this fastbert_serving reads 1"),
        (b"{", "is no JSON"),
        (b"\xff", "is no JSON"),
        (b"[]", "is not of type 'object'"),
        (json.dumps(without(MANIFEST.to_dict(), "format_version")).encode(), "format_version"),
    )
    def test_broken_file_is_named(self, content, words):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "assets.extra" / "manifest.json"
            path.parent.mkdir()
            path.write_bytes(content)
            with self.assertRaisesRegex(ManifestError, f"manifest {path}.*{words}"):
                Manifest.read(folder)

    def test_missing_file_is_named(self):
        with self.assertRaisesRegex(ManifestError, "/nowhere/assets.extra/manifest.json cannot be read"):
            Manifest.read("/nowhere")


if __name__ == "__main__":
    tf.test.main()
