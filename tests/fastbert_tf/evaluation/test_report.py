"""Reports: one small JSON file from which the table and every figure regenerate."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import (
    BranchOutputs,
    Latency,
    Report,
    depth_table,
    plots,
    read_report,
    regenerate,
    require_writable,
    speed_curve,
    speed_table,
    uncertainty_profile,
    write_report,
)
from fastbert_tf.inference import NormalizedEntropy

LAYERS = 12
CONFIG = FastBertConfig(BackboneConfig(30522, LAYERS, 12, 768, 3072), num_classes=2)
FIGURES = {
    "speed_accuracy", "speed_speedup", "speedup_accuracy", "exit_layers", "uncertainty", "accuracy_per_uncertainty",
}  # fmt: skip


@functools.cache
def make_report(labelled: bool = True) -> Report:
    """300 rows whose branches grow surer and better with depth."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300).astype(np.int32)
    scores = rng.normal(1.0, 1.0, (300, LAYERS)) * np.linspace(0.5, 3, LAYERS)  # of the true class
    right = 1 / (1 + np.exp(-scores))
    probabilities = np.where(np.arange(2) == labels[:, None, None], right[..., None], 1 - right[..., None])
    lengths = rng.integers(3, 60, 300).astype(np.int32)
    outputs = BranchOutputs(probabilities.astype(np.float32), labels if labelled else None, lengths)
    policy = NormalizedEntropy()
    latency = Latency(1, 0.5, 20.0, 8.0, 2.5, 4.0, 200, 5, "2 processors, TensorFlow 2.20.0")
    return Report(
        name="SST-2",
        curve=speed_curve(outputs, policy, CONFIG, ("accuracy", "f1") if labelled else ()),
        uncertainty=uncertainty_profile(outputs, policy),
        latency=(latency, replace(latency, batch_size=32)),
        model="abc",
        precision="int8",
        calibration="def",
    )


def stems(directory: Path, suffix: str) -> set[str]:
    return {path.stem for path in directory.iterdir() if path.suffix == suffix}


class ReportTest(tf.test.TestCase, parameterized.TestCase):
    @pytest.fixture(autouse=True)
    def take_fixtures(self, file_size_limit, unprivileged):
        self.file_size_limit, self.unprivileged = file_size_limit, unprivileged

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.report = make_report()

    def setUp(self):
        super().setUp()
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name) / "runs" / "sst2"

    def test_writes_everything(self):
        self.assertEqual(write_report(self.report, self.directory), self.directory)
        self.assertEqual(stems(self.directory, ".png"), FIGURES)
        self.assertEqual(stems(self.directory, ".json") | stems(self.directory, ".md"), {"evaluation", "table"})
        for path in self.directory.glob("*.png"):
            self.assertEqual(path.read_bytes()[:4], b"\x89PNG")
        self.assertEqual(os.listdir(self.directory.parent), ["sst2"])  # no staging left

    def test_json_is_small_and_complete(self):
        write_report(self.report, self.directory)
        text = (self.directory / "evaluation.json").read_text()
        self.assertLess(len(text), 25_000)
        self.assertEqual(json.loads(text), json.loads(json.dumps(self.report.to_dict())))
        self.assertEqual(read_report(self.directory), self.report)

    def test_regenerates_the_same_bytes_from_json_alone(self):
        write_report(self.report, self.directory, "svg")
        before = {path.name: path.read_bytes() for path in self.directory.iterdir()}
        for name in before:
            if name != "evaluation.json":
                (self.directory / name).unlink()
        self.assertEqual(regenerate(self.directory, "svg"), self.report)
        self.assertEqual({path.name: path.read_bytes() for path in self.directory.iterdir()}, before)
        for path in self.directory.glob("*.svg"):
            self.assertEndsWith(ElementTree.parse(path).getroot().tag, "svg")

    def test_keeps_foreign_files_and_drops_its_own_old_ones(self):
        write_report(self.report, self.directory, "svg")
        (self.directory / "model.weights.h5").write_text("weights")
        write_report(make_report(labelled=False), self.directory)
        unlabelled = {"speed_speedup", "exit_layers", "uncertainty"}
        self.assertEqual(stems(self.directory, ".png"), unlabelled)
        self.assertEqual(stems(self.directory, ".svg"), set())
        self.assertTrue((self.directory / "model.weights.h5").exists())
        self.assertEqual(read_report(self.directory), make_report(labelled=False))

    @parameterized.product(existing=(True, False), limit=(0, 100, 20_000))
    def test_a_full_disk_leaves_nothing_half_written(self, existing, limit):
        if existing:
            write_report(self.report, self.directory)
        before = sorted(self.directory.parent.rglob("*"))
        words = f"{self.directory} cannot be written .File too large.; make room there or choose another"
        with self.file_size_limit(limit), self.assertRaisesRegex(ValueError, words):
            write_report(replace(self.report, name="other"), self.directory)
        self.assertEqual(sorted(self.directory.parent.rglob("*")), before)
        if existing:
            self.assertEqual(read_report(self.directory).name, "SST-2")

    def test_a_read_only_folder_is_found_before_the_work(self):
        above = self.directory.parent
        above.mkdir()
        require_writable(self.directory)
        above.chmod(0o555)
        self.addCleanup(above.chmod, 0o755)
        words = f"{self.directory} cannot be written .Permission denied.; make room there or choose another"
        with self.unprivileged(above):
            for attempt in (require_writable, functools.partial(write_report, self.report)):
                with self.assertRaisesRegex(ValueError, words):
                    attempt(self.directory)
        self.assertEmpty(os.listdir(above))

    def test_target_is_a_file(self):
        self.directory.parent.mkdir(parents=True)
        self.directory.write_text("mine")
        with self.assertRaisesRegex(ValueError, f"{self.directory} cannot be written .File exists"):
            write_report(self.report, self.directory)
        self.assertEqual(self.directory.read_text(), "mine")

    def test_unknown_format(self):
        with self.assertRaisesRegex(ValueError, "figure_format must be one of png, svg, but is 'bmp'"):
            write_report(self.report, self.directory, "bmp")

    @parameterized.named_parameters(
        ("truncated", lambda text: text[:1000], "evaluation.json: (Expecting|Unterminated)"),
        ("empty", lambda text: "", "evaluation.json: Expecting value"),
        ("foreign", lambda text: "[1, 2]", "evaluation.json: the evaluation has schema_version None"),
        ("newer", lambda text: text.replace('"schema_version": 1', '"schema_version": 2', 1), "schema_version 2"),
        ("renamed", lambda text: text.replace('"uncertainty":', '"doubt":', 1), r"fields \['doubt', 'uncertainty'\]"),
        ("no_list", lambda text: text.replace('"speeds": [', '"speeds": 3, "x": ['), "evaluation.json: Uncertainty"),
    )
    def test_broken_json(self, change, message):
        self.directory.mkdir(parents=True)
        text = json.dumps(self.report.to_dict())
        self.assertNotEqual(change(text), text)
        (self.directory / "evaluation.json").write_text(change(text))
        with self.assertRaisesRegex(ValueError, message):
            read_report(self.directory)

    def test_json_of_an_older_version(self):
        """It was of the padded layers in float32, and says so."""
        older = self.report.to_dict()
        del older["precision"], older["calibration"]
        older["curve"]["mean_padded_length"] = 33.25
        self.directory.mkdir(parents=True)
        (self.directory / "evaluation.json").write_text(json.dumps(older))
        found = read_report(self.directory)
        self.assertEqual((found.precision, found.calibration), (None, ""))
        self.assertIn("trained layers in float32, 33.2 tokens a row with padding", found.text())

    def test_missing_json(self):
        with self.assertRaisesRegex(ValueError, "evaluation.json does not exist; name a directory"):
            read_report(self.directory)


class TableTest(tf.test.TestCase):
    def test_speed_table(self):
        curve = make_report().curve
        lines = speed_table(curve).splitlines()
        self.assertLen(lines, 2 + 1 + 11)
        self.assertLen({len(line) for line in lines}, 1)  # aligned
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        self.assertEqual(
            cells[0],
            ["speed", "accuracy", "f1", "mean layer", "paper FLOPs", "paper speedup", "executed FLOPs",
             "executed speedup"],
        )  # fmt: skip
        self.assertEqual(cells[2][0], "full depth")
        self.assertEqual(cells[2][3:6], ["12.00", "21785.2M", "1.00x"])
        self.assertEqual(cells[3][0], "0")
        self.assertEqual(cells[3][3:6], ["12.00", "22247.0M", "0.98x"])
        self.assertEqual(cells[8][1], f"{curve.points[5].metrics['accuracy']:.4f}")

    def test_depth_table(self):
        lines = depth_table(make_report().curve).splitlines()
        self.assertLen(lines, 2 + LAYERS)
        self.assertIn(" 11123.5M |", lines[7])  # published for layer 6

    def test_text_says_what_was_measured(self):
        text = make_report().text()
        for part in ("# SST-2", "300 rows", "12 layers x 768", "NormalizedEntropy", "2 processors", "measured speedup"):
            self.assertIn(part, text)
        self.assertIn("packed graph in int8", text)


class PlotsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.report = make_report()
        self.curves = {"SST-2": self.report.curve}

    def test_trade_offs_draw_the_points(self):
        points, reference = self.report.curve.points, self.report.curve.full_depth
        accuracy = [point.metrics["accuracy"] for point in points]
        line, dashed = plots.plot_speed_accuracy(self.curves).axes[0].lines
        self.assertAllClose(line.get_xydata(), np.c_[[point.speed for point in points], accuracy])
        self.assertAllClose(dashed.get_ydata(), [reference.metrics["accuracy"]] * 2)
        _, adaptive, star = plots.plot_speedup_accuracy(self.curves).axes[0].lines
        self.assertAllClose(adaptive.get_xydata(), np.c_[[point.paper_speedup for point in points], accuracy])
        self.assertAllClose(star.get_xydata(), [[1, reference.metrics["accuracy"]]])

    def test_speedups_are_told_apart(self):
        axes = plots.plot_speed_speedup(self.curves, self.report.latency).axes[0]
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        self.assertEqual(labels[0], "paper FLOPs (128 tokens)")
        self.assertStartsWith(labels[1], "executed FLOPs (")
        self.assertEqual(labels[2:], ["measured time, batch 1", "measured time, batch 32"])
        self.assertAllClose(axes.lines[-1].get_xydata(), [[0.5, 2.5]])

    def test_several_curves(self):
        axes = plots.plot_speed_accuracy({"a": self.report.curve, "b": self.report.curve}, "f1").axes[0]
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        self.assertEqual(labels, ["a", "b", "full depth (teacher)"])
        self.assertNotEqual(axes.lines[0].get_color(), axes.lines[2].get_color())
        self.assertEqual(axes.get_ylabel(), "F1")

    def test_exit_layers_are_shares(self):
        axes = plots.plot_exit_layers(self.report.curve).axes[0]
        for bars, index in zip(axes.containers, (3, 5, 8), strict=True):
            shares = [bar.get_height() for bar in bars]
            self.assertAllClose(shares, np.array(self.report.curve.points[index].exit_layers) / 300)

    def test_exit_layers_at_the_nearest_speed(self):
        sparse = replace(self.report.curve, points=self.report.curve.points[::10])  # 0 and 1
        self.assertLen(plots.plot_exit_layers(sparse).axes[0].containers, 2)

    def test_uncertainty_has_a_panel_a_speed(self):
        panels = plots.plot_uncertainty(self.report.uncertainty).axes[:4]
        titles = [axes.get_title() for axes in panels]
        self.assertEqual([title.split(":")[0] for title in titles], ["speed 0", "speed 0.3", "speed 0.5", "speed 0.8"])
        mean = self.report.curve.points[5].mean_exit_layer
        self.assertEqual(titles[2], f"speed 0.5: {mean:.2f} layers on average")

    def test_accuracy_per_tenth_of_uncertainty(self):
        axes = plots.plot_accuracy_per_uncertainty(self.report.uncertainty).axes[0]
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        self.assertEqual(labels, ["Student, layer 1", "Student, layer 6", "Teacher, layer 12"])
        profile = self.report.uncertainty
        rows, right = (np.reshape(counts[11], (10, 2)).sum(axis=1) for counts in (profile.all_rows, profile.correct))
        drawn = axes.containers[2].lines[0].get_ydata()
        self.assertAllClose(drawn, (right / rows)[rows >= 5])

    def test_wilson_interval_solves_its_defining_equation(self):
        """Its ends are the shares p that the measured share is 1.96 standard errors of p away from."""
        rows = np.array([10.0, 40.0, 10.0])
        share, below, above = plots._wilson(np.array([8.0, 13.0, 10.0]), rows)
        self.assertAllClose(share, [0.8, 0.325, 1.0])
        for end in (share - below, share + above):
            self.assertAllClose((share - end) ** 2, 1.96**2 * end * (1 - end) / rows, atol=1e-12)

    def test_unlabelled(self):
        with self.assertRaisesRegex(ValueError, "accuracy per uncertainty needs labels"):
            plots.plot_accuracy_per_uncertainty(make_report(labelled=False).uncertainty)


if __name__ == "__main__":
    tf.test.main()
