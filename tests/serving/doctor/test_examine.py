"""The examination: a sound export passes, and every kind of damage is found and named."""

import json
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized
from damage import (
    batching,
    both,
    cut_weights,
    edited_graph,
    flipped_weights,
    many_rows,
    must_compile,
    no_warmup,
    node_must_compile,
    number_as_text,
    outside_asset,
    removed,
    rename_signature,
    unchanged,
    with_attribute,
    with_float_label,
    with_manifest,
    with_op,
    with_shape,
    with_vocabulary_size,
    with_warmup,
    without_signature,
    written,
)
from small_classifier import small_export

from fastbert_serving.doctor import TARGETS, Severity, examine

NEWEST, OLDEST = "tfserving:2.20", "tfserving:2.16"

CERTIFICATE = {
    "max_accuracy_drop": 0.01, "confidence": 0.95, "method": "binomial", "rows": 5000, "learning_rows": 0, "losses": 30,
    "labelled": True, "policies": 1, "policy": {"name": "margin"}, "exits": [1, 2, 3, 4], "speed": 0.25, "flops": 2.0,
    "full_flops": 4.0, "speedup": 2.0,
    "subject": {"model": "m", "precision": "float32", "fitted_to": "", "rows_digest": "r"},
}  # fmt: skip
ERRORS = {
    "custom op": (with_op("HomeMade"), r"op HomeMade \(node .* of function .*\) is not linked", "build a server"),
    "python op": (with_op("EagerPyFunc"), "EagerPyFunc .* calls Python", "TensorFlow ops"),
    "attribute": (with_attribute("Tanh", "shiny"), "Tanh .* has the attribute shiny", "newer"),
    "xla op": (with_op("XlaLaunch"), r"\(XlaLaunch\) must be compiled by XLA", "jit_compile"),
    "xla function": (must_compile(True), "function .* must be compiled by XLA", "jit_compile"),
    "xla node": (edited_graph(node_must_compile), "node .* must be compiled by XLA", "jit_compile"),
    "too new": (
        edited_graph(lambda graph: setattr(graph.graph_def.versions, "min_consumer", 10**6)),
        "needs graph version 1000000",
        "newer",
    ),
    "no default": (both(without_signature("serving_default"), no_warmup), "'serving_default' is missing", "export"),
    "output type": (edited_graph(with_float_label), "'label' of signature 'with_speed' must be string", "export"),
    "fixed batch": (
        both(with_shape("inputs", "tokenized", "speed", [4]), no_warmup),
        r"input 'speed' of signature 'tokenized' must have a batch .* has shape \[4\]",
        "None",
    ),
    "scalar": (with_shape("outputs", "with_speed", "label_id", []), r"output 'label_id' .* has shape \[\]", "None"),
    "unknown rank": (with_shape("inputs", "classify", "inputs", None), "has no known rank", "None"),
    "asset missing": (removed("assets/vocab.txt"), "asset file .*vocab.txt is missing", "copy"),
    "asset outside": (edited_graph(outside_asset), "lies outside", "export"),
    "weights cut": (cut_weights, "weights .* cannot be read", "copy"),
    "weights changed": (flipped_weights, "weights .* cannot be read", "copy"),
    "weights missing": (removed("variables/variables.index"), "weights .* cannot be read", "copy"),
    "manifest broken": (written("assets.extra/manifest.json", b"{"), "is no JSON", "export"),
    "labels": (with_manifest(labels=["a", "b"]), "manifest has 2 labels, but the graph answers 3", "export"),
    "pair": (with_manifest(is_pair=True), "is_pair is True, but the inputs are text", "export"),
    "dial": (with_manifest(dial={"speedups": [1], "speeds": [0]}), "has a dial, but the graph has no", "export"),
    "certificate": (with_manifest(certificate=CERTIFICATE), "certificate is of speed 0.25, but the default", "export"),
    "vocabulary": (with_vocabulary_size, r"counts 5 vocabulary entries, but .* has \d\d", "export"),
    "batch sizes": (
        batching("max_batch_size { value: 32 }\nallowed_batch_sizes: 8"),
        "allowed_batch_sizes must be max_batch_size, 32, but is 8",
        "edit",
    ),
    "batching text": (batching("max_batch_sise { value: 32 }"), "max_batch_sise", "edit"),
    "warm-up count": (with_warmup(unchanged, copies=1001), "more than 1000 records", "remove"),
    "warm-up bytes": (written("assets.extra/tf_serving_warmup_requests", b"garbage" * 9), "cannot be read", "export"),
    "warm-up signature": (with_warmup(rename_signature), "'nothing', which the model lacks", "export"),
    "warm-up input": (with_warmup(number_as_text), "'text' must be string, but is float32", "export"),
    "warm-up rows": (with_warmup(many_rows), "321 rows, but max_batch_size is 320", "raise"),
}
WARNINGS = {
    "closed file": (lambda directory: (directory / "saved_model.pb").chmod(0o600), "cannot be read by other users"),
    "no manifest": (removed("assets.extra/manifest.json"), "manifest.json is missing"),
    "no batching": (lambda directory: (directory.parent / "batching_params.pbtxt").unlink(), "no batching_params"),
    "no warm-up": (
        no_warmup,
        "no warm-up record for classify, serving_default, tokenized, with_speed",
    ),
    "int8": (with_op("_MklLayerNorm"), "_MklLayerNorm .* needs a TensorFlow with oneDNN and a processor with VNNI"),
    "no golden": (removed("assets.extra/golden.json"), "golden.json cannot be read"),
    "golden broken": (written("assets.extra/golden.json", b'{"format_version": 1, "rows": [{}]}'), "are broken"),
    "golden of the future": (written("assets.extra/golden.json", b'{"format_version": 9}'), "but version 9"),
}
NO_CURVE = "no accuracy and cost curve"
"""The one warning that the small export deserves."""


class ExamineTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        shutil.copytree(small_export()[1], folder / "model")
        self.directory = folder / "model" / "3"

    def found(self, severity, target=NEWEST):
        return [f for f in examine(self.directory, target).findings if f.severity is severity]

    @parameterized.parameters(*TARGETS)
    def test_a_sound_export_passes(self, target):
        report = examine(self.directory, target)
        self.assertTrue(report.passed, report.text())
        self.assertEndsWith(report.text(), f"passed: 0 errors, {len(report.findings)} warnings")
        self.assertEqual(report.export, self.directory)
        self.assertLen(report.ops, 2)  # TensorFlow and TensorFlow Text: nothing is unknown
        self.assertIn("FastBertNormalize", [ops for title, ops in report.ops.items() if "Text" in title][0])
        self.assertLen(report.findings, 1 if target == NEWEST else 2)

    def test_names_another_exit_policy(self):
        self.assertNotIn("exit policy", examine(self.directory, NEWEST).text())
        with_manifest(policy={"name": "patience", "agreements": 2})(self.directory)
        self.assertIn("\nexit policy: patience\n", examine(self.directory, NEWEST).text())

    def test_newer_graph_is_a_warning(self):
        words = [finding.what for finding in self.found(Severity.WARNING, OLDEST)]
        self.assertRegex(words[0], f"made by TensorFlow {tf.__version__}, newer than tfserving:2.16")

    @parameterized.named_parameters((name.replace(" ", "_"), *case) for name, case in ERRORS.items())
    def test_error(self, edit, what, mend):
        edit(self.directory)
        report = examine(self.directory, NEWEST)
        self.assertFalse(report.passed)
        errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
        self.assertLen(errors, 1, report.text())
        self.assertRegex(errors[0].what, what)
        self.assertRegex(errors[0].mend, mend)
        self.assertLen(errors[0].text().splitlines(), 2)
        self.assertIn(errors[0].text(), report.text())
        self.assertIs(report.findings[0], errors[0])
        self.assertRegex(report.text().splitlines()[-1], "^failed: 1 errors, ")

    @parameterized.named_parameters((name.replace(" ", "_"), *case) for name, case in WARNINGS.items())
    def test_warning(self, edit, what):
        edit(self.directory)
        self.assertEmpty(self.found(Severity.ERROR))
        words = [finding.what for finding in self.found(Severity.WARNING) if NO_CURVE not in finding.what]
        self.assertLen(words, 1)
        self.assertRegex(words[0], what)

    def test_no_speed(self):
        both(without_signature("with_speed"), no_warmup)(self.directory)
        self.assertEmpty(self.found(Severity.ERROR))
        self.assertTrue([f for f in self.found(Severity.WARNING) if "no gateway can choose a speed" in f.what])

    def test_one_finding_for_all_records_of_a_signature(self):
        without_signature("with_speed")(self.directory)
        (finding,) = self.found(Severity.ERROR)
        self.assertRegex(finding.what, "record 2 asks for the signature 'with_speed', which the model lacks")

    def test_empty_asset(self):
        written("assets/vocab.txt", b"")(self.directory)
        self.assertRegex(self.found(Severity.ERROR)[0].what, "asset file .*vocab.txt is empty")

    def test_curve_ends_the_warning(self):
        self.assertIn(NO_CURVE, self.found(Severity.WARNING)[0].what)
        curve = {"points": [{"speed": 0.5, "metrics": {"accuracy": 0.9}}]}
        with_manifest(curve=curve)(self.directory)
        self.assertEmpty(self.found(Severity.WARNING))

    def test_xla_switched_off_is_no_error(self):
        must_compile(False)(self.directory)
        self.assertEmpty(self.found(Severity.ERROR))

    def test_ops_of_a_newer_text_library(self):
        """TensorFlow Text 2.12 lacks this op: older servers refuse it, and the doctor names the one that runs it."""
        with_op("TFText>RoundRobinTrim")(self.directory)
        for target in ("tfserving:2.19", OLDEST):
            (finding,) = self.found(Severity.ERROR, target)
            self.assertRegex(finding.what, f"RoundRobinTrim .* is not linked into {target}")
            self.assertStartsWith(finding.mend, "serve with tfserving:2.20")
        self.assertFalse([f for f in self.found(Severity.ERROR) if "linked" in f.what])

    def test_attributes_of_a_newer_tensorflow(self):
        with_attribute("GatherNd", "bad_indices_policy")(self.directory)
        self.assertEmpty(self.found(Severity.ERROR, NEWEST))
        self.assertRegex(self.found(Severity.ERROR, OLDEST)[0].what, "GatherNd .* the attribute bad_indices_policy")

    @parameterized.parameters("latest", "0", "v1")
    def test_version_name(self, name):
        self.directory = self.directory.rename(self.directory.parent / name)
        self.assertRegex(self.found(Severity.ERROR)[0].what, f"version number, but this one is {name!r}")

    def test_version_name_leaves_nothing_to_ask_a_server(self):
        self.directory = self.directory.rename(self.directory.parent / "v1")
        report = examine(self.directory, address="127.0.0.1:1")
        self.assertEqual([f.what for f in report.findings], [f.what for f in examine(self.directory).findings])
        self.assertIn("golden texts: 0 rows replayed", report.text())

    def test_link_to_nothing(self):
        (self.directory / "assets" / "old.txt").symlink_to("nowhere")
        self.assertTrue(examine(self.directory).passed)

    def test_model_directory_means_its_highest_version(self):
        shutil.copytree(self.directory, self.directory.parent / "12")
        self.assertEqual(examine(self.directory.parent).export.name, "12")

    @parameterized.parameters(
        (lambda directory: shutil.rmtree(directory), "cannot be read"),
        (removed("saved_model.pb"), "cannot be read"),
        (written("saved_model.pb", b"\xff\xff no proto"), "is no SavedModel"),
        (written("saved_model.pb", b""), "no graph with the tag 'serve'"),
    )
    def test_no_export(self, edit, words):
        edit(self.directory)
        report = examine(self.directory)
        self.assertFalse(report.passed)
        self.assertLen(report.findings, 1)
        self.assertRegex(report.findings[0].what, words)

    def test_unknown_target(self):
        with self.assertRaisesRegex(ValueError, "must be one of tfserving:2.20, .*but is 'tfserving:1.0'"):
            examine(self.directory, "tfserving:1.0")

    def test_golden_rows_are_read_as_bytes(self):
        rows = json.loads((self.directory / "assets.extra" / "golden.json").read_text())["rows"]
        self.assertTrue(any(isinstance(row["text"], dict) for row in rows))  # broken UTF-8
        self.assertIsNone(examine(self.directory).replayed_rows)


if __name__ == "__main__":
    tf.test.main()
