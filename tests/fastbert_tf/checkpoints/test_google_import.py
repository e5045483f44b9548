"""Import of Google's TensorFlow 1 checkpoints."""

import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastbert_tf.checkpoints import CheckpointError, import_backbone, import_google, import_model_garden
from fastbert_tf.checkpoints.assign import find_weight

LAYERS, HIDDEN, HEADS, INNER, POSITIONS = 2, 8, 2, 12, 16
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "##ly"]
CONFIG = {
    "vocab_size": len(VOCABULARY),
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02,
}


def google_variables():
    """Random values under the variable names of google-research/bert."""
    shapes = {
        "bert/embeddings/word_embeddings": (len(VOCABULARY), HIDDEN),
        "bert/embeddings/position_embeddings": (POSITIONS, HIDDEN),
        "bert/embeddings/token_type_embeddings": (2, HIDDEN),
        "bert/embeddings/LayerNorm/gamma": (HIDDEN,),
        "bert/embeddings/LayerNorm/beta": (HIDDEN,),
        "bert/pooler/dense/kernel": (HIDDEN, HIDDEN),
        "bert/pooler/dense/bias": (HIDDEN,),
        "cls/predictions/output_bias": (len(VOCABULARY),),
    }
    for i in range(LAYERS):
        layer = f"bert/encoder/layer_{i}"
        kernels = {f"attention/self/{name}": (HIDDEN, HIDDEN) for name in ("query", "key", "value")}
        kernels["attention/output/dense"] = (HIDDEN, HIDDEN)
        kernels["intermediate/dense"] = (HIDDEN, INNER)
        kernels["output/dense"] = (INNER, HIDDEN)
        for name, shape in kernels.items():
            shapes[f"{layer}/{name}/kernel"] = shape
            shapes[f"{layer}/{name}/bias"] = shape[1:]
        for name in ("attention/output", "output"):
            shapes[f"{layer}/{name}/LayerNorm/gamma"] = (HIDDEN,)
            shapes[f"{layer}/{name}/LayerNorm/beta"] = (HIDDEN,)
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def with_adam_slots(variables):
    """Adds what Google's optimizer leaves in a checkpoint."""
    slots = {f"{name}/{slot}": value for name, value in variables.items() for slot in ("adam_m", "adam_v")}
    return {**variables, **slots, "global_step": np.array(7, np.int64)}


class ImportGoogleTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))

    def write(self, variables, config=None, prefix="bert_model.ckpt"):
        """Writes a checkpoint directory with TensorFlow 1's own saver."""
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            for name, value in variables.items():
                tf.compat.v1.get_variable(name, initializer=value, use_resource=False)
            session.run(tf.compat.v1.global_variables_initializer())
            tf.compat.v1.train.Saver().save(session, str(self.folder / prefix), write_meta_graph=False)
        (self.folder / "checkpoint").unlink()  # Google's archives hold none
        (self.folder / "bert_config.json").write_text(json.dumps({**CONFIG, **(config or {})}))
        (self.folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
        return self.folder

    def assert_refused(self, *words, importer=import_backbone):
        with self.assertRaises(CheckpointError) as caught:
            importer(self.folder)
        self.assertNotIn("\n", str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_weights_and_left_overs(self):
        variables = google_variables()
        imported = import_backbone(self.write(with_adam_slots(variables)))
        pairs = {
            "embeddings.token_embedding.embeddings": "bert/embeddings/word_embeddings",
            "embeddings.segment_embedding.embeddings": "bert/embeddings/token_type_embeddings",
            "embeddings.layer_norm.gamma": "bert/embeddings/LayerNorm/gamma",
            "blocks.0.attention.query.kernel": "bert/encoder/layer_0/attention/self/query/kernel",
            "blocks.1.attention.value.bias": "bert/encoder/layer_1/attention/self/value/bias",
            "blocks.1.attention.output_projection.kernel": "bert/encoder/layer_1/attention/output/dense/kernel",
            "blocks.1.attention_norm.beta": "bert/encoder/layer_1/attention/output/LayerNorm/beta",
            "blocks.0.intermediate.kernel": "bert/encoder/layer_0/intermediate/dense/kernel",
            "blocks.0.output_projection.kernel": "bert/encoder/layer_0/output/dense/kernel",
            "blocks.0.output_norm.gamma": "bert/encoder/layer_0/output/LayerNorm/gamma",
        }
        for ours, theirs in pairs.items():
            self.assertAllEqual(find_weight(imported.backbone, ours), variables[theirs])
        self.assertEqual(imported.backbone.config.activation, "gelu")
        self.assertEqual(
            imported.report.unexpected,
            ("bert/pooler/dense/bias", "bert/pooler/dense/kernel", "cls/predictions/output_bias"),
        )
        self.assertLen(imported.report.skipped, 2 * len(variables) + 1)
        self.assertIn(f"{2 * len(variables) + 1} skipped", imported.report.summary())
        self.assertEqual(imported.vocabulary.tokens, tuple(VOCABULARY))
        self.assertTrue(imported.lower_case)

    def test_missing_weights_and_shapes(self):
        variables = google_variables()
        self.write(variables, {"num_hidden_layers": 3})
        self.assert_refused("missing", "encoder/layer_2/attention/self/query/kernel")
        self.write(variables, {"intermediate_size": 13})
        self.assert_refused("bert/encoder/layer_0/intermediate/dense/kernel", "(8, 12)", "(8, 13)")

    def test_several_checkpoints_and_the_file_that_chooses(self):
        first, second = google_variables(), google_variables()
        second["bert/embeddings/LayerNorm/gamma"] = np.full((HIDDEN,), 5, np.float32)
        self.write(first, prefix="model.ckpt-1")
        self.write(second, prefix="model.ckpt-2")
        self.assert_refused("holds 2 checkpoints", "model.ckpt-1, model.ckpt-2")
        (self.folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-2"\n')
        backbone = import_backbone(self.folder).backbone
        self.assertAllEqual(backbone.embeddings.layer_norm.gamma, second["bert/embeddings/LayerNorm/gamma"])

    def test_damaged_files(self):
        self.write(google_variables())
        index, data = (self.folder / f"bert_model.ckpt.{end}" for end in ("index", "data-00000-of-00001"))
        for file in (index, data):
            whole = file.read_bytes()
            for size in (0, len(whole) // 2):
                file.write_bytes(whole[:size])
                self.assert_refused("bert_model.ckpt", "again")
            file.write_bytes(whole)
        data.unlink()
        self.assert_refused("bert_model.ckpt.index", "data-*")
        index.unlink()
        self.assert_refused("no *.index", importer=import_google)

    def test_configuration_is_needed(self):
        (self.write(google_variables()) / "bert_config.json").unlink()
        self.assert_refused("bert_config.json", "cannot be read (No such file")

    def test_the_other_importer_is_named(self):
        self.write(google_variables())
        self.assert_refused("use import_google", importer=import_model_garden)
