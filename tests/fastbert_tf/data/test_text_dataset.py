import numpy as np
import tensorflow as tf

from fastbert_tf.data import TextDataset


def numbered(rows):
    return TextDataset(
        [f"text {row}" for row in range(rows)], labels=[row % 2 for row in range(rows)], label_names=("a", "b")
    )


class TextDatasetTest(tf.test.TestCase):
    def test_keeps_rows_pairs_and_labels(self):
        dataset = TextDataset(["a", ""], text_pairs=["b", "c"], labels=[1, 0], label_names=["no", "yes"])
        self.assertLen(dataset, 2)
        self.assertTrue(dataset.is_pair)
        self.assertEqual(dataset.texts, ("a", ""))
        self.assertEqual(dataset.text_pairs, ("b", "c"))
        self.assertAllEqual(dataset.labels, [1, 0])
        self.assertEqual(dataset.labels.dtype, np.int32)
        self.assertEqual(dataset.label_names, ("no", "yes"))
        self.assertEqual(repr(dataset), "TextDataset(2 text pairs, labels no, yes)")

    def test_cannot_be_changed(self):
        labels = np.array([0, 1])
        dataset = TextDataset(["a", "b"], labels=labels, label_names=["x", "y"])
        with self.assertRaises(AttributeError):
            dataset.texts = ("c",)
        with self.assertRaises(ValueError):
            dataset.labels[0] = 1
        labels[0] = 1
        self.assertAllEqual(dataset.labels, [0, 1])

    def test_bad_input_names_the_row_and_the_mend(self):
        cases = [
            ({"texts": []}, "at least one row"),
            ({"texts": "abc"}, "put it in a list"),
            ({"texts": ["a", b"b"]}, r"texts\[1\] must be a str, received bytes"),
            ({"texts": ["a", "\ud83d"]}, r"texts\[1\] holds a lone surrogate"),
            ({"texts": ["a"], "text_pairs": ["b", "c"]}, "received 2 for 1 texts"),
            ({"texts": ["a"], "labels": [0]}, "labels need label_names"),
            ({"texts": ["a"], "labels": [0, 1], "label_names": ["x", "y"]}, "received 2 for 1 texts"),
            (
                {"texts": ["a", "b"], "labels": [0, 2], "label_names": ["x", "y"]},
                r"labels\[1\] is 2, outside the 2 classes",
            ),
            ({"texts": ["a"], "labels": [-1], "label_names": ["x", "y"]}, "is -1, outside"),
            ({"texts": ["a"], "labels": [0.0], "label_names": ["x", "y"]}, "float64"),
            ({"texts": ["a"], "label_names": ["x", "x"]}, "'x' twice"),
            ({"texts": ["a"], "label_names": ["x", ""]}, r"label_names\[1\]"),
            ({"texts": ["a"], "label_names": "xy"}, "one string 'xy'"),
        ]
        for arguments, message in cases:
            with self.subTest(message), self.assertRaisesRegex(ValueError, message) as raised:
                TextDataset(**arguments)
            self.assertNotIn("\n", str(raised.exception))


class TakeTest(tf.test.TestCase):
    def test_takes_rows_in_the_given_order(self):
        dataset = TextDataset(list("abc"), text_pairs=list("ABC"), labels=[0, 1, 1], label_names=["x", "y"])
        taken = dataset.take(np.array([2, 0, 2]))
        self.assertEqual((taken.texts, taken.text_pairs), (("c", "a", "c"), ("C", "A", "C")))
        self.assertAllEqual(taken.labels, [1, 0, 1])
        self.assertEqual(taken.label_names, dataset.label_names)

    def test_unlabelled_rows_stay_unlabelled(self):
        self.assertIsNone(TextDataset(["a", "b"]).take([1]).labels)

    def test_refuses_what_is_no_row(self):
        for indices, message in [
            ([3], r"\[0, 3\), received 3"),
            ([-1], "received -1"),
            ([True, False, True], "flatnonzero"),
            ([0.0], "float64"),
            ([[0]], r"shape \(1, 1\)"),
            (np.array([], np.int64), "at least one row"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                numbered(3).take(indices)


class SplitTest(tf.test.TestCase):
    def test_parts_are_disjoint_complete_and_aligned_with_their_labels(self):
        rest, held_out = numbered(100).split(30, seed=1)
        self.assertLen(held_out, 30)
        self.assertCountEqual(rest.texts + held_out.texts, numbered(100).texts)
        for part in (rest, held_out):
            self.assertAllEqual(part.labels, [int(text.split()[1]) % 2 for text in part.texts])

    def test_same_seed_same_split_other_seed_another(self):
        first, again, other = (numbered(50).split(10, seed=seed)[1].texts for seed in (3, 3, 4))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_fraction_is_rounded_and_leaves_both_sides_a_row(self):
        for fraction, expected in [(0.1, 1), (0.25, 2), (0.3, 3), (0.01, 1), (0.999, 9)]:
            self.assertLen(numbered(10).split(fraction, seed=0)[1], expected)

    def test_every_row_can_be_held_out(self):
        held = {numbered(10).split(1, seed=seed)[1].texts[0] for seed in range(200)}
        self.assertLen(held, 10)

    def test_refuses_an_empty_side(self):
        for value in (0, 10, -1, 11, 0.0, 1.0, -0.1, float("nan"), True, "3"):
            with self.subTest(value), self.assertRaisesRegex(ValueError, "at least one row on each side"):
                numbered(10).split(value, seed=0)
        with self.assertRaisesRegex(ValueError, "split of 1 rows"):
            numbered(1).split(0.5, seed=0)
