"""Keyed random numbers: uniform, independent of each other, and a function of their coordinates alone."""

import itertools

import numpy as np
import tensorflow as tf

from fastbert_tokenizers import key_of, keyed_uniform


def mixed(state):
    """The hash in Python's whole numbers."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        state = (state ^ (state >> shift)) * factor % 2**32
    return state ^ (state >> 16)


def reference(*parts):
    state = 0
    for part in parts:
        state = mixed(state ^ (part % 2**32 + 1) * 0x9E3779B9 % 2**32)
    return state


class KeyedRandomTest(tf.test.TestCase):
    def test_equals_the_formula(self):
        for parts in ((0, 0, 0), (5, 2**31, 7), (123, 4, 2**32 - 1)):
            self.assertEqual(float(keyed_uniform(*parts)), (reference(*parts) >> 8) / 2**24)
            self.assertEqual(key_of(*parts), reference(*parts))

    def test_a_number_does_not_depend_on_its_neighbours(self):
        rows, places = tf.range(50, dtype=tf.int64)[:, None], tf.range(40)[None, :]
        together = keyed_uniform(3, rows, places, 1)
        self.assertEqual(together.shape, (50, 40))
        self.assertAllEqual(keyed_uniform(3, rows[7], places[0, 5:9], 1), together[7, 5:9])
        graph = tf.function(lambda seed: keyed_uniform(seed, rows, places, 1))
        self.assertAllEqual(graph(tf.constant(3)), together)

    def test_uniform_and_uncorrelated(self):
        count = 200_000
        numbers = keyed_uniform(0, tf.range(count), 0).numpy()
        self.assertAllInRange(numbers, 0.0, 1.0 - 2.0**-24)
        bins = np.bincount((numbers * 100).astype(int), minlength=100)
        self.assertLess(((bins - count / 100) ** 2 / (count / 100)).sum(), 160)  # chi-square, 99 degrees: p < 0.0001
        others = {
            "next row": keyed_uniform(0, tf.range(count) + 1, 0),
            "next place": keyed_uniform(0, tf.range(count), 1),
            "next seed": keyed_uniform(1, tf.range(count), 0),
            "exchanged": keyed_uniform(0, 0, tf.range(count)),
            "another purpose": keyed_uniform(0, tf.range(count), 0, 1),
        }
        series = {"itself": numbers, **{name: values.numpy() for name, values in others.items()}}
        for (first, a), (second, b) in itertools.combinations(series.items(), 2):
            if {first, second} != {"itself", "next row"}:  # one is the other, moved by a place
                self.assertLess(abs(np.corrcoef(a, b)[0, 1]), 5 / count**0.5, (first, second))
        self.assertLess(abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]), 5 / count**0.5)

    def test_keys_of_epochs_differ(self):
        keys = {key_of(seed, epoch) for seed in range(10) for epoch in range(20)}
        self.assertLen(keys, 200)
        self.assertAllInRange(list(keys), 0, 2**32 - 1)


if __name__ == "__main__":
    tf.test.main()
