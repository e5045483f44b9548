"""Rows that all engines of the benchmark see."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from harness.peers.job import Job, rows_of, single_calls
from harness.peers.workload import Workload, random_workload, repeated, shuffled, sorted_workload, thinned

ROWS = sorted_workload(
    [[1, 7, 7, 2], [1, 2], [1, 5, 2]], [[0, 0, 1, 1], [0, 0], [0, 0, 0]], ["long", "short", "mid"], [0, 1, 1]
)


class WorkloadTest(tf.test.TestCase):
    def test_is_sorted_by_length_with_texts_and_labels(self):
        self.assertEqual(ROWS.texts, ["short", "mid", "long"])
        self.assertEqual(ROWS.labels, [1, 1, 0])
        self.assertAllEqual(ROWS.lengths, [2, 3, 4])

    def test_batches_are_padded_to_their_own_longest_row(self):
        first, last = ROWS.batches(2)
        self.assertAllEqual(first["token_ids"], [[1, 2, 0], [1, 5, 2]])
        self.assertAllEqual(first["padding_mask"], [[1, 1, 0], [1, 1, 1]])
        self.assertAllEqual(last["token_ids"], [[1, 7, 7, 2]])
        self.assertAllEqual(last["segment_ids"], [[0, 0, 1, 1]])
        self.assertEqual({values.dtype for values in first.values()}, {np.dtype(np.int32)})
        self.assertEqual(ROWS.text_batches(2), [["short", "mid"], ["long"]])

    def test_survives_its_file(self):
        path = Path(self.get_temp_dir()) / "deep" / "rows.json"
        ROWS.save(path)
        self.assertEqual(Workload.load(path), ROWS)

    def test_random_rows_have_one_length_and_no_padding_id(self):
        rows = random_workload(3, 5, vocabulary_size=9)
        self.assertAllEqual(rows.lengths, [5, 5, 5])
        self.assertAllInRange(np.array(rows.token_ids), 1, 8)

    def test_thinning_keeps_shortest_and_longest(self):
        rows = Workload([[1] * n for n in range(1, 101)], [[0] * n for n in range(1, 101)], [], [])
        self.assertAllEqual(thinned(rows, 4).lengths, [1, 34, 67, 100])
        self.assertEqual(thinned(rows, 1000), rows)

    def test_shuffling_keeps_every_row_whole(self):
        mixed = shuffled(Workload([[n] * n for n in range(1, 30)], [[0] * n for n in range(1, 30)], [], []))
        self.assertNotAllEqual(mixed.lengths, range(1, 30))
        self.assertCountEqual(mixed.lengths, range(1, 30))
        self.assertTrue(all(set(ids) == {len(ids)} for ids in mixed.token_ids))

    def test_few_rows_come_again(self):
        self.assertEqual(repeated(ROWS, 5).texts, ["short", "mid", "long", "short", "mid"])
        self.assertEqual(repeated(ROWS, 2).labels, [1, 1])

    def test_passes_of_single_calls_are_thinned_out(self):
        single, batched = (single_calls(Job("", size), 872) for size in (1, 32))
        self.assertEqual((single.every, rows_of(single, 872)), (9, 97))
        self.assertEqual((batched.every, rows_of(batched, 872)), (1, 872))


if __name__ == "__main__":
    tf.test.main()
