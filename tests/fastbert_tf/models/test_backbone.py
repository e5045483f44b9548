"""The backbone is its layers in a row; a row's hidden states depend on that row's real tokens alone."""

from __future__ import annotations

import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import BackboneConfig
from fastbert_tf.models import Backbone

INPUTS = registry.token_inputs()
REAL = INPUTS["padding_mask"].astype(bool)


class BackboneTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.backbone = registry.make_backbone()
        registry.spread(self.backbone)

    def test_returns_the_hidden_states_of_every_layer(self):
        states = self.backbone(INPUTS)
        self.assertLen(states, registry.DEPTH)
        hidden = self.backbone.embeddings(INPUTS["token_ids"], INPUTS["segment_ids"])
        for block, state in zip(self.backbone.blocks, states, strict=True):
            hidden = block(hidden, INPUTS["padding_mask"])
            self.assertEqual(state.shape, (registry.BATCH, registry.LENGTH, registry.WIDTH))
            self.assertAllClose(state, hidden, atol=1e-6)

    def test_a_single_layer(self):
        config = {**self.backbone.config.to_dict(), "num_layers": 1}
        (state,) = Backbone(**config)(INPUTS)
        self.assertEqual(state.shape, (registry.BATCH, registry.LENGTH, registry.WIDTH))

    def test_padding_changes_nothing(self):
        wider = {name: np.pad(value, ((0, 0), (0, 5)), constant_values=0) for name, value in INPUTS.items()}
        wider["token_ids"][:, registry.LENGTH :] = 7  # whatever stands there
        for state, wide in zip(self.backbone(INPUTS), self.backbone(wider), strict=True):
            self.assertAllClose(state[REAL], wide[:, : registry.LENGTH][REAL], atol=1e-5)

    def test_neighbours_change_nothing(self):
        together = self.backbone(INPUTS)[-1].numpy()
        for row, length in enumerate(REAL.sum(1)):
            alone = self.backbone({name: value[row : row + 1, :length] for name, value in INPUTS.items()})[-1]
            self.assertAllClose(alone[0], together[row, :length], atol=1e-5)

    def test_position_and_segment_matter(self):
        swapped = {**INPUTS, "token_ids": INPUTS["token_ids"][:, ::-1].copy()}
        other_segment = {**INPUTS, "segment_ids": 1 - INPUTS["segment_ids"]}
        for changed in (swapped, other_segment):
            self.assertNotAllClose(self.backbone(INPUTS)[-1], self.backbone(changed)[-1], atol=1e-2)

    def test_dropout_acts_in_training_alone(self):
        first, second = (self.backbone(INPUTS, training=True)[-1] for _ in range(2))
        self.assertNotAllClose(first, second)
        self.assertAllEqual(self.backbone(INPUTS)[-1], self.backbone(INPUTS, training=False)[-1])

    def test_number_of_weights(self):
        """BERT's count, for a shape whose sizes are all different."""
        config = BackboneConfig(
            vocabulary_size=50, num_layers=3, num_heads=2, hidden_dim=6, intermediate_dim=14, max_sequence_length=20
        )
        embeddings = (50 + 20 + 2) * 6 + 2 * 6
        block = 4 * (6 * 6 + 6) + 2 * 6 + (6 * 14 + 14) + (14 * 6 + 6) + 2 * 6
        backbone = Backbone(**config.to_dict())
        self.assertEqual(backbone.count_params(), 3 * block + embeddings)
        self.assertEqual(backbone.config, config)

    def test_input_longer_than_the_positions_is_an_error(self):
        long = {name: np.ones((1, 2 * registry.LENGTH + 1), np.int32) for name in INPUTS}
        with self.assertRaisesRegex(ValueError, "max_sequence_length"):
            self.backbone(long)

    @parameterized.parameters(
        ({"num_layers": 0}, "num_layers must be an integer of at least 1"),
        ({"num_heads": 3}, "hidden_dim must be a multiple of 3 heads"),
        ({"hidden_size": 8}, "BackboneConfig has no field .*hidden_size"),
    )
    def test_bad_field(self, fields, message):
        with self.assertRaisesRegex(ValueError, message):
            Backbone(**{**self.backbone.config.to_dict(), **fields})


if __name__ == "__main__":
    tf.test.main()
