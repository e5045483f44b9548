"""Means over the pieces of words."""

import numpy as np
import registry
import tensorflow as tf

from fastbert_tf.models.word_encoder import word_shares

INPUTS = registry.word_inputs()


class WordEncoderTest(tf.test.TestCase):
    def test_shares_by_hand(self):
        shares = word_shares(np.array([[1, 2, 2, 3], [1, 2, 0, 0]], np.int32), np.zeros((2, 3)))
        expected = [
            [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25]],
            [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0.5, 0.5, 0, 0]],
        ]
        self.assertAllClose(shares, expected)

    def test_means_of_the_backbones_states(self):
        encoder = registry.make_word_teacher(depth=2)
        backbone, numbers = encoder.backbone, INPUTS["word_numbers"]
        ids = INPUTS["token_ids"]
        plain = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": (numbers > 0).astype(np.int32)}
        states = [backbone.embeddings(ids, plain["segment_ids"]), *backbone(plain)]
        found = encoder(INPUTS)
        self.assertLen(found, 3)
        for level, state in zip(found, states, strict=True):
            for row, mask in enumerate(INPUTS["word_mask"]):
                for word in range(1, mask.sum() + 1):
                    mean = state.numpy()[row][numbers[row] == word].mean(0)
                    self.assertAllClose(level[row, word - 1], mean, atol=1e-5)
                self.assertAllClose(level[row, -1], state.numpy()[row][numbers[row] > 0].mean(0), atol=1e-5)

    def test_lifts(self):
        student = registry.make_word_student()
        registry.spread(student)
        bare = type(student)(student.backbone)
        for lift, lifted, mean in zip(student.lifts, student(INPUTS), bare(INPUTS), strict=True):
            self.assertAllClose(lifted, mean @ lift.kernel.numpy() + lift.bias.numpy(), atol=1e-5)
            self.assertEqual(lifted.shape[-1], registry.WIDTH)


if __name__ == "__main__":
    tf.test.main()
