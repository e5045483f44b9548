"""The learned exit: features by hand, the fit against scikit-learn."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from fastbert_tf.inference import ExitSchedule, LearnedExit, doubts, fit_learned_exit
from fastbert_tf.inference.policies.fit_learned_exit import logistic_regression
from fastbert_tf.inference.policies.learned_exit import FEATURES, exit_features


def made_up(rows=600, layers=4, seed=0):
    """Branches that get better and surer with depth: probabilities (rows, layers, 3) and labels (rows,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, rows)
    signal = np.eye(3)[labels][:, None] * np.linspace(1, 4, layers)[:, None]  # (rows, layers, classes)
    logits = 1.2 * (signal + rng.normal(size=(rows, layers, 3)) * 1.3)
    exponentials = np.exp(logits)
    return (exponentials / exponentials.sum(-1, keepdims=True)).astype(np.float32), labels


class LearnedExitTest(tf.test.TestCase, parameterized.TestCase):
    def test_features_by_hand(self):
        before, newest = np.float32([[0.6, 0.4], [0.2, 0.8]]), np.float32([[0.25, 0.75], [0.1, 0.9]])
        expected = [[0.811278, 0.5, 0.5, 1, 0.35], [0.468996, 0.2, 0.2, 0, 0.1]]
        self.assertAllClose(exit_features([before, newest]), expected, atol=1e-5)
        self.assertAllClose(exit_features([newest])[:, :3], np.array(expected)[:, :3], atol=1e-5)
        self.assertAllEqual(exit_features([newest])[:, 3:], np.zeros((2, 2)))

    def test_doubt_by_hand(self):
        policy = LearnedExit(((-1.0, 2.0, 0.0, 0.0, 0.0, 0.0), (0.5, 0.0, 0.0, 1.0, -1.0, 2.0)))
        before, newest = np.float32([[0.6, 0.4]]), np.float32([[0.25, 0.75]])
        self.assertAllClose(policy.doubt([newest], 1), [1 / (1 + np.exp(1 - 2 * 0.811278))], atol=1e-5)
        self.assertAllClose(policy.doubt([before, newest], 2), [1 / (1 + np.exp(-(0.5 + 0.5 - 1 + 0.7)))], atol=1e-5)

    @parameterized.product(schedule=[None, ExitSchedule((1, 3, 4))], labelled=[True, False])
    def test_equals_scikit_learn(self, schedule, labelled):
        probabilities, labels = made_up()
        truth = labels if labelled else probabilities[:, -1].argmax(-1)
        policy = fit_learned_exit(probabilities, labels if labelled else None, schedule)
        heard = {1: [1], 2: [1, 2], 3: [2, 3] if schedule is None else [1, 3]}
        for layer, layers in heard.items():
            said = [probabilities[:, one - 1] for one in layers]
            features = StandardScaler().fit_transform(np.asarray(exit_features(said), np.float64))
            wrong = probabilities[:, layer - 1].argmax(-1) != truth
            reference = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(features, wrong)
            expected = reference.predict_proba(features)[:, 1]
            self.assertAllClose(policy.doubt(said, layer), expected, atol=1e-4)

    def test_tells_wrong_answers_on_other_rows(self):
        policy = fit_learned_exit(*made_up())
        probabilities, labels = made_up(seed=1)
        found = doubts(policy, probabilities)
        for layer in range(3):
            wrong = probabilities[:, layer].argmax(-1) != labels
            self.assertGreater(roc_auc_score(wrong, found[:, layer]), 0.6)
            self.assertAllClose(found[:, layer].mean(), wrong.mean(), atol=0.06)  # calibrated

    def test_no_answer_is_wrong(self):
        features = np.random.default_rng(0).uniform(size=(98, 2))
        for wrong, expected in ((np.zeros(98, bool), 1 / 100), (np.ones(98, bool), 99 / 100)):
            bias, *weights = logistic_regression(features, wrong, penalty=1.0)
            self.assertAllClose(1 / (1 + np.exp(-bias)), expected)
            self.assertAllEqual(weights, [0, 0])

    def test_separable_answers_and_constant_features(self):
        features = np.stack([np.linspace(0, 1, 50), np.ones(50)], axis=1)
        bias, weight, constant = logistic_regression(features, features[:, 0] > 0.5, penalty=0.01)
        self.assertEqual(constant, 0)
        self.assertGreater(weight, 10)
        self.assertAllClose(-bias / weight, 0.5, atol=0.02)

    @parameterized.parameters(
        ({"probabilities": np.zeros((0, 3, 2), np.float32)}, "must be .rows, layers, classes."),
        ({"probabilities": np.ones((4, 1, 2), np.float32)}, "2 layers or more"),
        ({"labels": np.zeros(3, int)}, r"labels must be \(4,\)"),
        ({"penalty": 0.0}, "penalty must be above 0"),
        ({"penalty": float("nan")}, "penalty must be above 0"),
        ({"schedule": ExitSchedule((1, 2))}, "the model's last layer 3"),
    )
    def test_cannot_be_fitted(self, changes, words):
        arguments = {"probabilities": np.full((4, 3, 2), 0.5, np.float32), "labels": np.zeros(4, int), **changes}
        with self.assertRaisesRegex(ValueError, words):
            fit_learned_exit(**arguments)

    @parameterized.parameters(
        ((),), (((0.0,),),), ((("a",) * 6,),), ((0.0,) * 6,), (((float("nan"),) * 6,),), (((True,) * 6,),)
    )
    def test_no_such_weights(self, weights):
        with self.assertRaisesRegex(ValueError, "weights must be 6 finite numbers for each layer but the last"):
            LearnedExit(weights)

    def test_weights_of_another_model(self):
        policy = LearnedExit(((0.0,) * (1 + len(FEATURES)),) * 2)
        with self.assertRaisesRegex(ValueError, "weights must be of 3 layers, all but the last, but are of 2"):
            doubts(policy, np.full((1, 4, 2), 0.5, np.float32))

    def test_has_no_default(self):
        with self.assertRaisesRegex(ValueError, "learned_exit has no default for weights; give its file"):
            LearnedExit.default(6)


if __name__ == "__main__":
    tf.test.main()
