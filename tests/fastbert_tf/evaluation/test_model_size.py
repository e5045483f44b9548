"""Counts by hand, beside table 1 of "Extreme Language Model Compression"."""

import tensorflow as tf

from fastbert_tf.config import BackboneConfig
from fastbert_tf.evaluation import encoder_flops, encoder_parameters, parameter_breakdown, size_table
from fastbert_tf.evaluation.model_size import BERT_BASE, PUBLISHED, megabytes
from fastbert_tf.models import MaskedLm
from fastbert_tf.models.backbone import Backbone

STUDENT = BackboneConfig(4928, num_layers=12, num_heads=12, hidden_dim=48, intermediate_dim=192)


class ModelSizeTest(tf.test.TestCase):
    def test_bert_base_has_the_published_parameters(self):
        self.assertEqual(sum(parameter_breakdown(BERT_BASE).values()), PUBLISHED[768]["parameters"])
        self.assertAllClose(megabytes(110_106_428), 420, rtol=1e-3)

    def test_the_48_wide_student_by_hand(self):
        layer = 4 * (2304 + 48) + (9216 + 192) + (9216 + 48) + 192  # 28,272
        self.assertEqual(
            parameter_breakdown(STUDENT),
            {
                "token_embeddings": 236_544,
                "other_embeddings": 24_576 + 96 + 96,
                "layers": 12 * layer,
                "pooler": 2_352,
                "masked_lm_head": 2_352 + 96 + 4_928,
                "next_sentence_head": 98,
            },
        )
        self.assertEqual(encoder_parameters(STUDENT), 600_576)

    def test_counts_are_those_of_the_model(self):
        shape = BackboneConfig(50, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=24, max_sequence_length=9)
        model = MaskedLm(Backbone(**shape.to_dict()))
        self.assertEqual(model.backbone.count_params(), encoder_parameters(shape))
        parts = parameter_breakdown(shape)
        self.assertEqual(model.count_params(), encoder_parameters(shape) + parts["masked_lm_head"])

    def test_flops_by_hand(self):
        """Linear layers 12 d^2 a token with an inner width of 4 d; attention products 2 x 128 d."""
        self.assertEqual(encoder_flops(STUDENT), 2 * 12 * 128 * (12 * 48**2 + 2 * 128 * 48))
        linear = 24 * 128 * 12 * 768**2
        self.assertEqual(encoder_flops(BERT_BASE), linear + 24 * 128 * 2 * 128 * 768)

    def test_table(self):
        table = size_table()
        self.assertIn("| 48 | 610,402 | 600,576 | 2.3 |", table)
        self.assertIn("| 1,775,910 | 6.8 | 1.3 % |", table)
        self.assertIn("| 768 | 110,106,428 | 108,891,648 | 420.0 | 100 % | 110,106,428 | 420 | 100 % |", table)


if __name__ == "__main__":
    tf.test.main()
