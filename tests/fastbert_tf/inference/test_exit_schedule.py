"""Schedules: which layers a step computes, and what is refused."""

from __future__ import annotations

import json

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.inference import ExitSchedule


class ExitScheduleTest(tf.test.TestCase, parameterized.TestCase):
    def test_steps_cover_every_layer_once(self):
        self.assertEqual(list(ExitSchedule((2, 3, 6)).steps()), [range(2), range(2, 3), range(3, 6)])
        self.assertEqual(list(ExitSchedule((4,)).steps()), [range(4)])

    def test_every_layer(self):
        self.assertEqual(ExitSchedule.every_layer(3), ExitSchedule((1, 2, 3), 0.0))

    def test_round_trip(self):
        schedule = ExitSchedule((2, 6), 0.25)
        self.assertEqual(ExitSchedule.from_dict(json.loads(json.dumps(schedule.to_dict()))), schedule)

    @parameterized.parameters(
        ({"exits": ()}, "at least one"),
        ({"exits": (1.5, 2)}, "layer numbers"),
        ({"exits": (True, 2)}, "layer numbers"),
        ({"exits": (0, 2)}, "count layers from 1"),
        ({"exits": (2, 2)}, "must rise"),
        ({"exits": (3, 2)}, "must rise"),
        ({"exits": (1, 2), "shrink_share": 1.1}, r"shrink_share must be in \[0, 1\], but is 1.1"),
        ({"exits": (1, 2), "shrink_share": float("nan")}, "shrink_share"),
    )
    def test_refuses(self, fields, words):
        with self.assertRaisesRegex(ValueError, words):
            ExitSchedule(**fields)


if __name__ == "__main__":
    tf.test.main()
