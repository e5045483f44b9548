"""Figures of the LiteRT benchmark, and the page that shows them."""

import numpy as np
import tensorflow as tf
from harness.litert import page
from harness.litert.engines import Engine
from harness.litert.figures import TOKENS, agreement, milliseconds, parity, summary, timed_rows


def constant(probability, layer):
    return Engine(lambda row, speed: (np.array([1 - probability, probability]), layer), size=1)


class LitertFiguresTest(tf.test.TestCase):
    def test_agreement_by_hand(self):
        ours = {"probabilities": np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]), "exit_layer": np.array([1, 2, 3])}
        theirs = {"probabilities": np.array([[0.8, 0.2], [0.6, 0.4], [0.2, 0.8]]), "exit_layer": np.array([1, 1, 3])}
        found = agreement(ours, theirs)
        self.assertAlmostEqual(found["same_label"], 2 / 3)
        self.assertAlmostEqual(found["same_exit"], 2 / 3)
        self.assertAlmostEqual(found["largest_difference"], 0.1)  # of rows with the same exit

    def test_parity_compares_every_export_with_the_other_saved_models(self):
        engines = {"SavedModel float32": constant(0.9, 2), "LiteRT int8": constant(0.4, 1)}
        records = parity(engines, [[2, 3]] * 4, np.array([1, 1, 1, 0]))
        self.assertEqual([record["accuracy"] for record in records[:2]], [0.75, 0.25])
        self.assertEqual([list(record["agreement"]) for record in records[:2]], [[], ["SavedModel float32"]])
        self.assertEqual(records[1]["agreement"]["SavedModel float32"]["same_exit"], 0)

    def test_every_row_is_timed_every_turn(self):
        asked = []
        engine = Engine(lambda row, speed: (np.ones(2), asked.append((len(row), speed)) or 1), size=1)
        times = milliseconds({"a": engine}, [[2, 3], [2, 5, 3]], 0.5, turns=2)
        self.assertEqual(asked, [(2, 0.5), (3, 0.5)] * 4)  # once a turn to warm up
        self.assertEqual(times["a"].shape, (2, 2))
        self.assertAllGreater(times["a"], 0)

    def test_summary_by_hand(self):
        found = summary(np.array([[1.0, 4.0], [3.0, 4.0], [2.0, 10.0]]))
        self.assertEqual((found["median"], found["mean"]), (3.5, 3.0))

    def test_timed_rows_have_the_tokens_that_they_say(self):
        rows = timed_rows([[2, 7, 3], [2, 7, 8, 9, 3], [2, 3]], count=4)
        self.assertEqual(rows["real lengths"], [[2, 7, 3], [2, 7, 8, 9, 3], [2, 3]])
        self.assertEqual({len(row) for row in rows[f"{TOKENS} tokens"]}, {TOKENS})
        for some in list(rows.values())[1:]:
            self.assertTrue(all(row[0] == 2 and row[-1] == 3 for row in some))

    def test_page_is_written_from_the_stored_figures(self):
        text = page.PAGE.read_text(encoding="utf-8")
        if not page.FIGURES.exists():  # nothing is measured yet: nothing is shown
            self.assertIn(page.BEGIN + page.END, text)
            return
        self.assertEqual(page.with_measured_part(text, page.stored()), text)


if __name__ == "__main__":
    tf.test.main()
