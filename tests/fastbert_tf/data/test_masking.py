"""Corruption: BERT's shares, labels and replacements of the piece's own vocabulary, whole words, determinism."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from corpora import STUDENT, TEACHER

from fastbert_tf.data import MaskingConfig
from fastbert_tf.data.masking import Masking
from fastbert_tokenizers import JointVocabulary

JOINT = JointVocabulary(TEACHER, STUDENT)
FIRST = len(TEACHER)
THE, RIVER, CAMP = TEACHER.id_of("the"), TEACHER.id_of("river"), TEACHER.id_of("camp")
RIV, ER = FIRST + STUDENT.id_of("riv"), FIRST + STUDENT.id_of("##er")
ROW = [THE, RIV, ER, CAMP, FIRST + STUDENT.id_of("the"), TEACHER.unknown_id, FIRST + STUDENT.unknown_id]


def corrupt(rows, config=None, seed=0, numbers=None, joint=JOINT):
    numbers = tf.range(len(rows)) if numbers is None else numbers
    masking = Masking(joint, config or MaskingConfig())
    return masking(tf.ragged.constant(rows, tf.int32, ragged_rank=1), seed, numbers)


class MaskingTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(True, False)
    def test_shares(self, whole_words):
        rows = [ROW * 10] * 2000
        seen, labels = (part.to_tensor().numpy() for part in corrupt(rows, MaskingConfig(whole_words=whole_words)))
        ids = np.array(rows)
        predicted = labels >= 0
        ordinary = ~np.isin(ids, [TEACHER.unknown_id, FIRST + STUDENT.unknown_id])
        self.assertFalse((predicted & ~ordinary).any())
        self.assertAllEqual(labels[predicted], ids[predicted])
        self.assertAllEqual(labels[~predicted], np.full((~predicted).sum(), -1))
        self.assertAllEqual(seen[~predicted], ids[~predicted])
        count = ordinary.sum()
        self.assertAllClose(predicted.sum() / count, 0.15, atol=6 * (0.15 * 0.85 / count) ** 0.5)  # words come in pairs
        for share, chosen in (
            (0.8, seen == TEACHER.mask_id),
            (0.1, (seen == ids)),  # and one in many replacements, which happens to be the same
            (0.1, (seen != ids) & (seen != TEACHER.mask_id)),
        ):
            self.assertAllClose(chosen[predicted].mean(), share, atol=0.006)

    def test_replacements_come_evenly_from_the_own_vocabulary(self):
        rows = [ROW * 10] * 2000
        seen, labels = corrupt(rows, MaskingConfig(mask_share=0.0, random_share=1.0))
        seen, labels = seen.flat_values.numpy(), labels.flat_values.numpy()
        for of_student in (False, True):
            replaced = seen[(labels >= 0) & ((labels >= FIRST) == of_student)]
            start, end = (FIRST, len(JOINT)) if of_student else (0, FIRST)
            allowed = start + np.flatnonzero(JOINT.is_ordinary[start:end])
            counts = np.array([(replaced == id).sum() for id in allowed])
            self.assertEqual(counts.sum(), len(replaced))
            mean = len(replaced) / len(allowed)
            self.assertLess(((counts - mean) ** 2 / mean).sum(), len(allowed) + 6 * (2 * len(allowed)) ** 0.5)

    def test_whole_words(self):
        for whole_words in (True, False):
            _, labels = corrupt([ROW] * 3000, MaskingConfig(whole_words=whole_words))
            inside = labels.to_tensor().numpy()[:, 1:3] >= 0  # the two pieces of "river"
            agree = (inside[:, 0] == inside[:, 1]).mean()
            self.assertAllClose(agree, 1.0 if whole_words else 0.15**2 + 0.85**2, atol=0.03 * (not whole_words))

    def test_two_segmentations_of_a_sentence_have_the_same_words_masked(self):
        teacher = [[THE, RIVER, CAMP, THE, CAMP]] * 100
        student = [[THE, RIV, ER, CAMP, THE, CAMP]] * 100
        a, b = corrupt(teacher), corrupt(student)
        self.assertAllEqual(a[1].to_tensor() >= 0, b[1].to_tensor().numpy()[:, [0, 1, 3, 4, 5]] >= 0)
        masked = [part[0].to_tensor().numpy() == TEACHER.mask_id for part in (a, b)]
        self.assertAllEqual(masked[0], masked[1][:, [0, 1, 3, 4, 5]])

    def test_a_row_depends_on_seed_and_number_alone(self):
        rows = [ROW * (1 + i % 3) for i in range(12)] + [[]]
        seen, labels = (part.to_list() for part in corrupt(rows, seed=9))
        self.assertEqual([part.to_list() for part in corrupt(rows, seed=9)], [seen, labels])
        self.assertNotEqual(corrupt(rows, seed=10)[1].to_list(), labels)
        some = [11, 4, 12]
        again = [part.to_list() for part in corrupt([rows[i] for i in some], seed=9, numbers=some)]
        self.assertEqual(again, [[seen[i] for i in some], [labels[i] for i in some]])

    def test_one_vocabulary(self):
        row = [STUDENT.id_of("riv"), STUDENT.id_of("##er")] * 50
        seen, labels = corrupt([row], joint=JointVocabulary(STUDENT))
        self.assertContainsSubset({STUDENT.mask_id}, seen.to_list()[0])
        self.assertEqual(set(labels.to_list()[0]) - {-1}, set(row))

    def test_config(self):
        self.assertEqual(MaskingConfig.from_dict(MaskingConfig(rate=0.2).to_dict()), MaskingConfig(rate=0.2))
        for rate in (0.0, 1.0, -0.1):
            with self.assertRaisesRegex(ValueError, r"rate must be in \(0, 1\)"):
                MaskingConfig(rate=rate)
        for mask, other in ((0.8, 0.3), (-0.1, 0.1)):
            with self.assertRaisesRegex(ValueError, "mask_share and random_share"):
                MaskingConfig(mask_share=mask, random_share=other)


if __name__ == "__main__":
    tf.test.main()
