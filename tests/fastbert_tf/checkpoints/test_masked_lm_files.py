"""Masked language models in Hugging Face's layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import registry
import tensorflow as tf
from safetensors.numpy import load_file, save_file
from tiny_checkpoint import write_checkpoint

from fastbert_tf.checkpoints import CheckpointError, import_backbone, import_masked_lm, save_masked_lm
from fastbert_tokenizers import Vocabulary

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = Vocabulary([*SPECIALS, *(f"w{i}" for i in range(registry.VOCABULARY - len(SPECIALS)))])


class MaskedLmFilesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.get_temp_dir()) / "model"
        self.model = registry.make_masked_lm(depth=2)
        registry.spread(self.model)
        save_masked_lm(self.model, VOCABULARY, False, self.folder)

    def test_comes_back_whole(self):
        imported = import_masked_lm(self.folder)
        self.assertTrue(imported.has_head)
        self.assertFalse(imported.lower_case)
        self.assertEqual(imported.vocabulary.tokens, VOCABULARY.tokens)
        self.assertEqual(imported.model.config, self.model.config)
        for one, other in zip(self.model.weights, imported.model.weights, strict=True):
            self.assertAllEqual(one, other)

    def test_the_encoder_alone(self):
        imported = import_backbone(self.folder)
        for one, other in zip(self.model.backbone.weights, imported.backbone.weights, strict=True):
            self.assertAllEqual(one, other)
        self.assertLen(imported.report.unexpected, 5)
        self.assertEmpty(imported.report.missing)

    def test_hugging_faces_names_and_layouts(self):
        tensors = load_file(self.folder / "model.safetensors")
        block = self.model.backbone.blocks[1]
        self.assertAllEqual(tensors["bert.encoder.layer.1.intermediate.dense.weight"].T, block.intermediate.kernel)
        self.assertAllEqual(tensors["cls.predictions.transform.dense.weight"].T, self.model.transform.dense.kernel)
        self.assertAllEqual(tensors["cls.predictions.bias"], self.model.output_logits.bias)
        config = json.loads((self.folder / "config.json").read_text())
        self.assertEqual(config["architectures"], ["BertForMaskedLM"])
        self.assertEqual((config["hidden_size"], config["hidden_act"]), (registry.WIDTH, "gelu"))

    def test_an_encoder_without_a_head(self):
        imported = import_masked_lm(write_checkpoint(Path(self.get_temp_dir()) / "bert"), dropout=0.25)
        self.assertFalse(imported.has_head)
        self.assertEqual(imported.model.config.dropout, 0.25)
        self.assertEqual(imported.model.backbone.blocks[0].dropout_layer.rate, 0.25)
        expected = import_backbone(Path(self.get_temp_dir()) / "bert").backbone
        for one, other in zip(expected.weights, imported.model.backbone.weights, strict=True):
            self.assertAllEqual(one, other)

    def test_half_a_head(self):
        tensors = load_file(self.folder / "model.safetensors")
        del tensors["cls.predictions.bias"]
        save_file(tensors, self.folder / "model.safetensors")
        with self.assertRaisesRegex(CheckpointError, "missing: cls.predictions.bias"):
            import_masked_lm(self.folder)

    def test_replaces_a_model_and_nothing_else(self):
        save_masked_lm(self.model, VOCABULARY, True, self.folder)
        self.assertTrue(import_masked_lm(self.folder).lower_case)
        (self.folder / "notes.txt").write_text("mine")
        with self.assertRaisesRegex(CheckpointError, "holds notes.txt, which would be lost"):
            save_masked_lm(self.model, VOCABULARY, True, self.folder)
        with self.assertRaisesRegex(CheckpointError, "notes.txt: is a file"):
            save_masked_lm(self.model, VOCABULARY, True, self.folder / "notes.txt")

    def test_a_vocabulary_that_does_not_fit(self):
        large = Vocabulary([*VOCABULARY.tokens, "more"])
        with self.assertRaisesRegex(CheckpointError, "has 41 tokens, but the token embedding has 40 rows"):
            save_masked_lm(self.model, large, True, self.folder)


class TanhGeluTest(tf.test.TestCase):
    def test_comes_back(self):
        shape = {**registry.make_masked_lm().config.to_dict(), "activation": "gelu_tanh"}
        model = registry.models.MaskedLm(registry.models.Backbone(**shape))
        folder = save_masked_lm(model, VOCABULARY, True, Path(self.get_temp_dir()) / "tanh")
        imported = import_masked_lm(folder).model
        self.assertEqual(imported.config.activation, "gelu_tanh")
        inputs = registry.MODELS[1].inputs()
        self.assertAllEqual(imported(inputs), np.array(model(inputs)))


if __name__ == "__main__":
    tf.test.main()
