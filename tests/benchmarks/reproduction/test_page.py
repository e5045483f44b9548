"""The page's tables."""

import json

import tensorflow as tf
from harness.reproduction import claims, measures, page, tuning, verdicts
from harness.reproduction.sections.claims_table import claims_table
from harness.reproduction.settings import SHOWN_SPEEDS
from harness.reproduction.times import FULL_DEPTH, N_GRAMS
from made_outputs import CONFIG, estimate, made_outputs

from fastbert_tf.evaluation import speed_curve
from fastbert_tf.inference import NormalizedEntropy


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


if __name__ == "__main__":
    tf.test.main()
