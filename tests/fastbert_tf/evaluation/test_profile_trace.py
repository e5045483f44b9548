"""Traces of TensorFlow's profiler, and whose time an instant is."""

from __future__ import annotations

from collections import Counter

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.evaluation.profile_trace import Operation, shared_seconds, trace

SECOND = 10**12  # in picoseconds


class SharedSecondsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("one_after_the_other", [("a", 0, 2), ("b", 2, 3)], {"a": 2, "b": 1}),
        ("gap", [("a", 0, 2), ("b", 5, 6)], {"a": 2, "b": 1}),
        ("side_by_side", [("a", 0, 4), ("b", 0, 4)], {"a": 2, "b": 2}),
        ("overlap", [("a", 0, 4), ("b", 2, 6)], {"a": 3, "b": 3}),
        ("one_in_the_other", [("a", 0, 6), ("b", 2, 4)], {"a": 5, "b": 1}),
        ("three", [("a", 0, 3), ("b", 0, 3), ("c", 0, 6)], {"a": 1, "b": 1, "c": 4}),
        ("twice", [("a", 0, 1), ("a", 2, 4)], {"a": 3}),
        ("itself_side_by_side", [("a", 0, 2), ("a", 0, 2)], {"a": 2}),
        ("no_duration", [("a", 1, 1), ("b", 0, 2), ("c", 5, 5)], {"b": 2}),
    )
    def test_instants_are_shared(self, runs, expected):
        operations = [Operation(name, start * SECOND, end * SECOND) for name, start, end in runs]
        for order in (operations, operations[::-1]):
            found = {name: seconds for name, seconds in shared_seconds(order).items() if seconds}
            self.assertEqual(set(found), set(expected))
            for name, seconds in expected.items():
                self.assertAlmostEqual(found[name], seconds, places=9)

    def test_nothing_ran(self):
        self.assertEmpty(shared_seconds([]))


class TraceTest(tf.test.TestCase):
    def test_finds_every_run_of_every_operation_by_its_scopes(self):
        @tf.function(autograph=False)
        def function(x):
            with tf.name_scope("outer"):
                x = tf.matmul(x, x, name="first")
                with tf.name_scope("inner"):
                    x = tf.cond(x[0, 0] > 0, lambda: tf.matmul(x, x, name="second"), lambda: x)
            return tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, tf.matmul(x, x, name="third")), (0, x))[1]

        x = tf.eye(64)
        function(x)
        taken = trace(lambda: function(x))
        found = Counter(name.split("/")[-1] for name, *_ in taken.operations)
        self.assertEqual([found[name] for name in ("first", "second", "third")], [1, 1, 3])
        (second,) = (operation for operation in taken.operations if operation.name.endswith("second"))
        self.assertIn("outer/inner", second.name)
        busy = sum(shared_seconds(taken.operations).values())
        self.assertGreater(busy, 0)
        self.assertLess(busy, taken.seconds)

    def test_a_failing_call_ends_the_profile(self):
        with self.assertRaisesRegex(ZeroDivisionError, "division"):
            trace(lambda: 1 / 0)
        trace(lambda: None)  # another one may begin

    def test_one_profile_at_a_time(self):
        with self.assertRaises(tf.errors.AlreadyExistsError):
            trace(lambda: trace(lambda: None))
        trace(lambda: None)


if __name__ == "__main__":
    tf.test.main()
