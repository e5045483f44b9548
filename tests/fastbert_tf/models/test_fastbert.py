"""FastBert is a backbone with a branch on every layer, the last one the teacher."""

from __future__ import annotations

import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.models import FastBert

INPUTS = registry.token_inputs()


class FastBertTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.model = registry.make_fastbert()
        registry.spread(self.model)

    def test_every_branch_reads_its_layer(self):
        logits = self.model(INPUTS)
        self.assertEqual(logits.shape, (registry.BATCH, registry.DEPTH, registry.CLASSES))
        self.assertEqual(logits.dtype, tf.float32)
        for layer, hidden in enumerate(self.model.backbone(INPUTS)):
            expected = self.model.branches[layer](hidden, INPUTS["padding_mask"])
            self.assertAllClose(logits[:, layer], expected, atol=1e-6)
            others = [branch(hidden, INPUTS["padding_mask"]) for branch in self.model.branches]
            self.assertLen([x for x in others if np.allclose(x, expected)], 1)

    def test_teacher_and_students(self):
        self.assertLen(self.model.branches, registry.DEPTH)
        self.assertIs(self.model.teacher, self.model.branches[-1])
        self.assertEqual(self.model.students, self.model.branches[:-1])

    def test_shares_the_backbone(self):
        self.model.backbone.embeddings.token_embedding.embeddings.assign_add(
            tf.random.stateless_normal((registry.VOCABULARY, registry.WIDTH), (1, 2))
        )
        before = self.model(INPUTS).numpy()
        again = FastBert(self.model.backbone, registry.CLASSES, branch_dim=4, branch_heads=2)
        for mine, other in zip(again.branches, self.model.branches, strict=True):
            mine.set_weights(other.get_weights())
        self.assertAllClose(again(INPUTS), before, atol=1e-6)

    def test_padding_and_neighbours_change_nothing(self):
        together = self.model(INPUTS).numpy()
        for row, length in enumerate(INPUTS["padding_mask"].sum(1)):
            alone = self.model({name: value[row : row + 1, :length] for name, value in INPUTS.items()})
            self.assertAllClose(alone[0], together[row], atol=1e-5)

    def test_from_config(self):
        config = FastBertConfig(BackboneConfig(30, 2, 2, 8, 16), num_classes=5, branch_dim=6, branch_heads=3)
        model = FastBert.from_fastbert_config(config)
        self.assertEqual(model.config, config)
        self.assertEqual(model(INPUTS | {"token_ids": INPUTS["token_ids"] % 30}).shape, (registry.BATCH, 2, 5))

    @parameterized.parameters(
        ({"num_classes": 1}, "num_classes must be an integer of at least 2, but is 1"),
        ({"branch_dim": 5}, "branch_dim must be a multiple of 2 heads, but is 5"),
    )
    def test_bad_field(self, fields, message):
        with self.assertRaisesRegex(ValueError, message):
            FastBert(self.model.backbone, **{"num_classes": 2, "branch_dim": 4, "branch_heads": 2, **fields})


if __name__ == "__main__":
    tf.test.main()
