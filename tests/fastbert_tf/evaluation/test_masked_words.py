"""Accuracy and cross-entropy over masked places, against NumPy."""

import numpy as np
import registry
import samples
import tensorflow as tf

from fastbert_tf.evaluation import masked_words


class MaskedWordsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.model = registry.make_student()
        registry.spread(self.model)

    def test_counts_over_batches_of_all_sizes(self):
        batches = [registry.dual_batch(rows) for rows in (3, 40)]
        wider = {name: np.pad(value, ((0, 0), (0, 3)), constant_values=-1 if "labels" in name else 0)
                 for name, value in registry.dual_batch(5).items()}  # fmt: skip
        batches.append(wider)
        right, nats, places = 0, 0.0, 0
        for batch in batches:
            ids, labels = batch["student_ids"], batch["student_labels"]
            where = np.flatnonzero(labels >= 0)
            inputs = {"token_ids": ids, "padding_mask": batch["student_mask"], "places": where.astype(np.int32)}
            logits = self.model(inputs).numpy().astype(np.float64)
            wanted = labels.reshape(-1)[where]
            right += (logits.argmax(-1) == wanted).sum()
            log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
            nats -= log_p[np.arange(len(where)), wanted].sum()
            places += len(where)
        found = masked_words(self.model, batches)
        self.assertEqual((found.places, found.right), (places, right))
        self.assertGreater(found.places, 64)
        self.assertAllClose(found.accuracy, right / places)
        self.assertAllClose(found.cross_entropy, nats / places, rtol=1e-5)

    def test_nothing_to_predict(self):
        batch = registry.dual_batch()
        batch["student_labels"] = np.full_like(batch["student_labels"], -1)
        with self.assertRaisesRegex(ValueError, "no place is predicted"):
            masked_words(self.model, [batch])

    def test_ids_of_another_vocabulary(self):
        batch = registry.dual_batch()
        batch["student_ids"] = batch["student_ids"] + samples.STUDENT_VOCABULARY
        with self.assertRaisesRegex(ValueError, "ids must be below 20, the model's vocabulary"):
            masked_words(self.model, [batch])


if __name__ == "__main__":
    tf.test.main()
