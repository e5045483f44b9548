"""Every policy decides alike in simulation, exit loop and exported graph, and comes back from JSON."""

from __future__ import annotations

import json

import numpy as np
import policy_cases
import registry
import tensorflow as tf
from absl.testing import parameterized
from exported import in_all_modes

from fastbert_tf import inference

ROWS = 200
SCHEDULES = [
    inference.ExitSchedule.every_layer(registry.DEPTH),
    inference.ExitSchedule((1, 2, registry.DEPTH), shrink_share=0.4),
]
NAMED = registry.named(policy_cases.POLICIES)


class ExportedPoliciesTest(tf.test.TestCase, parameterized.TestCase):
    def test_loop_and_simulation_agree_in_all_modes(self):
        """All policies in one exported graph: saving and loading take longer than deciding."""
        table = policy_cases.branch_probabilities(ROWS)
        stack = policy_cases.ScriptedStack(table)
        loops = {
            (name, number): inference.ExitLoop(stack, case.make(), schedule)
            for name, case in NAMED
            for number, schedule in enumerate(SCHEDULES)
        }
        order = np.random.default_rng(0).permutation(ROWS).astype(np.int32)
        inputs = dict.fromkeys(("token_ids", "segment_ids", "padding_mask"), order[:, None])
        speed = np.linspace(0, 1, ROWS, dtype=np.float32)
        speed[7] = np.nan

        def function(tensors):
            features = {name: tensors[name] for name in inputs}
            return {
                f"{name}/{number}/{output}": value
                for (name, number), loop in loops.items()
                for output, value in loop(features, tensors["speed"]).items()
            }

        for mode, answers in in_all_modes(function, {**inputs, "speed": speed}, []):
            for (name, number), loop in loops.items():
                expected = inference.simulate(loop.policy, table[order], speed, loop.schedule)
                for output, value in expected.items():
                    self.assertAllEqual(
                        answers[f"{name}/{number}/{output}"], value, f"{mode}: {name}, {number}, {output}"
                    )

    @parameterized.named_parameters(NAMED)
    def test_uses_every_exit(self, case):
        probabilities, speed = policy_cases.branch_probabilities(ROWS), np.linspace(0, 1, ROWS, dtype=np.float32)
        for schedule in SCHEDULES:
            answers = inference.simulate(case.make(), probabilities, speed, schedule)
            self.assertEqual(set(answers["exit_layer"]), set(schedule.exits[case.passes :]))


class PolicyPropertiesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(NAMED)
    def test_a_row_alone_decides_as_among_others(self, case):
        policy, probabilities = case.make(), policy_cases.branch_probabilities()
        speed = np.linspace(0, 1, len(probabilities)).astype(np.float32)
        together = policy.wants_exit(policy_cases.said_until(probabilities, 1), speed, layer=2)
        alone = [
            policy.wants_exit(policy_cases.said_until(probabilities[i : i + 1], 1), speed[i : i + 1], layer=2)[0]
            for i in range(len(speed))
        ]
        self.assertAllEqual(together, alone)
        self.assertGreater(np.sum(together), 10)
        self.assertLess(np.sum(together), len(speed) - 10)

    @parameterized.named_parameters(NAMED)
    def test_reads_no_more_than_its_memory(self, case):
        policy, probabilities = case.make(), policy_cases.branch_probabilities()
        said = policy_cases.said_until(probabilities, registry.DEPTH - 1)
        remembered = said[-1 - policy.memory :]
        self.assertAllEqual(policy.doubt(remembered, registry.DEPTH - 1), policy.doubt(said, registry.DEPTH - 1))

    @parameterized.named_parameters(NAMED)
    def test_doubts_are_float32_from_0_to_1(self, case):
        certain, even = np.eye(registry.CLASSES), np.full((2, registry.CLASSES), 1 / registry.CLASSES)
        tiny = [[1 - 1e-7, 1e-7, 0], [1e-38, 0, 1]]
        answers = np.float32([*certain, *even, *tiny])  # (rows, classes)
        probabilities = np.stack([answers, answers[::-1], answers], axis=1)  # (rows, layers, classes)
        found = inference.doubts(case.make(), probabilities)
        self.assertAllInRange(found, 0, 1)
        for exit in range(registry.DEPTH - 1):
            doubt = case.make().doubt(policy_cases.said_until(probabilities, exit), exit + 1)
            self.assertEqual((doubt.dtype, doubt.shape), (tf.float32, (len(answers),)))
            self.assertAllEqual(doubt, found[:, exit])

    @parameterized.named_parameters(NAMED)
    def test_round_trip_through_json(self, case):
        policy = case.make()
        self.assertEqual(inference.policy_class(policy.name), case.cls)
        again = inference.ExitPolicy.from_dict(json.loads(json.dumps(policy.to_dict())))
        self.assertEqual(again, policy)
        probabilities = policy_cases.branch_probabilities()
        self.assertAllEqual(inference.doubts(again, probabilities), inference.doubts(policy, probabilities))

    def test_every_name_is_registered(self):
        self.assertEqual(set(inference.policy_names()), {case.cls.name for case in policy_cases.POLICIES})


if __name__ == "__main__":
    tf.test.main()
