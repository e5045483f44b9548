"""Encoders written as Hugging Face lays them out, and the one that ships with the package."""

from pathlib import Path
from unittest import mock

import numpy as np
import registry
import tensorflow as tf
from safetensors.numpy import load_file

from fastbert_tf.checkpoints import (
    BUILTIN,
    BUILTIN_FOLDER,
    CheckpointError,
    builtin,
    import_backbone,
    import_masked_lm,
    save_backbone,
)
from fastbert_tokenizers import Vocabulary

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = Vocabulary([*SPECIALS, *(f"w{i}" for i in range(registry.VOCABULARY - len(SPECIALS)))])


class SaveBackboneTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.get_temp_dir()) / "encoder"
        self.backbone = registry.make_backbone()
        registry.spread(self.backbone)

    def test_comes_back_whole(self):
        save_backbone(self.backbone, VOCABULARY, False, self.folder)
        imported = import_backbone(self.folder)
        self.assertEqual(imported.backbone.config, self.backbone.config)
        self.assertEqual((imported.vocabulary.tokens, imported.lower_case), (VOCABULARY.tokens, False))
        self.assertEqual((imported.report.missing, imported.report.unexpected), ((), ()))
        for one, other in zip(self.backbone.weights, imported.backbone.weights, strict=True):
            self.assertAllEqual(one, other)

    def test_float16_halves_the_size_and_rounds(self):
        save_backbone(self.backbone, VOCABULARY, True, self.folder, "float16", card="# Card\n")
        stored = load_file(self.folder / "model.safetensors")
        self.assertEqual({array.dtype for array in stored.values()}, {np.dtype(np.float16)})
        self.assertEqual((self.folder / "MODEL_CARD.md").read_text(), "# Card\n")
        for one, other in zip(self.backbone.weights, import_backbone(self.folder).backbone.weights, strict=True):
            self.assertAllEqual(one.numpy().astype(np.float16).astype(np.float32), other)
        save_backbone(self.backbone, VOCABULARY, True, self.folder)  # takes the place of the older one, card and all
        self.assertFalse((self.folder / "MODEL_CARD.md").exists())

    def test_what_cannot_be_stored(self):
        with self.assertRaisesRegex(CheckpointError, "stored_dtype must be one of"):
            save_backbone(self.backbone, VOCABULARY, True, self.folder, "int8")
        self.backbone.blocks[0].attention.key.bias.assign(np.full(registry.WIDTH, 1e5))
        with self.assertRaisesRegex(CheckpointError, "key.bias has weights beyond float16"):
            save_backbone(self.backbone, VOCABULARY, True, self.folder, "float16")
        self.assertFalse(self.folder.exists())


class BuiltinTest(tf.test.TestCase):
    def test_names_the_shipped_folder(self):
        folder = Path(self.get_temp_dir()) / "shipped"
        backbone = registry.make_backbone()
        save_backbone(backbone, VOCABULARY, True, folder, "float16")
        with mock.patch.object(builtin, "BUILTIN_FOLDER", folder):
            for imported in (import_backbone(BUILTIN).backbone, import_masked_lm(BUILTIN).model.backbone):
                self.assertEqual(imported.config, backbone.config)

    def test_an_installation_without_it(self):
        with (
            mock.patch.object(builtin, "BUILTIN_FOLDER", Path(self.get_temp_dir()) / "absent"),
            self.assertRaisesRegex(CheckpointError, "has no built-in student .* install it again"),
        ):
            import_backbone(BUILTIN)

    def test_a_folder_of_that_name(self):
        with self.assertRaisesRegex(CheckpointError, "builtin: is no readable directory"):
            import_backbone("./no/builtin")
        self.assertEqual(BUILTIN_FOLDER.parent.name, "fastbert_tf")


if __name__ == "__main__":
    tf.test.main()
