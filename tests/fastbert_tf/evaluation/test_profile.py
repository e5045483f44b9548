"""Profiles: sums against the totals, times with a fake clock and profiler, the real graph, table, picture and files."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import (
    executed_flops,
    keras_profiled,
    paper_flops,
    profile,
    profile_stack,
    profile_text,
    read_profile,
    write_profile,
)
from fastbert_tf.evaluation.profile_parts import BLOCK_PARTS, LAYER_PARTS, PARTS, Place
from fastbert_tf.evaluation.profile_plot import plot_profile
from fastbert_tf.evaluation.profile_record import PartCost, Profile, StepTime
from fastbert_tf.evaluation.profile_trace import Operation, Trace
from fastbert_tf.models import FastBert

LAYERS = 3
CONFIG = FastBertConfig(BackboneConfig(50, LAYERS, 4, 32, 64, max_sequence_length=40), 3, branch_dim=8, branch_heads=2)
BERT_BASE = FastBertConfig(BackboneConfig(30522, 12, 12, 768, 3072), num_classes=2)


@functools.cache
def small_model() -> FastBert:
    return FastBert.from_fastbert_config(CONFIG)


@functools.cache
def measured() -> Profile:
    return profile_stack(keras_profiled(small_model()), batch_size=2, length=9, repeats=2)


def made_up() -> Profile:
    """BERT-base with a branch in every layer; each part costs what its place in `PARTS` says."""
    layered = [(part, layer) for layer in range(1, 13) for part in LAYER_PARTS]
    parts = [
        PartCost(part, layer, 1000, 4000, 10**7, 2 * 10**7, 1.0 + PARTS.index(part))
        for part, layer in [("embeddings", None), *layered, ("exit_loop", None)]
    ]
    steps = [StepTime("start", None, 0.5)]
    steps += [StepTime(step, layer, 10.0 * layer) for layer in range(1, 13) for step in ("layer", "classify")]
    return Profile(BERT_BASE, 8, 128, tuple(parts), 4.0, 250.0, tuple(steps), 20, "2 processors", 0, 1)


class SumsTest(tf.test.TestCase):
    def test_parts_add_up_to_the_totals(self):
        total = measured().total
        self.assertEqual(total.parameters, small_model().count_params())
        self.assertEqual(total.bytes, 4 * small_model().count_params())
        self.assertEqual(total.paper_flops, paper_flops(CONFIG, LAYERS, 9))
        self.assertEqual(total.executed_flops, executed_flops(CONFIG, LAYERS, 9, folded_branch=False))

    def test_blocks_and_teacher_add_up_to_the_full_depth(self):
        blocks = measured().sum_of("blocks", *BLOCK_PARTS)
        teacher = measured().sum_of("teacher", "branch", layer=LAYERS)
        self.assertEqual(blocks.paper_flops + teacher.paper_flops, paper_flops(CONFIG, None, 9))
        self.assertEqual(
            blocks.executed_flops + teacher.executed_flops, executed_flops(CONFIG, None, 9, folded_branch=False)
        )

    def test_layers_add_up_to_what_a_row_pays_that_leaves_there(self):
        for depth in range(1, LAYERS + 1):
            layers = [measured().sum_of("layer", layer=layer) for layer in range(1, depth + 1)]
            self.assertEqual(sum(layer.paper_flops for layer in layers), paper_flops(CONFIG, depth, 9))
            self.assertEqual(
                sum(layer.executed_flops for layer in layers), executed_flops(CONFIG, depth, 9, folded_branch=False)
            )


class MeasuringTest(tf.test.TestCase, parameterized.TestCase):
    def test_every_part_with_arithmetic_ran(self):
        found = measured()
        self.assertEqual([(cost.part, cost.layer) for cost in found.parts], keras_profiled(small_model()).places)
        for cost in found.parts:
            if cost.part != "exit_loop":
                self.assertGreater(cost.milliseconds, 0, cost)
        for step in found.steps:
            self.assertGreater(step.milliseconds, 0, step)
        self.assertLen(found.steps, 1 + 2 * LAYERS)
        self.assertGreater(found.idle_ms, 0)
        self.assertGreater(found.whole_ms, 0)
        self.assertIn(f"TensorFlow {tf.__version__}", found.machine)

    def test_no_row_leaves_and_every_branch_is_asked(self):
        """Branches that are certain: at any speed above 0 the rows would leave at the first one."""
        model = FastBert.from_fastbert_config(CONFIG)
        for branch in model.branches:
            branch.classifier.bias.assign([1000.0, 0.0, 0.0])
        inputs = profile._real_tokens(CONFIG.backbone, 2, 5)
        stack = keras_profiled(model).stack
        answers = profile._whole_call(stack, inputs)()
        self.assertAllEqual(answers["exit_layer"], [LAYERS] * 2)
        self.assertAllEqual(answers["uncertainty"], [0.0] * 2)

    def test_tokens_are_real_and_all_known(self):
        inputs = profile._real_tokens(CONFIG.backbone, 4, 40)
        self.assertAllEqual(inputs["padding_mask"], np.ones((4, 40)))
        self.assertAllInRange(inputs["token_ids"], 0, 49)

    def test_medians_a_row(self):
        """Two rows a call; the middle one of three repeats counts, in seconds by the clock and by the profiler."""
        clock = {"whole": [9.0, 3.0, 4.0], "start": [1.0, 50.0, 2.0]}
        busy = [5 * 10**12, 6 * 10**12, 90 * 10**12]  # of the feed-forward of layer 2
        traces = [
            Trace(100.0, [Operation("block_1/Gelu/mul", 0, end), Operation("GatherV2", end, end + 10**12)])
            for end in busy
        ]
        others = [[7.0] * 3] * (2 * LAYERS)
        clocked = np.transpose([clock["whole"], clock["start"], *others])
        with mock.patch.object(profile, "_measure", lambda *_: (clocked, traces)):
            found = profile_stack(keras_profiled(small_model()), 2, 9, 3)
        self.assertAllClose(found.whole_ms, 2000)
        self.assertAllClose(found.alone_ms("start"), 1000)
        self.assertAllClose(found.alone_ms("classify", 3), 3500)
        self.assertAllClose(found.sum_of("", "feed_forward", layer=2).milliseconds, 3000)
        self.assertAllClose(found.sum_of("", "exit_loop").milliseconds, 500)
        self.assertAllClose(found.total.milliseconds, 3500)
        self.assertAllClose(found.idle_ms, 1000 * (100 - 7) / 2)

    @parameterized.parameters(
        ({"batch_size": 0}, "batch must be at least 1 row, but is 0"),
        ({"length": 0}, "length must be 1 to the model's 40 positions, but is 0"),
        ({"length": 41}, "length must be 1 to the model's 40 positions, but is 41"),
        ({"repeats": 0}, "repeats must be at least 1, but is 0"),
    )
    def test_errors(self, changes, message):
        with self.assertRaisesRegex(ValueError, message):
            profile_stack(keras_profiled(small_model()), **{"length": 9, **changes})


class TextTest(tf.test.TestCase):
    def test_parts_over_all_layers(self):
        lines = profile_text(made_up()).splitlines()
        table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
        rows = {row[0]: row[1:] for row in table[:11]}
        self.assertEqual(
            rows["feed forward"],
            ["12,000", "0.05", "19.4", "120.0M", "240.0M", "19.4", "48.000", "19.0", "5.0"],
        )
        self.assertEqual(rows["embeddings"][6:8], ["1.000", "0.4"])
        self.assertEqual(rows["no operation runs"], ["0", "0.00", "0.0", "0.000M", "0.000M", "0.0", "4.000", "1.6", ""])
        times = 1 + 12 * (2 + 3 + 4 + 5 + 6) + 7 + 4
        self.assertEqual(rows["total"][:3] + rows["total"][6:8], ["62,000", "0.25", "100.0", f"{times}.000", "100.0"])

    def test_layers(self):
        lines = profile_text(made_up()).splitlines()
        table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
        rows = {row[0]: row[1:] for row in table[11:]}
        self.assertEqual(rows["7"][4:], ["2.000", "3.000", "4.000", "5.000", "6.000", "20.000", "140.000"])
        self.assertEqual(rows["embeddings"][-2:], ["1.000", "0.500"])
        self.assertEqual(rows["exit loop"][-2:], ["7.000", ""])

    def test_says_what_was_measured(self):
        text = profile_text(made_up())
        for words in (
            "12 layers x 768",
            "batch 8",
            "128 tokens",
            "2 processors",
            "one a processor",
            "at a time: 1",
            "250.00 ms",
        ):
            self.assertIn(words, text)


class PictureTest(tf.test.TestCase):
    def test_draws_the_numbers(self):
        memory, arithmetic, time, layers = plot_profile(made_up()).axes
        self.assertAllClose([bar.get_width() for bar in memory.patches], [0.004, *[0.048] * 5, 0.004, 0])
        self.assertAllClose([bar.get_width() for bar in arithmetic.patches], [20, *[240] * 5, 20, 0])
        self.assertAllClose([bar.get_width() for bar in time.patches], [1, 24, 36, 48, 60, 72, 7, 4])
        names = [label.get_text() for label in memory.get_yticklabels()]
        self.assertEqual(names, [*(part.replace("_", " ") for part in PARTS), "no operation runs"])
        stacks = [[bar.get_height() for bar in bars] for bars in layers.containers]
        self.assertAllClose(stacks, [[height] * 12 for height in (2, 3, 4, 5, 6)])
        self.assertAllClose(layers.lines[0].get_ydata(), [20 * layer for layer in range(1, 13)])


class FilesTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name) / "runs" / "profile"

    def test_writes_everything_and_reads_it_again(self):
        for found in (made_up(), measured()):
            write_profile(found, self.directory)
            self.assertEqual(set(os.listdir(self.directory)), {"profile.json", "profile.md", "profile.png"})
            self.assertEqual(read_profile(self.directory), found)
            self.assertEqual((self.directory / "profile.md").read_text(), profile_text(found))
            self.assertEqual((self.directory / "profile.png").read_bytes()[:4], b"\x89PNG")

    def test_foreign_files_stay(self):
        self.directory.mkdir(parents=True)
        (self.directory / "mine.txt").write_text("mine")
        write_profile(made_up(), self.directory)
        self.assertEqual((self.directory / "mine.txt").read_text(), "mine")

    @parameterized.parameters(
        (lambda text: text[:100], "profile.json: "),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 9'), "schema_version 9"),
        (lambda text: text.replace('"idle_ms"', '"lazy_ms"'), "lazy_ms"),
    )
    def test_broken_json(self, change, message):
        write_profile(made_up(), self.directory)
        path = self.directory / "profile.json"
        path.write_text(change(path.read_text()))
        with self.assertRaisesRegex(ValueError, message):
            read_profile(self.directory)

    def test_missing_json(self):
        with self.assertRaisesRegex(ValueError, "profile.json does not exist; name a directory"):
            read_profile(self.directory)

    def test_round_trip_through_json(self):
        found = replace(measured(), intra_op_threads=2)
        self.assertEqual(Profile.from_dict(json.loads(json.dumps(found.to_dict()))), found)
        self.assertEqual(found.parts[1].part, Place("attention_projections", 1).part)


if __name__ == "__main__":
    tf.test.main()
