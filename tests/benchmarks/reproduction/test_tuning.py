"""Policies tuned and certified on calibration rows, and compared on others."""

import json

import tensorflow as tf
from harness.reproduction import measures, tuning
from made_outputs import CONFIG, made_outputs
from scipy import stats


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


if __name__ == "__main__":
    tf.test.main()
