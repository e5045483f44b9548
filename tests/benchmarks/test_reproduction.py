"""The reproduction's measures, verdicts and tables, on numbers worked out by hand."""

import ast
import json
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from harness.reproduction import bag_of_words, cells, claims, measures, opening, page, plan, tuning, verdicts
from harness.reproduction.bag_of_words import BagOfWords, fit
from harness.reproduction.bootstrap import at_costs, estimates, with_mean
from harness.reproduction.cut import cut_checkpoint, spread_layers
from harness.reproduction.sections.claims_table import claims_table
from harness.reproduction.settings import ENGLISH, SHOWN_SPEEDS, TASKS
from harness.reproduction.times import FULL_DEPTH, N_GRAMS
from harness.reproduction.trend import falling_trend
from harness.reproduction.verdicts import FAILS, HOLDS, OPEN, PARTLY, PENDING, UNTESTED, Tally
from scipy import stats
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.data import make_sample_task
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
            self.assertIsNone(falling_trend(right, rows))
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

    def test_a_fixed_depth_pays_for_one_branch(self):
        """All rows leave at layer 1 or 3, so that the curve is a line; layer 2 is right where both others are wrong."""
        sure, right, wrong = [0.999, 0.001], [0.55, 0.45], [0.45, 0.55]
        said = np.array([[sure, sure, sure]] * 5 + [[wrong, right, right]] * 5, np.float32)
        outputs = BranchOutputs(said, np.zeros(10, np.int32), np.full(10, 9, np.int32))
        found = measures.against_fixed_depth(outputs, CONFIG)["layer 2"]["value"]
        layer_and_branch = np.diff(executed_flops(CONFIG, [1, 2, 3], 9))[0]
        branch = executed_flops(CONFIG, 2, 9) - executed_flops(CONFIG, 2, 9, exits=[2])
        wanted = executed_flops(CONFIG, 1, 9) + layer_and_branch - branch
        # From speed where 5 rows take 3 layers (accuracy 1) to that where all take 1 (0.5).
        costs = [executed_flops(CONFIG, 1, 9), executed_flops(CONFIG, [1, 3], [9, 9]).mean()]
        self.assertLess(wanted, costs[1])
        self.assertAllClose(found, 0.5 + 0.5 * (wanted - costs[0]) / (costs[1] - costs[0]) - 1)

    def test_a_worse_model_loses_at_equal_speedup(self):
        found = measures.at_equal_speedup(made_outputs(), made_outputs(error=2.0), CONFIG)
        self.assertEqual(verdicts.better(found["mean"]), HOLDS)
        self.assertEqual(
            verdicts.better(measures.at_equal_speedup(made_outputs(), made_outputs(), CONFIG)["mean"]), OPEN
        )

    def test_sure_answers_are_right_more_often(self):
        found = measures.trends(uncertainty_profile(made_outputs(), NormalizedEntropy()))
        self.assertEqual([one["layer"] for one in found], [1, 2, 3])
        self.assertLess(found[0]["p"], 1e-6)
        self.assertEqual(found[2], {"layer": 3, "z": None, "p": None, "rows": 2000})  # the teacher is always right

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
        found = tuning.tune(outputs, CONFIG, 0.02)
        saved = [one.saved for one in found.policies]
        self.assertEqual(saved, sorted(saved, reverse=True))
        self.assertGreater(saved[0], 0.2)
        for one in found.policies:
            self.assertLessEqual(one.losses, 0.02 * 1050)
        self.assertLen({one.name for one in found.policies}, len(found.policies))
        self.assertIn(found.rule, found.policies)
        self.assertEqual(found.rule.name, "normalized_entropy")
        certified = tuning.certify(outputs, CONFIG, 0.02)
        careful = {one.name: one.saved for one in certified.policies}
        for one in found.policies:
            self.assertLessEqual(careful[one.name], one.saved + 1e-12)
        self.assertEqual(tuning.Choices.from_dict(json.loads(json.dumps(certified.to_dict()))), certified)

    def test_certified_policies_share_the_error(self):
        """The chance of so few losses at a rate of 2 % is below 5 % for the rule, and a share of it for each policy."""
        found = tuning.certify(made_outputs(1500), CONFIG, 0.02)
        shared = 0.05 / len(found.policies)
        for one in found.policies:
            if one.speed:
                self.assertLessEqual(stats.binom.cdf(one.losses, 1050, 0.02), shared)
        self.assertLessEqual(stats.binom.cdf(found.rule.losses, 1050, 0.02), 0.05)
        together = next(one for one in found.policies if one.name == found.rule.name)
        self.assertGreater(found.rule.losses, together.losses)
        # 200 rows show 2 % for one policy, (1 - 0.02) ** 200 = 0.018, but not for all of them.
        self.assertLess(0.98**200, 0.05)
        self.assertGreater(0.98**200, shared)
        self.assertIsNone(tuning.certify(made_outputs(286), CONFIG, 0.02))

    def test_comparison_of_policies(self):
        outputs = made_outputs(seed=1)
        tuned = tuning.tune(made_outputs(1500), CONFIG, 0.02)
        found = measures.policies(outputs, CONFIG, tuned)
        self.assertEqual(found["best"], tuned.policies[0].name)
        single = next(one for one in found["policies"] if one["name"] == "normalized_entropy")
        self.assertEqual(single, found["rule"])
        best = found["policies"][0]
        saved, of_single = (one["saved_on_test"]["value"] for one in (best, single))
        self.assertAllClose(found["saved"]["value"], 1 - (1 - saved) / (1 - of_single))
        change, of_single = (one["accuracy_change"]["value"] for one in (best, single))
        self.assertAllClose(found["accuracy_difference"]["value"], change - of_single)
        alone = measures.policies(outputs, CONFIG, tuning.Choices([tuned.rule], tuned.rule))
        self.assertAllClose(list(alone["saved"].values()), [0, 0, 0])
        self.assertLessEqual(alone["saved_at_equal_accuracy"]["value"], 0.01)


class OpeningTest(tf.test.TestCase):
    """What is reported on is read in one place, by code that cannot tune."""

    def test_what_opens_the_reported_rows_cannot_tune(self):
        tree = ast.parse(Path(opening.__file__).read_text(encoding="utf-8"))
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        modules = {getattr(node, "module", None) or node.names[0].name for node in nodes}
        names = {alias.name for node in nodes for alias in node.names}
        self.assertEmpty({one for one in modules if "calibration" in one or "training" in one or "tuning" in one})
        allowed = {
            "annotations", "replace", "Path", "Protocol", "Task", "TextDataset", "BranchOutputs", "read_outputs",
            "write_outputs", "report_part",
        }  # fmt: skip
        self.assertEqual(names, allowed)

    def test_nothing_else_reads_them(self):
        """`rows.py` looks at their texts, to keep them out of unlabelled text."""
        folder = Path(opening.__file__).parent
        reading = {"report_part": {"opening.py"}, "test": {"rows.py"}, "dev": {"rows.py"}, "parts": set()}
        for file in [*folder.rglob("*.py"), folder.parents[1] / "reproduce_fastbert.py"]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
                if name in ("report_part",) or (isinstance(node, ast.Attribute) and name in reading):
                    self.assertIn(file.name, reading[name], f"{file.name} reads {name}")

    def test_a_model_sees_no_label_and_is_asked_once(self):
        asked, task = [], make_sample_task(20, 20, 20)

        class Model:
            digest = "one"

            def answers(self, rows):
                asked.append(rows)
                return BranchOutputs(np.full((20, 1, 2), 0.5, np.float32), rows.labels, np.full(20, 3, np.int32))

        with tempfile.TemporaryDirectory() as name:
            for _ in range(2):
                found = opening.opened(Model(), task, Path(name) / "test")
                self.assertAllEqual(found.labels, task.test.labels)
            self.assertLen(asked, 1)
            self.assertIsNone(asked[0].labels)
            self.assertEqual(asked[0].texts, task.test.texts)
            Model.digest = "another"
            with self.assertRaisesRegex(ValueError, "another model"):
                opening.opened(Model(), task, Path(name) / "test")


class BagOfWordsTest(tf.test.TestCase):
    def test_against_scikit_learn(self):
        task = make_sample_task(60, 20, 20)
        smaller = mock.patch.object(bag_of_words, "FEATURES", 1024)
        smaller.start()
        self.addCleanup(smaller.stop)
        bag = fit(task.train, task.dev, ENGLISH)
        vectorizer = HashingVectorizer(n_features=1024, alternate_sign=False, ngram_range=(1, 2))
        features = [vectorizer.transform(part.texts) for part in (task.train, task.dev)]
        models = [LogisticRegression(C=strength, max_iter=200).fit(features[0], task.train.labels)
                  for strength in (1.0, 10.0, 100.0)]  # fmt: skip
        best = max(models, key=lambda model: model.score(features[1], task.dev.labels))
        found = bag.answers(task.dev)
        self.assertAllClose(found.probabilities[:, 0], best.predict_proba(features[1]), atol=1e-5)
        self.assertAllEqual(found.labels, task.dev.labels)
        with tempfile.TemporaryDirectory() as name:
            bag.save(Path(name) / "bag.npz")
            again = BagOfWords.load(Path(name) / "bag.npz")
        self.assertEqual(again.digest, bag.digest)
        self.assertAllEqual(again.answers(task.dev).probabilities, found.probabilities)


class VerdictTest(tf.test.TestCase, parameterized.TestCase):
    def test_intervals_decide(self):
        self.assertEqual(verdicts.better(estimate(0.02, 0.001, 0.03)), HOLDS)
        self.assertEqual(verdicts.better(estimate(0.02, -0.001, 0.03)), OPEN)
        self.assertEqual(verdicts.better(estimate(-0.02, -0.03, -0.001)), FAILS)

    def test_both_speedups_are_without_loss(self):
        free, unsure = estimate(-0.001, -0.005, 0.002), estimate(-0.001, -0.0051, 0.002)
        small, lost = estimate(-0.003, -0.0051, -0.001), estimate(-0.02, -0.03, -0.01)
        self.assertEqual(verdicts.no_loss([free, free]), HOLDS)
        self.assertEqual(verdicts.no_loss([free, unsure]), OPEN)
        self.assertEqual(verdicts.no_loss([small, free]), OPEN)  # a loss, but perhaps of less than half a point
        self.assertEqual(verdicts.no_loss([free, lost]), FAILS)
        self.assertEqual(verdicts.no_loss([lost, free]), FAILS)

    def test_savings(self):
        def verdict(*savings, high=0.01):
            return verdicts.saves_enough([estimate(0.2, *ends) for ends in savings], estimate(0, -1, high))

        self.assertEqual(verdict((0.15, 0.3), (0.16, 0.3), high=0.0), HOLDS)
        self.assertEqual(verdict((0.2, 0.3), (0.149, 0.3)), OPEN)
        self.assertEqual(verdict((0.1, 0.149), (0.2, 0.3)), FAILS)
        self.assertEqual(verdict((0.2, 0.3), (0.1, 0.149)), FAILS)
        self.assertEqual(verdict((0.2, 0.3), (0.2, 0.3), high=-0.001), FAILS)

    @parameterized.parameters(
        ([], UNTESTED), ([UNTESTED], UNTESTED), ([PENDING, UNTESTED], PENDING), ([HOLDS], HOLDS),
        ([HOLDS, OPEN], OPEN), ([HOLDS, HOLDS, OPEN], HOLDS), ([HOLDS, OPEN, OPEN], OPEN),
        ([HOLDS, FAILS], OPEN), ([FAILS, FAILS, HOLDS, UNTESTED], FAILS), ([HOLDS, HOLDS, FAILS, OPEN], OPEN),
        ([HOLDS, PENDING], PARTLY), ([HOLDS, HOLDS, PENDING], HOLDS), ([FAILS, FAILS, PENDING, PENDING], PARTLY),
    )  # fmt: skip
    def test_of_most_tasks(self, said, wanted):
        self.assertEqual(verdicts.majority(Tally.of(said)), wanted)

    @parameterized.parameters(
        ([HOLDS, HOLDS], OPEN), ([UNTESTED, UNTESTED], UNTESTED), ([PENDING] * 8, PENDING),
        ([HOLDS, HOLDS, FAILS], FAILS), ([HOLDS, HOLDS, FAILS, HOLDS], HOLDS),
        ([HOLDS, HOLDS, FAILS, *[PENDING] * 5], PARTLY), ([HOLDS, HOLDS, FAILS, OPEN], OPEN),
        ([FAILS, UNTESTED, FAILS, FAILS], FAILS), ([FAILS, FAILS, FAILS, HOLDS, PENDING], FAILS),
    )  # fmt: skip
    def test_three_tasks_must_save(self, said, wanted):
        self.assertEqual(verdicts.enough_tasks(Tally.of(said)), wanted)

    def test_a_tally_in_words(self):
        said = Tally.of([HOLDS, HOLDS, FAILS, OPEN, PENDING, UNTESTED])
        self.assertEqual(
            said.words(),
            "holds on 2, does not hold on 1, undecided on 1, cannot be tested here on 1 of 6 tasks; 1 not run yet",
        )
        self.assertEqual(Tally.of([PENDING]).words(), "")

    def test_findings_of_a_task(self):
        by_name = {claim.name: claim.judge for claim in claims.CLAIMS}
        for judge in by_name.values():
            self.assertEqual(judge({}).verdict, PENDING)
        self.assertEqual(by_name["certified"]({"certified": {}}).verdict, UNTESTED)
        self.assertEqual(cells.in_points(estimate(0.0123, -0.001, 0.02)), "+1.23 [-0.10, +2.00]")

    def test_a_trend_must_rise_to_refute(self):
        (judge,) = (claim.judge for claim in claims.CLAIMS if claim.name == "trend")

        def found(*values):
            return judge({"trend": [{"layer": layer, "z": 0, "p": p, "rows": 9} for layer, p in enumerate(values, 1)]})

        self.assertEqual(found(1e-20, 0.004), (HOLDS, "falls in 2 of 2 branches, p <= 4.0e-03"))
        self.assertEqual(found(1e-20, 0.006).verdict, OPEN)
        self.assertEqual(found(1e-20, 0.994).verdict, OPEN)
        self.assertEqual(found(1e-20, 0.996).verdict, FAILS)
        self.assertEqual(found(1e-20, None), (HOLDS, "falls in 1 of 1 branches, p < 1e-15; 1 cannot be tested"))
        self.assertEqual(found(None, None).verdict, UNTESTED)


class PageTest(tf.test.TestCase):
    def test_claims_say_on_how_many_tasks(self):
        table = claims_table([{"task": "sst2", "title": "SST-2", "adaptive": {"mean": estimate(0.01, 0.004, 0.02)}}])
        self.assertIn("| - SST-2 |  | +1.00 [+0.40, +2.00] | holds |", table)
        self.assertIn("| holds on 1 of 8 tasks; 7 not run yet | **not all run yet** |", table)
        self.assertIn("|  | **not run yet** |", table)
        self.assertNotIn("cannot be tested", table)

    def test_a_whole_summary_has_all_sections(self):
        text = page.page([whole_summary()])
        for heading in ("## Accuracy and speedup", "## Convergence", "## Ablation", "## Baselines", "## Policies",
                        "## Other ways to self-distil", "## What cannot be tested here"):  # fmt: skip
            self.assertIn(heading, text)
        for line in (
            "| Book review | distilled student, 3 | 81.00 [80.00, 82.00] | 1.90x | +1.00 [+0.00, +2.00] |  |  |",
            "| Book review | n-grams, linear (scikit-learn) | 81.00 [80.00, 82.00] |  |  | 0.50 | 0.25 |",
            "| KL(student ‖ teacher), eq. 5 | KL(teacher ‖ student) on the training texts, 5 epochs | +1.00",
            "| Book review | without self-distillation, speed 0.7 | 85.02 | 5.08x |",
        ):
            self.assertIn(line, text)
        self.assertNotIn("`book_review/fastbert`", text)
        self.assertIn("`book_review/joint`", text)
        for rule in (*(claim.rule for claim in claims.CLAIMS), verdicts.MAJORITY.text, verdicts.ENOUGH_TASKS.text):
            self.assertIn(rule, text)


def whole_summary():
    """As `summarise` leaves it, of made-up rows."""
    outputs = made_outputs(200)
    one, accuracy = estimate(0.01, 0.0, 0.02), estimate(0.81, 0.80, 0.82)
    choices = tuning.tune(made_outputs(400), CONFIG, 0.02)
    curve = speed_curve(outputs, NormalizedEntropy(), CONFIG, speeds=SHOWN_SPEEDS, draws=50).to_dict()
    times = {**dict.fromkeys([FULL_DEPTH, *(f"{speed:g}" for speed in SHOWN_SPEEDS)], 6.0), N_GRAMS: 0.5}
    policies = {"0.01": measures.policies(outputs, CONFIG, choices)}
    return json.loads(json.dumps({
        "task": "book_review", "title": "Book review", "rows": 200, "calibration_rows": 400, "machine": "none",
        "done": ["fastbert", "bag_of_words"], "curve": curve, "joint_curve": curve,
        "minutes": {"fastbert": 3.0}, "bag_of_words": accuracy,
        "times": {"machine": "none", "batch 1": times, "batch 32": {**times, N_GRAMS: 0.25}},
        "baselines": {"student_3": {"accuracy": accuracy, "difference": one, "speedup": 1.9}},
        "policies": policies, "certified": policies,
        "variants": {"reverse - forward": dict.fromkeys(("2x", "3x", "4x", "mean"), one)},
    }))  # fmt: skip


class PlanTest(tf.test.TestCase):
    def test_each_part_once_and_after_what_it_needs(self):
        parts = plan.parts()
        self.assertLen(set(parts), len(parts))
        self.assertEqual({part.task for part in parts}, set(TASKS))
        for number, part in enumerate(parts):
            for kind in part.begins_with:
                self.assertIn(plan.Part(part.task, kind), parts[:number])
            self.assertIn(part.kind, plan.KINDS)
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
