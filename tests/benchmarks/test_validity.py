"""The experiment on made-up rows whose true risk is known, and the page that shows the real one."""

import json
from dataclasses import replace

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from harness.validity import Drawing, Pool, dial_errors, validity
from harness.validity_page import PAGE, RESULTS, dial_table, rendered, shift_table, validity_table

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.evaluation import BranchOutputs
from fastbert_tf.inference import Margin, NormalizedEntropy

CONFIG = FastBertConfig(BackboneConfig(30, 3, 2, 8, 16), 2, branch_dim=4, branch_heads=2)
BOUND, CONFIDENCE = 0.04, 0.9


def made_pool(rows: int, error: float = 0.5, seed: int = 0) -> Pool:
    """Early branches err with the chance that they give the other class, times `error`; the teacher is always right."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, rows)
    sureness = 1 - 0.5 * random.random((rows, 3)) ** (2, 3, 9)
    errs = random.random((rows, 3)) < error * (1 - sureness) * (1, 1, 0)
    first = np.where((truth[:, None] == 0) ^ errs, sureness, 1 - sureness)
    outputs = BranchOutputs(
        np.stack([first, 1 - first], -1).astype(np.float32), truth.astype(np.int32), np.full(rows, 9, np.int32)
    )
    return Pool.of(outputs, CONFIG, {policy.name: policy for policy in (NormalizedEntropy(), Margin())})


class ValidityTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (["normalized_entropy"], 300, False), (["margin", "normalized_entropy"], 300, False),
        (["margin"], 300, True), (["layer_thresholds"], 30, False), (["learned_exit"], 30, False),
    )  # fmt: skip
    def test_the_promise_is_kept(self, policies, draws, disjoint):
        drawing = Drawing(600, draws, disjoint=disjoint)
        for found in validity(made_pool(6000), policies, BOUND, CONFIDENCE, drawing).values():
            chance = 3 * np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / draws)
            self.assertLessEqual(found["broken"], 1 - CONFIDENCE + chance)
            self.assertBetween(found["risk"], BOUND / 4, BOUND)
            self.assertGreater(found["speedup"], 1.1)
            self.assertLess(found["full_depth"], 0.5)

    def test_rows_of_another_kind_break_it(self):
        """Their early answers err three times as often where they are as sure."""
        found = validity(
            made_pool(6000), ["margin"], BOUND, CONFIDENCE, Drawing(600, 50), made_pool(6000, error=1.5, seed=1)
        )
        self.assertGreater(found["binomial"]["broken"], 0.9)

    def test_the_dial_delivers_on_other_rows(self):
        found = dial_errors(made_pool(6000), "margin", Drawing(3000, 5))
        self.assertLess(found["worst"], 0.05)
        self.assertEqual(found["within"], 1)
        self.assertGreater(found["most"], 2)
        easier = made_pool(6000, seed=1)
        easier = replace(easier, doubts={"margin": easier.doubts["margin"] / 4})
        self.assertGreater(dial_errors(made_pool(6000), "margin", Drawing(3000, 5), easier)["mean"], 0.1)

    def test_counts_what_breaks(self):
        """Where every early answer is wrong and sure, nothing may be certified; and if it were, it would be counted."""
        pool = made_pool(500)
        hopeless = replace(pool, losses=np.ones_like(pool.losses) * (1, 1, 0))
        found = validity(hopeless, ["margin"], BOUND, CONFIDENCE, Drawing(200, 5))["binomial"]
        self.assertEqual((found["broken"], found["speedup"]), (0, 1))
        found = validity(pool, ["margin"], BOUND, CONFIDENCE, Drawing(200, 5), hopeless)["binomial"]
        self.assertEqual(found["broken"] + found["full_depth"], 1)


class PageTest(tf.test.TestCase):
    RESULT = {
        "asked": {
            "pool": "a",
            "policies": ["margin"],
            "bound": 0.01,
            "labelled": False,
            "disjoint": True,
            "shifted": "b",
        },
        "found": {
            "binomial": {"broken": 0.04, "refuted": 0.01, "risk": 0.008, "speedup": 2.0, "full_depth": 0},
            "hoeffding_bentkus": {"broken": 0.01, "refuted": 0.0, "risk": 0.006, "speedup": 1.8, "full_depth": 0},
        },
    }

    def test_tables(self):
        figures = "4.0% (refuted: 1.0%) | 2.00x | 1.0% (refuted: 0.0%) | 1.80x"
        line = f"| a | margin, without labels | 0.01 | the other rows | {figures} |"
        self.assertEqual(validity_table([self.RESULT]).splitlines()[-1], line)
        self.assertEqual(shift_table([self.RESULT]).splitlines()[-1], "| a | b | 0.01 | 4.0% | 0.0080 |")

        found = {"mean": 0.01, "worst": 0.062, "within": 0.995, "most": 4.5}
        dial = {"asked": {"pool": "a", "shifted": None, "dial": "margin"}, "found": found}
        line = "| a | the other rows | margin | 4.50x | 1.0% | 6.2% | 99.5% |"
        self.assertEqual(dial_table([dial]).splitlines()[-1], line)

    def test_the_page_shows_what_is_stored(self):
        page = PAGE.read_text(encoding="utf-8")
        self.assertEqual(rendered(page, json.loads(RESULTS.read_text(encoding="utf-8"))), page)

    def test_a_page_without_a_place_is_refused(self):
        with self.assertRaisesRegex(ValueError, "one place for a table"):
            rendered("nothing", [])


if __name__ == "__main__":
    tf.test.main()
