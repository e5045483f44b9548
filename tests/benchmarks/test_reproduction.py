"""The reproduction's measures, verdicts and tables, on numbers worked out by hand."""

import ast
import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from harness.reproduction import claims, measures, opening, page, plan, tuning
from harness.reproduction.bootstrap import at_costs, estimates, with_mean
from harness.reproduction.claims import FAILS, HOLDS, OPEN, UNTESTED
from harness.reproduction.cut import cut_checkpoint, spread_layers
from harness.reproduction.settings import TASKS
from harness.reproduction.trend import falling_trend
from scipy import stats

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, executed_flops, paper_flops, speed_curve, uncertainty_profile
from fastbert_tf.inference import NormalizedEntropy

CONFIG = FastBertConfig(BackboneConfig(30, 3, 2, 8, 16), 2, branch_dim=4, branch_heads=2)


def estimate(value, low, high):
    return {"value": value, "low": low, "high": high}


def made_outputs(rows=2000, error=0.5, seed=0):
    """Early branches err with the chance that they give the other class, times `error`; the teacher is always right."""
    random = np.random.default_rng(seed)
    truth = np.random.default_rng(5).integers(0, 2, rows)
    sureness = 1 - 0.5 * random.random((rows, 3)) ** (2, 3, 9)
    errs = random.random((rows, 3)) < error * (1 - sureness) * (1, 1, 0)
    first = np.where((truth[:, None] == 0) ^ errs, sureness, 1 - sureness)
    return BranchOutputs(
        np.stack([first, 1 - first], -1).astype(np.float32), truth.astype(np.int32), np.full(rows, 9, np.int32)
    )


class TrendTest(tf.test.TestCase):
    def test_against_scipy(self):
        """The statistic is Pearson's correlation of score and success times the root of the rows."""
        right, rows, scores = [40, 45, 30, 12], [42, 50, 40, 20], [0.0, 0.25, 0.6, 1.0]
        found = falling_trend(right, rows, scores)
        score = np.repeat(scores, rows)
        success = np.concatenate([np.arange(count) < good for good, count in zip(right, rows, strict=True)])
        z = -np.sqrt(len(score)) * stats.pearsonr(score, success).statistic
        self.assertAllClose([found.z, found.p], [z, stats.norm.sf(z)])
        drawn = stats.permutation_test(
            (success, score), lambda x, y: x @ y, permutation_type="pairings", alternative="less", n_resamples=4000,
            vectorized=False, rng=np.random.default_rng(0),
        )  # fmt: skip
        self.assertAllClose(found.p, drawn.pvalue, atol=2e-3)

    def test_direction_and_nothing_to_test(self):
        self.assertGreater(falling_trend([1, 5, 9], [10, 10, 10]).p, 0.99)
        self.assertAllClose(falling_trend([5, 0, 5], [10, 0, 10]).p, 0.5)
        for right, rows in (([10, 10], [10, 10]), ([4, 0], [9, 0]), ([0, 0], [0, 0])):
            self.assertEqual(falling_trend(right, rows).p, 1.0)
        with self.assertRaisesRegex(ValueError, "as many successes"):
            falling_trend([3], [2])


class BootstrapTest(tf.test.TestCase):
    def test_interval_of_a_mean(self):
        """The percentile interval of a share is close to the normal one."""
        right = (np.arange(1000) % 4 == 0).astype(float)[:, None]
        (found,) = estimates(lambda weights: weights @ right, 1000)
        error = 1.96 * np.sqrt(0.25 * 0.75 / 1000)
        self.assertAllClose(
            [found["value"], found["low"], found["high"]], [0.25, 0.25 - error, 0.25 + error], atol=3e-3
        )

    def test_between_points_of_a_curve(self):
        found = at_costs(np.array([[0.9, 0.5, 0.8]]), np.array([[10.0, 2.0, 6.0]]), np.array([[1.0, 4.0, 8.0, 20.0]]))
        self.assertAllClose(found, [[0.5, 0.65, 0.85, 0.9]])
        self.assertAllClose(with_mean(np.array([[1.0, 3.0]])), [[1.0, 3.0, 2.0]])


class MeasuresTest(tf.test.TestCase):
    """Two rows of 2 classes and 3 layers, at one speed."""

    def setUp(self):
        super().setUp()
        sure, unsure, wrong = [0.999, 0.001], [0.6, 0.4], [0.3, 0.7]
        said = np.array([[sure, sure, sure], [wrong, unsure, sure]], np.float32)
        self.outputs = BranchOutputs(said, np.array([0, 0], np.int32), np.array([9, 5], np.int32))

    def test_ways_by_hand(self):
        ways = measures.adaptive(self.outputs, CONFIG, speeds=[0.5, 1.0])
        self.assertAllEqual(ways.right, [[True, True, True], [True, True, False]])
        full, exits = executed_flops(CONFIG, None, [9, 5]), executed_flops(CONFIG, [[1, 1], [3, 1]], [[9], [5]])
        self.assertAllEqual(ways.costs, np.column_stack([full, exits]))
        paper = measures.adaptive(self.outputs, CONFIG, speeds=[0.5], paper=True).costs
        self.assertAllEqual(paper, np.column_stack([[paper_flops(CONFIG)] * 2, paper_flops(CONFIG, [1, 3])]))

    def test_depths_that_leave_nothing_to_gain(self):
        same = BranchOutputs(
            self.outputs.probabilities[:1].repeat(4, 0), np.zeros(4, np.int32), np.full(4, 9, np.int32)
        )
        for found in (measures.against_fixed_depth(same, CONFIG), measures.without_loss(same, CONFIG)):
            for one in found.values():
                self.assertAllClose(list(one.values()), [0, 0, 0])

    def test_a_worse_model_loses_at_equal_speedup(self):
        found = measures.at_equal_speedup(made_outputs(), made_outputs(error=2.0), CONFIG)
        self.assertEqual(claims.better(found["mean"]), HOLDS)
        self.assertEqual(claims.better(measures.at_equal_speedup(made_outputs(), made_outputs(), CONFIG)["mean"]), OPEN)

    def test_sure_answers_are_right_more_often(self):
        found = measures.trends(uncertainty_profile(made_outputs(), NormalizedEntropy()))
        self.assertEqual([one["layer"] for one in found], [1, 2, 3])
        self.assertLess(found[0]["p"], 1e-6)
        self.assertEqual(found[2]["p"], 1.0)  # the teacher is always right

    def test_a_shallow_model_is_compared_at_its_cost(self):
        shallow = FastBertConfig(BackboneConfig(30, 1, 2, 8, 16), 2, branch_dim=4, branch_heads=2)
        outputs = made_outputs()
        other = BranchOutputs(outputs.probabilities[:, :1], outputs.labels, outputs.lengths)
        found = measures.against_baseline(outputs, CONFIG, other, shallow)
        self.assertAllClose(found["accuracy"]["value"], np.mean(other.predictions[:, 0] == other.labels))
        self.assertAllClose(found["speedup"], executed_flops(CONFIG, None, 9) / executed_flops(shallow, None, 9))
        self.assertAllClose(found["difference"]["value"], 0.0, atol=1e-3)  # at speed 1 all leave there, but ties


class TuningTest(tf.test.TestCase):
    def test_drops_are_kept_to_and_the_cheapest_is_first(self):
        outputs = made_outputs(1500)
        tuned = tuning.tune(outputs, CONFIG, 0.02)
        saved = [one.saved for one in tuned]
        self.assertEqual(saved, sorted(saved, reverse=True))
        self.assertGreater(saved[0], 0.2)
        for one in tuned:
            self.assertLessEqual(one.losses, 0.02 * 1050)
        self.assertLen({one.name for one in tuned}, len(tuned))
        careful = {one.name: one.saved for one in tuning.certify(outputs, CONFIG, 0.02)}
        for one in tuned:
            self.assertLessEqual(careful[one.name], one.saved + 1e-12)
        self.assertEqual(tuning.certify(outputs.take(np.arange(200)), CONFIG, 0.02), [])

    def test_comparison_of_policies(self):
        outputs = made_outputs(seed=1)
        tuned = tuning.tune(made_outputs(1500), CONFIG, 0.02)
        found = measures.policies(outputs, CONFIG, tuned)
        self.assertEqual(found["best"], tuned[0].name)
        single = next(one for one in found["policies"] if one["name"] == "normalized_entropy")
        best = found["policies"][0]
        self.assertAllClose(found["saved"]["value"], 1 - (1 - best["saved_on_test"]) / (1 - single["saved_on_test"]))
        self.assertAllClose(found["accuracy_difference"]["value"], best["accuracy"] - single["accuracy"])
        alone = measures.policies(outputs, CONFIG, [one for one in tuned if one.name == "normalized_entropy"])
        self.assertAllClose(list(alone["saved"].values()), [0, 0, 0])
        self.assertLessEqual(alone["saved_at_equal_accuracy"]["value"], 0.01)

    def test_what_opens_the_reported_rows_cannot_tune(self):
        tree = ast.parse(Path(opening.__file__).read_text(encoding="utf-8"))
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        modules = {getattr(node, "module", None) or node.names[0].name for node in nodes}
        names = {alias.name for node in nodes for alias in node.names}
        self.assertEmpty({one for one in modules if "calibration" in one or "training" in one or "tuning" in one})
        allowed = {
            "annotations", "Path", "SavedClassifier", "BatchPipeline", "Task", "BranchOutputs", "predict_branches",
            "read_outputs", "write_outputs", "FloatStack", "classifier_digest", "report_part",
        }  # fmt: skip
        self.assertEqual(names, allowed)


class VerdictTest(tf.test.TestCase, parameterized.TestCase):
    def test_intervals_decide(self):
        self.assertEqual(claims.better(estimate(0.02, 0.001, 0.03)), HOLDS)
        self.assertEqual(claims.better(estimate(0.02, -0.001, 0.03)), OPEN)
        self.assertEqual(claims.better(estimate(-0.02, -0.03, -0.001)), FAILS)
        self.assertEqual(claims.no_loss(estimate(-0.001, -0.005, 0.002)), HOLDS)
        self.assertEqual(claims.no_loss(estimate(-0.001, -0.0051, 0.002)), OPEN)
        self.assertEqual(claims.no_loss(estimate(-0.02, -0.03, -0.01)), FAILS)

    def test_savings(self):
        def found(saved, matched, high):
            return {
                "saved": estimate(saved, 0, 1),
                "saved_at_equal_accuracy": estimate(matched, 0, 1),
                "accuracy_difference": estimate(0, -1, high),
            }

        self.assertEqual(claims.saves_enough(found(0.15, 0.2, 0.0)), HOLDS)
        self.assertEqual(claims.saves_enough(found(0.2, 0.149, 0.0)), FAILS)
        self.assertEqual(claims.saves_enough(found(0.149, 0.2, 0.0)), FAILS)
        self.assertEqual(claims.saves_enough(found(0.3, 0.3, -0.001)), FAILS)

    @parameterized.parameters(
        ([], UNTESTED), ([UNTESTED], UNTESTED), ([HOLDS], HOLDS), ([HOLDS, OPEN], HOLDS), ([HOLDS, OPEN, OPEN], OPEN),
        ([HOLDS, FAILS], OPEN), ([FAILS, FAILS, HOLDS, UNTESTED], FAILS), ([HOLDS, HOLDS, FAILS, OPEN], HOLDS),
    )  # fmt: skip
    def test_of_all_tasks(self, verdicts, wanted):
        self.assertEqual(claims.overall(verdicts), wanted)

    @parameterized.parameters(
        ([HOLDS, HOLDS], UNTESTED), ([HOLDS, HOLDS, FAILS], FAILS), ([HOLDS, HOLDS, FAILS, HOLDS], HOLDS),
        ([FAILS, UNTESTED, FAILS, FAILS], FAILS),
    )  # fmt: skip
    def test_three_tasks_must_save(self, verdicts, wanted):
        self.assertEqual(claims.enough_tasks(verdicts), wanted)

    def test_findings_of_a_task(self):
        by_name = {claim.name: claim.judge for claim in claims.CLAIMS}
        for judge in by_name.values():
            self.assertEqual(judge({}).verdict, UNTESTED)
        branches = [{"layer": layer, "z": 9.0, "p": p, "rows": 9} for layer, p in ((1, 1e-20), (2, 0.004))]
        self.assertEqual(by_name["trend"]({"trend": branches}), (HOLDS, "2 of 2 branches, p <= 4.0e-03"))
        branches[1]["p"] = 0.006
        self.assertEqual(by_name["trend"]({"trend": branches}).verdict, FAILS)
        self.assertEqual(claims.in_points(estimate(0.0123, -0.001, 0.02)), "+1.23 [-0.10, +2.00]")


class PageTest(tf.test.TestCase):
    def test_claims_name_what_was_not_run(self):
        table = page.claims_table(
            [{"task": "sst2", "title": "SST-2", "adaptive": {"mean": estimate(0.01, 0.004, 0.02)}}]
        )
        self.assertIn("| - SST-2 |  | +1.00 [+0.40, +2.00] | holds |", table)
        self.assertIn("| - SST-2 |  | not run yet | cannot be tested here |", table)

    def test_a_whole_summary_has_all_sections(self):
        text = page.page([whole_summary()])
        for heading in ("## Accuracy and speedup", "## Convergence", "## Ablation", "## Baselines", "## Policies",
                        "## Other ways to self-distil", "## What cannot be tested here"):  # fmt: skip
            self.assertIn(heading, text)
        self.assertIn(
            "| Book review | distilled student, 3 | 81.00 [80.00, 82.00] | 1.90x | +1.00 [+0.00, +2.00] |", text
        )
        self.assertNotIn("`book_review/fastbert`", text)
        self.assertIn("`book_review/joint`", text)


def whole_summary():
    """As `summarise` leaves it, of made-up rows."""
    outputs = made_outputs(200)
    one = estimate(0.01, 0.0, 0.02)
    tuned = tuning.tune(made_outputs(400), CONFIG, 0.02)
    return json.loads(json.dumps({
        "task": "book_review", "title": "Book review", "rows": 200, "calibration_rows": 400, "machine": "none",
        "curve": speed_curve(outputs, NormalizedEntropy(), CONFIG).to_dict(),
        "minutes": {"fastbert": 3.0}, "bag_of_words": {"accuracy": 0.8},
        "times": {"batch 1": {"full_depth_ms": 6.0, "bag_of_words_ms": 0.5}},
        "baselines": {"student_3": {"accuracy": estimate(0.81, 0.80, 0.82), "difference": one, "speedup": 1.9}},
        "policies": {"0.01": measures.policies(outputs, CONFIG, tuned)},
        "reverse": dict.fromkeys(("2x", "3x", "4x", "mean"), one),
    }))  # fmt: skip


class PlanTest(tf.test.TestCase):
    def test_each_part_once_and_after_what_it_needs(self):
        parts = plan.parts()
        self.assertLen(set(parts), len(parts))
        self.assertEqual({part.task for part in parts}, set(TASKS))
        for number, part in enumerate(parts):
            if part.needs_fastbert:
                self.assertIn(plan.Part(part.task, plan.FASTBERT), parts[:number])
            self.assertGreater(part.minutes, 0)
        self.assertEqual(plan.Part("sst2", "student_3").depth, 3)

    def test_a_cut_checkpoint(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        folder = Path(temporary.name)
        whole = folder / "whole"
        whole.mkdir()
        (whole / "config.json").write_text('{"num_hidden_layers": 6, "hidden_size": 8}')
        (whole / "vocab.txt").write_text("a")
        cut = cut_checkpoint(whole, 2, folder / "cut")
        self.assertEqual(json.loads((cut / "config.json").read_text()), {"num_hidden_layers": 2, "hidden_size": 8})
        self.assertEqual((cut / "vocab.txt").read_text(), "a")
        with self.assertRaisesRegex(ValueError, "6 layers"):
            cut_checkpoint(whole, 7, folder / "deep")
        self.assertEqual([spread_layers(6, depth) for depth in (1, 3, 6)], [[0], [0, 2, 4], [0, 1, 2, 3, 4, 5]])


if __name__ == "__main__":
    tf.test.main()
