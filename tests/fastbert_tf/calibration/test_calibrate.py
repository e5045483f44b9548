"""Certificates of made-up branch outputs whose losses are counted by hand."""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.calibration import (
    Promise,
    Subject,
    calibrate,
    exit_costs,
    fit_layer_thresholds,
    read_certificate,
    row_losses,
    write_certificate,
)
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs, speed_curve
from fastbert_tf.inference import ExitSchedule, MaximumProbability, NormalizedEntropy, doubts, simulate

CONFIG = FastBertConfig(BackboneConfig(30, 3, 2, 8, 16), 2, branch_dim=4, branch_heads=2)
SUBJECT = Subject("m", "float32", "", "r")
POLICIES = (NormalizedEntropy(), MaximumProbability())


def made_outputs(rows: int, seed: int = 0, labelled: bool = True) -> BranchOutputs:
    """Early branches err more often, and more often where they are unsure; the teacher errs in 5 % of the rows."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    sureness = 1 - 0.5 * random.random((rows, 3)) ** (2, 4, 8)  # of the answer that is given
    errs = random.random((rows, 3)) < np.array([0.6, 0.4, 0]) * (1 - sureness) + [0, 0, 0.05]
    answers = np.where(errs, 1 - labels[:, None], labels[:, None])  # (rows, layers)
    first = np.where(answers == 0, sureness, 1 - sureness)
    lengths = random.integers(3, 40, rows).astype(np.int32)
    probabilities = np.stack([first, 1 - first], axis=-1).astype(np.float32)
    return BranchOutputs(probabilities, labels.astype(np.int32) if labelled else None, lengths)


class CalibrateTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(labelled=[True, False], exits=[(1, 2, 3), (2, 3)])
    def test_the_certificate_says_what_a_replay_says(self, labelled, exits):
        outputs, schedule = made_outputs(3000, labelled=labelled), ExitSchedule(exits)
        certificate = calibrate(outputs, CONFIG, POLICIES, Promise(0.03), SUBJECT, schedule)
        self.assertGreater(certificate.speed, 0)
        self.assertGreater(certificate.speedup, 1)
        policy = next(policy for policy in POLICIES if policy.to_dict() == certificate.policy)
        replay = simulate(policy, outputs.probabilities, certificate.speed, schedule)
        answers, teacher = replay["probabilities"].argmax(1), outputs.predictions[:, -1]
        lost = answers != teacher if not labelled else (answers != outputs.labels) & (teacher == outputs.labels)
        self.assertEqual(certificate.losses, lost.sum())
        curve = speed_curve(outputs, policy, CONFIG, (), [certificate.speed], schedule=schedule)
        self.assertAllClose(certificate.flops, curve.points[0].executed_flops)
        self.assertAllClose(certificate.full_flops, curve.full_depth.executed_flops)
        self.assertEqual((certificate.rows, certificate.labelled, certificate.policies), (3000, labelled, 2))
        self.assertEqual(certificate.exits, exits)

    def test_labels_let_more_rows_leave(self):
        """Where the teacher is wrong, an early answer loses nothing."""
        with_labels, without = (
            calibrate(made_outputs(5000, labelled=labelled), CONFIG, POLICIES[:1], Promise(0.02), SUBJECT)
            for labelled in (True, False)
        )
        self.assertGreater(with_labels.speedup, without.speedup)

    def test_the_dial_delivers_on_other_rows(self):
        certificate = calibrate(made_outputs(5000), CONFIG, POLICIES[:1], Promise(0.01), SUBJECT)
        other = made_outputs(5000, seed=1)
        asked = np.linspace(1.1, certificate.dial.most, 8)
        curve = speed_curve(other, POLICIES[0], CONFIG, (), certificate.dial.speed(asked).tolist())
        self.assertAllClose([point.executed_speedup for point in curve.points], asked, rtol=0.05)

    def test_refuses_a_set_that_is_too_small_and_says_what_is_needed(self):
        with self.assertRaisesRegex(ValueError, "597 rows are too few .* it needs 598"):
            calibrate(made_outputs(597), CONFIG, POLICIES[:1], Promise(0.005), SUBJECT)
        with self.assertRaisesRegex(ValueError, "one of 2 policies, even if none of them lost: it needs 736"):
            calibrate(made_outputs(700), CONFIG, POLICIES, Promise(0.005), SUBJECT)
        self.assertEqual(calibrate(made_outputs(598), CONFIG, POLICIES[:1], Promise(0.005), SUBJECT).rows, 598)

    def test_full_depth_where_nothing_is_shown(self):
        outputs = made_outputs(1000)
        contrary = outputs.probabilities.copy()
        contrary[:, :2] = np.where(outputs.predictions[:, -1, None, None] == 0, (0.001, 0.999), (0.999, 0.001))
        outputs = dataclasses.replace(outputs, probabilities=contrary)
        certificate = calibrate(outputs, CONFIG, POLICIES[:1], Promise(0.01), SUBJECT)
        self.assertEqual((certificate.speed, certificate.speedup, certificate.losses), (0, 1, 0))
        self.assertIn("full depth", certificate.text())

    @parameterized.parameters(
        ({"max_accuracy_drop": 0.0}, "bound"), ({"max_accuracy_drop": 1.0}, "bound"),
        ({"max_accuracy_drop": 0.1, "confidence": 1.0}, "confidence"),
        ({"max_accuracy_drop": 0.1, "method": "guess"}, "method"),
    )  # fmt: skip
    def test_refuses_promises_that_are_none(self, fields, words):
        with self.assertRaisesRegex(ValueError, words):
            Promise(**fields)

    def test_round_trip_and_another_subject(self):
        certificate = calibrate(made_outputs(1000), CONFIG, POLICIES, Promise(0.05), SUBJECT, learning_rows=7)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(read_certificate(write_certificate(certificate, folder).parent), certificate)
            first = (Path(folder) / "certificate.json").read_bytes()
            write_certificate(certificate, folder)
            self.assertEqual((Path(folder) / "certificate.json").read_bytes(), first)
            (Path(folder) / "certificate.json").write_text("{")
            with self.assertRaisesRegex(ValueError, "damaged"):
                read_certificate(folder)
        self.assertIs(certificate.check("m", "float32", ""), certificate)
        for subject, words in (
            (("x", "float32", ""), "another classifier"), (("m", "int8", ""), "in float32, but this one is in int8"),
            (("m", "float32", "y"), "fitted to other rows"),
        ):  # fmt: skip
            with self.assertRaisesRegex(ValueError, words):
                certificate.check(*subject)


class FitLayerThresholdsTest(tf.test.TestCase):
    def learned(self, outputs, bound, schedule):
        policy = NormalizedEntropy()
        found = doubts(policy, outputs.probabilities, schedule)
        losses = row_losses(outputs.predictions[:, np.array(schedule.exits) - 1], outputs.labels)
        costs = exit_costs(outputs, CONFIG, schedule)
        return fit_layer_thresholds(policy, found, losses, costs, bound, 3, schedule), losses, costs

    def test_costs_no_more_than_the_best_single_threshold_within_the_bound(self):
        outputs, schedule, bound = made_outputs(2000), ExitSchedule((1, 2, 3)), 0.02
        policy, losses, costs = self.learned(outputs, bound, schedule)

        def risk_and_cost(policy, speed):
            exits = simulate(policy, outputs.probabilities, speed)["exit_layer"] - 1
            return losses[np.arange(2000), exits].mean(), costs[np.arange(2000), exits].mean()

        def least(policy, speeds):
            found = [risk_and_cost(policy, speed) for speed in speeds]
            return min(cost for risk, cost in found if risk <= bound)

        self.assertBetween(risk_and_cost(policy, 0.5)[0], bound / 2, bound)
        single = least(NormalizedEntropy(), np.linspace(0.01, 1, 200))
        self.assertLess(least(policy, np.linspace(0.4, 0.6, 81)), single)

    def test_branches_that_are_off_have_no_threshold(self):
        policy, _, _ = self.learned(made_outputs(500), 0.05, ExitSchedule((2, 3)))
        self.assertEqual(policy.thresholds[0], 0)
        self.assertGreater(policy.thresholds[1], 0)


if __name__ == "__main__":
    tf.test.main()
