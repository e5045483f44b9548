"""Import of TF Model Garden checkpoints, written without Model Garden (see test_model_garden_parity.py)."""

import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastbert_tf.checkpoints import CheckpointError, import_backbone, import_google, import_model_garden
from fastbert_tf.checkpoints.assign import find_weight

LAYERS, HIDDEN, HEADS, INNER, POSITIONS, VOCABULARY_SIZE = 3, 24, 3, 40, 16, 50
HEAD_DIM = HIDDEN // HEADS
CONFIG = {
    "vocab_size": VOCABULARY_SIZE,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
}


def node(**children):
    """A trackable object with the given attributes."""
    module = tf.Module()
    for name, child in children.items():
        setattr(module, name, child)
    return module


def look_alike(layers=LAYERS):
    """Random variables under the attribute names of Model Garden's BertEncoderV2, without Model Garden."""
    random = np.random.default_rng(0)

    def variable(*shape):
        return tf.Variable(random.normal(size=shape).astype(np.float32))

    def norm():
        return node(gamma=variable(HIDDEN), beta=variable(HIDDEN))

    def projection():
        return node(kernel=variable(HIDDEN, HEADS, HEAD_DIM), bias=variable(HEADS, HEAD_DIM))

    def block():
        attention = node(
            _query_dense=projection(),
            _key_dense=projection(),
            _value_dense=projection(),
            _output_dense=node(kernel=variable(HEADS, HEAD_DIM, HIDDEN), bias=variable(HIDDEN)),
        )
        return node(
            _attention_layer=attention,
            _attention_layer_norm=norm(),
            _intermediate_dense=node(kernel=variable(HIDDEN, INNER), bias=variable(INNER)),
            _output_dense=node(kernel=variable(INNER, HIDDEN), bias=variable(HIDDEN)),
            _output_layer_norm=norm(),
        )

    return node(
        _embedding_layer=node(embeddings=variable(VOCABULARY_SIZE, HIDDEN)),
        _position_embedding_layer=node(embeddings=variable(POSITIONS, HIDDEN)),
        _type_embedding_layer=node(embeddings=variable(2, HIDDEN)),
        _embedding_norm_layer=norm(),
        _transformer_layers=[block() for _ in range(layers)],
        _pooler_layer=node(kernel=variable(HIDDEN, HIDDEN), bias=variable(HIDDEN)),
    )


class ImportModelGardenTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))

    def write(self, config=None, **roots):
        """Writes a checkpoint of `tf.train.Checkpoint(**roots)` and returns its directory."""
        tf.train.Checkpoint(**roots).save(str(self.folder / "ckpt"))
        (self.folder / "bert_config.json").write_text(json.dumps({**CONFIG, **(config or {})}))
        return self.folder

    def assert_refused(self, *words, importer=import_backbone):
        with self.assertRaises(CheckpointError) as caught:
            importer(self.folder)
        self.assertNotIn("\n", str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_weights_and_left_overs(self):
        encoder = look_alike()
        imported = import_backbone(self.write(encoder=encoder))
        block, ours = encoder._transformer_layers[2], imported.backbone.blocks[2]
        flat = (HIDDEN, HIDDEN)
        self.assertAllEqual(ours.attention.query.kernel, tf.reshape(block._attention_layer._query_dense.kernel, flat))
        self.assertAllEqual(ours.attention.key.bias, tf.reshape(block._attention_layer._key_dense.bias, [-1]))
        self.assertAllEqual(
            ours.attention.output_projection.kernel, tf.reshape(block._attention_layer._output_dense.kernel, flat)
        )
        self.assertAllEqual(ours.output_norm.beta, block._output_layer_norm.beta)
        self.assertAllEqual(
            find_weight(imported.backbone, "embeddings.segment_embedding.embeddings"),
            encoder._type_embedding_layer.embeddings,
        )
        self.assertEqual(imported.backbone.config.activation, "gelu_tanh")
        self.assertLen(imported.report.unexpected, 2)
        self.assertStartsWith(imported.report.unexpected[0], "encoder/_pooler_layer/bias")
        self.assertLen(imported.report.skipped, 2)  # save counter and object graph
        self.assertIsNone(imported.vocabulary)

    def test_encoder_deep_inside_a_training_checkpoint(self):
        encoder = look_alike()
        classifier = node(_network=encoder, head=node(kernel=tf.Variable([1.0])))
        optimizer = node(m=tf.Variable([1.0]), v=tf.Variable([1.0]))
        imported = import_backbone(self.write(model=classifier, optimizer=optimizer))
        self.assertAllEqual(imported.backbone.embeddings.layer_norm.gamma, encoder._embedding_norm_layer.gamma)
        self.assertLen(imported.report.unexpected, 3)
        self.assertLen(imported.report.skipped, 4)

    def test_activation_can_be_given(self):
        folder = self.write(encoder=look_alike())
        self.assertEqual(import_model_garden(folder, activation="gelu").backbone.config.activation, "gelu")

    def test_refusals(self):
        self.write({"num_hidden_layers": LAYERS + 1}, encoder=look_alike())
        self.assert_refused("missing", "_transformer_layers/3/_attention_layer/_query_dense/kernel")
        self.write({"num_attention_heads": 4}, encoder=look_alike())
        self.assert_refused("_transformer_layers/0/_attention_layer/_query_dense/kernel", "(24, 3, 8)", "(24, 4, 6)")
        self.assert_refused("use import_model_garden", importer=import_google)
        self.write({"hidden_act": "relu"}, encoder=look_alike())
        self.assert_refused("bert_config.json", "relu")
        self.write(something=node(kernel=tf.Variable([1.0])))
        self.assert_refused("no Model Garden encoder")
