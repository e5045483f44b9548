"""Turns of engines, and what is said of their times."""

import numpy as np
import tensorflow as tf
from harness.peers import processes
from harness.peers.job import Job
from harness.performance.timing import per_row, ratio


class Recorder:
    """Stands for an engine's process."""

    def __init__(self, name, calls):
        self.name = name
        self.calls = calls

    def warm_up(self, job):
        self.calls.append((self.name.upper(), job.batch_size))

    def seconds(self, job):
        self.calls.append((self.name, job.batch_size))
        return [0.001 * len(self.calls), 0.0]


class TurnsTest(tf.test.TestCase):
    def test_another_one_goes_first_each_turn_after_all_are_warm(self):
        calls = []
        engines = {name: Recorder(name, calls) for name in "abc"}
        jobs = {name: Job("rows.json", size) for name, size in zip("abc", (1, 2, 3), strict=True)}
        seconds = processes.take_turns(engines, jobs, turns=3)
        self.assertEqual("".join(name for name, _ in calls), "ABC" + "abc" + "bca" + "cab")
        self.assertEqual({(name.lower(), size) for name, size in calls}, {("a", 1), ("b", 2), ("c", 3)})
        self.assertAllClose(seconds["a"], [[0.004, 0], [0.009, 0], [0.011, 0]])


class SummaryTest(tf.test.TestCase):
    def test_every_batch_counts_with_its_median(self):
        seconds = np.array([[0.1, 0.4], [0.3, 0.2], [0.2, 0.9]])  # medians 0.2 and 0.4; turns 0.5, 0.5, 1.1
        summary = per_row(seconds, rows=10)
        self.assertAllClose(summary["ms_per_row"], 60.0)
        self.assertAllClose(summary["quartiles_ms_per_row"], [50.0, 80.0])

    def test_ratio_is_above_one_where_the_second_is_faster(self):
        self.assertAllClose(ratio({"ms_per_row": 6.0}, {"ms_per_row": 2.0}), 3.0)


if __name__ == "__main__":
    tf.test.main()
