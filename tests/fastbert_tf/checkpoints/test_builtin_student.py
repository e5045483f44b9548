"""The weights that ship with the package."""

import keras
import numpy as np
import tensorflow as tf

from fastbert_tf.checkpoints import BUILTIN, BUILTIN_FOLDER, import_backbone
from fastbert_tf.models import Backbone
from fastbert_tokenizers import WordPieceTokenizer

SENTENCES = (
    ("the film was a delight from beginning to end", "i loved this movie"),
    ("the doctor told him to stay in bed", "the physician said that he should rest"),
    ("shares fell sharply on monday", "the stock market lost much of its value"),
    ("the little boat was lost in the storm", "heavy winds sank a small ship"),
    ("the king died and his son took the throne", "after the monarch's death the prince was crowned"),
    ("she plays the piano every evening", "at night she makes music on the keyboard"),
)
"""Pairs that mean about the same, in other words."""


class BuiltinStudentTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.student = import_backbone(BUILTIN)

    def test_is_complete(self):
        self.assertEqual(self.student.report.summary(), "0 missing; 0 unexpected; 0 skipped")
        self.assertTrue(self.student.lower_case)
        self.assertLen(self.student.vocabulary.tokens, self.student.backbone.config.vocabulary_size)

    def test_is_small_and_described(self):
        self.assertLessEqual(sum(file.stat().st_size for file in BUILTIN_FOLDER.iterdir()), 8e6)
        card = (BUILTIN_FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
        for part in ("How it was made", "Scores", "Limits", "Licences", "11,797,862"):
            self.assertIn(part, card)
        self.assertIn(f"{self.student.backbone.count_params():,} parameters", card)

    def test_knows_what_sentences_mean(self):
        """Each sentence is nearest to the one that says the same; with random weights few are."""
        self.assertEqual(self.found(self.student.backbone), len(SENTENCES))
        keras.utils.set_random_seed(0)
        self.assertLess(self.found(Backbone(**self.student.backbone.config.to_dict())), 4)

    def found(self, backbone):
        """Of the first sentences, how many have their own pair as the nearest of all second ones."""
        first, second = (self.means(backbone, list(side)) for side in zip(*SENTENCES, strict=True))
        return int((np.argmax(first @ second.T, 1) == np.arange(len(SENTENCES))).sum())

    def means(self, backbone, texts):
        """Unit vectors (texts, hidden): means of the last layer over the tokens, less that of all texts."""
        rows = WordPieceTokenizer(self.student.vocabulary, True, 32)(tf.constant(texts))
        states = np.array(backbone(rows)[-1])
        mask = np.array(rows["padding_mask"])[..., None]
        means = (states * mask).sum(1) / mask.sum(1)
        means -= means.mean(0)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


if __name__ == "__main__":
    tf.test.main()
