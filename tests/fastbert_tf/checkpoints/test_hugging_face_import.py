"""Import of Hugging Face directories."""

import json
import os
import pickle
import tempfile
from pathlib import Path

import ml_dtypes
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

from fastbert_tf.checkpoints import CheckpointError, import_backbone, import_hugging_face
from fastbert_tf.checkpoints.assign import find_weight
from fastbert_tf.checkpoints.tensor_names import GOOGLE, HUGGING_FACE, MODEL_GARDEN

LAYERS, HIDDEN, HEADS, INNER, POSITIONS = 2, 8, 2, 12, 16
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIALS, "good", "bad", "##ly"]
CONFIG = {
    "model_type": "bert",
    "vocab_size": len(VOCABULARY),
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.2,
    "layer_norm_eps": 1e-6,
}


def encoder_tensors(prefix="", weight="weight", bias="bias"):
    """Random tensors under Hugging Face's names; `weight` and `bias` name those of the layer normalisations."""
    random = np.random.default_rng(0)
    shapes = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), HIDDEN),
        "embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        f"embeddings.LayerNorm.{weight}": (HIDDEN,),
        f"embeddings.LayerNorm.{bias}": (HIDDEN,),
    }
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        for name in ("query", "key", "value"):
            shapes[f"{layer}.attention.self.{name}.weight"] = (HIDDEN, HIDDEN)
            shapes[f"{layer}.attention.self.{name}.bias"] = (HIDDEN,)
        dense = {"attention.output": (HIDDEN, HIDDEN), "intermediate": (INNER, HIDDEN), "output": (HIDDEN, INNER)}
        for name, shape in dense.items():
            shapes[f"{layer}.{name}.dense.weight"] = shape
            shapes[f"{layer}.{name}.dense.bias"] = shape[:1]
        for name in ("attention.output", "output"):
            shapes[f"{layer}.{name}.LayerNorm.{weight}"] = (HIDDEN,)
            shapes[f"{layer}.{name}.LayerNorm.{bias}"] = (HIDDEN,)
    return {prefix + name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


class HuggingFaceTestCase(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))

    def write(self, tensors=None, config=None, vocabulary=VOCABULARY, **tokenizer_config):
        """Writes a checkpoint directory and returns it."""
        if tensors is not None:
            save_file(tensors, self.folder / "model.safetensors")
        (self.folder / "config.json").write_text(json.dumps({**CONFIG, **(config or {})}))
        if vocabulary:
            (self.folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
        if tokenizer_config:
            (self.folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
        return self.folder

    def assert_refused(self, *words, folder=None):
        """Checks that the import raises one line that holds all words."""
        with self.assertRaises(CheckpointError) as caught:
            import_backbone(folder or self.folder)
        self.assertNotIn("\n", str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))

    def assert_weights(self, backbone, tensors):
        """Checks a sample of every kind of weight against the tensors as Hugging Face names them."""
        pairs = {
            "embeddings.token_embedding.embeddings": tensors["embeddings.word_embeddings.weight"],
            "embeddings.position_embedding.embeddings": tensors["embeddings.position_embeddings.weight"],
            "embeddings.segment_embedding.embeddings": tensors["embeddings.token_type_embeddings.weight"],
            "embeddings.layer_norm.beta": tensors["embeddings.LayerNorm.bias"],
            "blocks.1.attention.query.kernel": tensors["encoder.layer.1.attention.self.query.weight"].T,
            "blocks.0.attention.key.kernel": tensors["encoder.layer.0.attention.self.key.weight"].T,
            "blocks.0.attention.value.bias": tensors["encoder.layer.0.attention.self.value.bias"],
            "blocks.0.attention_norm.gamma": tensors["encoder.layer.0.attention.output.LayerNorm.weight"],
            "blocks.1.intermediate.kernel": tensors["encoder.layer.1.intermediate.dense.weight"].T,
            "blocks.1.output_projection.kernel": tensors["encoder.layer.1.output.dense.weight"].T,
            "blocks.1.output_norm.beta": tensors["encoder.layer.1.output.LayerNorm.bias"],
        }
        for path, expected in pairs.items():
            self.assertAllEqual(find_weight(backbone, path), expected)


class NameTableTest(HuggingFaceTestCase):
    def test_every_table_names_every_weight_once(self):
        backbone = import_backbone(self.write(encoder_tensors())).backbone
        for table in (HUGGING_FACE, GOOGLE, MODEL_GARDEN):
            found = [find_weight(backbone, ours).path for ours, _, _ in table.expand(LAYERS)]
            self.assertCountEqual(found, [weight.path for weight in backbone.weights])
            theirs = [name for _, name, _ in table.expand(LAYERS)]
            self.assertLen(set(theirs), len(theirs))


class ImportHuggingFaceTest(HuggingFaceTestCase):
    def test_weights_shape_and_text_settings(self):
        tensors = encoder_tensors()
        imported = import_backbone(self.write(tensors, do_lower_case=False))
        self.assert_weights(imported.backbone, tensors)
        config = imported.backbone.config
        self.assertEqual((config.num_layers, config.num_heads, config.intermediate_dim), (LAYERS, HEADS, INNER))
        self.assertEqual((config.dropout, config.layer_norm_epsilon, config.activation), (0.2, 1e-6, "gelu"))
        self.assertEqual(imported.vocabulary.tokens, tuple(VOCABULARY))
        self.assertFalse(imported.lower_case)
        self.assertEqual((imported.report.missing, imported.report.unexpected, imported.report.skipped), ((), (), ()))

    def test_prefix_old_norm_names_heads_and_buffers(self):
        tensors = encoder_tensors("bert.", "gamma", "beta")
        extra = {
            "bert.embeddings.position_ids": np.arange(POSITIONS)[None],
            "bert.pooler.dense.weight": np.zeros((HIDDEN, HIDDEN), np.float32),
            "cls.predictions.bias": np.zeros(len(VOCABULARY), np.float32),
        }
        imported = import_backbone(self.write({**tensors, **extra}))
        self.assert_weights(imported.backbone, encoder_tensors())
        self.assertEqual(imported.report.unexpected, ("bert.pooler.dense.weight", "cls.predictions.bias"))
        self.assertEqual(imported.report.skipped, ("bert.embeddings.position_ids",))
        self.assertIn("2 unexpected (bert.pooler.dense.weight, cls.predictions.bias)", imported.report.summary())

    def test_layers_beyond_the_configuration_are_unexpected(self):
        report = import_backbone(self.write(encoder_tensors(), {"num_hidden_layers": 1})).report
        self.assertLen(report.unexpected, 16)
        self.assertStartsWith(report.unexpected[0], "encoder.layer.1.")

    def test_shards(self):
        tensors = encoder_tensors()
        names = sorted(tensors)
        shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
        for file, members in shards.items():
            save_file({name: tensors[name] for name in members}, self.folder / file)
        index = {"weight_map": {name: file for file, members in shards.items() for name in members}}
        (self.folder / "model.safetensors.index.json").write_text(json.dumps(index))
        self.assert_weights(import_backbone(self.write()).backbone, tensors)
        index["weight_map"]["encoder.layer.9.bias"] = "model-00002-of-00002.safetensors"
        (self.folder / "model.safetensors.index.json").write_text(json.dumps(index))
        self.assert_refused("model.safetensors.index.json", "encoder.layer.9.bias", "no shard")
        (self.folder / "model-00002-of-00002.safetensors").unlink()
        self.assert_refused("model-00002-of-00002.safetensors", "missing or cut short")

    def test_half_precision_becomes_float32(self):
        for dtype in (np.float16, ml_dtypes.bfloat16):
            halves = {name: tensor.astype(dtype) for name, tensor in encoder_tensors().items()}
            backbone = import_backbone(self.write(halves)).backbone
            self.assert_weights(backbone, {name: tensor.astype(np.float32) for name, tensor in halves.items()})

    def test_dtype_policy(self):
        tensors = encoder_tensors()
        backbone = import_hugging_face(self.write(tensors), dtype="mixed_bfloat16").backbone
        self.assertEqual(backbone.blocks[0].compute_dtype, "bfloat16")
        self.assert_weights(backbone, tensors)

    def test_activations(self):
        for theirs, ours in {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}.items():
            imported = import_backbone(self.write(encoder_tensors(), {"hidden_act": theirs}))
            self.assertEqual(imported.backbone.config.activation, ours)


class TextSettingsTest(HuggingFaceTestCase):
    def test_lower_case_is_read_from_the_vocabulary_where_nothing_says_it(self):
        self.assertTrue(import_backbone(self.write(encoder_tensors())).lower_case)
        cased = [*SPECIALS, "Good", "bad", "##ly"]
        self.assertFalse(import_backbone(self.write(encoder_tensors(), vocabulary=cased)).lower_case)
        chinese = [*SPECIALS, "<S>", "bad", "##ly"]
        self.assertTrue(import_backbone(self.write(encoder_tensors(), vocabulary=chinese)).lower_case)

    def test_lower_case_must_be_a_truth_value(self):
        self.write(encoder_tensors(), do_lower_case="yes")
        self.assert_refused("tokenizer_config.json", "do_lower_case", "'yes'")

    def test_rules_that_we_do_not_follow_are_warned_of(self):
        with self.assertLogs("absl", "WARNING") as logs:
            import_backbone(self.write(encoder_tensors(), do_lower_case=True, strip_accents=False))
        self.assertIn("strip_accents is False", logs.output[0])

    def test_vocabulary_of_tokenizer_json(self):
        self.write(encoder_tensors(), vocabulary=None)
        model = {"type": "WordPiece", "vocab": {token: i for i, token in enumerate(VOCABULARY)}}
        (self.folder / "tokenizer.json").write_text(json.dumps({"model": model}))
        self.assertEqual(import_backbone(self.folder).vocabulary.tokens, tuple(VOCABULARY))
        model["vocab"]["good"] = 99
        (self.folder / "tokenizer.json").write_text(json.dumps({"model": model}))
        self.assert_refused("tokenizer.json", "ids 0, 1")

    def test_no_vocabulary(self):
        self.assertIsNone(import_backbone(self.write(encoder_tensors(), vocabulary=None)).vocabulary)

    def test_vocabulary_that_does_not_fit_the_embedding(self):
        self.write(encoder_tensors(), vocabulary=[*VOCABULARY, "more"])
        self.assert_refused("vocab.txt", "has 9 tokens", "has 8 rows")
        tensors = encoder_tensors()
        tensors["embeddings.word_embeddings.weight"] = np.zeros((200, HIDDEN), np.float32)
        self.write(tensors, {"vocab_size": 200})
        self.assert_refused("vocab.txt", "has 8 tokens", "has 200 rows")

    def test_embedding_padded_to_a_round_size(self):
        tensors = encoder_tensors()
        tensors["embeddings.word_embeddings.weight"] = np.zeros((128, HIDDEN), np.float32)
        imported = import_backbone(self.write(tensors, {"vocab_size": 128}))
        self.assertLen(imported.vocabulary, len(VOCABULARY))


class RefusalTest(HuggingFaceTestCase):
    def test_missing_weights_are_named(self):
        tensors = encoder_tensors()
        del tensors["encoder.layer.1.output.dense.bias"], tensors["embeddings.LayerNorm.weight"]
        self.write(tensors)
        self.assert_refused("embeddings.LayerNorm.weight, encoder.layer.1.output.dense.bias", "model.safetensors")

    def test_foreign_tensors_are_named(self):
        self.write({"conv.weight": np.zeros((2, 2), np.float32)})
        self.assert_refused("and 29 more", "conv.weight")

    def test_shape_that_does_not_fit(self):
        self.write(encoder_tensors(), {"intermediate_size": 13})
        self.assert_refused("encoder.layer.0.intermediate.dense.weight", "(12, 8)", "(13, 8)")

    def test_one_tensor_under_two_names(self):
        self.write({**encoder_tensors(), **encoder_tensors("bert.")})
        self.assert_refused("names of the same tensor", "bert.embeddings")

    def test_quantized_weights(self):
        tensors = encoder_tensors()
        name = "encoder.layer.0.output.dense.weight"
        self.write({**tensors, name: tensors[name].astype(np.int8)})
        self.assert_refused(name, "int8")

    def test_other_models(self):
        for change in (
            {"model_type": "roberta"},
            {"hidden_act": "relu"},
            {"position_embedding_type": "relative_key"},
            {"is_decoder": True},
        ):
            self.write(encoder_tensors(), change)
            self.assert_refused("config.json", *change)

    def test_impossible_configurations(self):
        self.write(encoder_tensors(), {"num_attention_heads": 3})
        self.assert_refused("config.json", "hidden_dim", "3 heads")
        self.write(encoder_tensors(), {"hidden_size": "8"})
        self.assert_refused("config.json", "hidden_dim", "'8'")
        (self.folder / "config.json").write_text("{}")
        self.assert_refused("config.json", "lacks vocab_size")
        (self.folder / "config.json").write_text("[]")
        self.assert_refused("config.json", "list")
        (self.folder / "config.json").write_text('{"model_type": "be')
        self.assert_refused("config.json", "no JSON", "copy it again")

    def test_truncated_weights(self):
        self.write(encoder_tensors())
        weights = self.folder / "model.safetensors"
        whole = weights.read_bytes()
        for size in (0, 5, 100, len(whole) // 2, len(whole) - 1):
            weights.write_bytes(whole[:size])
            self.assert_refused("model.safetensors", "cut short")
        weights.write_bytes(b"\x00" * len(whole))
        self.assert_refused("model.safetensors", "cut short")

    def test_a_pickle_is_never_loaded(self):
        class Attack:
            def __reduce__(self):
                return os.mkdir, (str(trap),)

        trap = self.folder / "executed"
        (self.write() / "pytorch_model.bin").write_bytes(pickle.dumps(Attack()))
        self.assert_refused("pytorch_model.bin", "never loaded", "torch.load", "save_file")
        self.assertFalse(trap.exists())

    def test_no_checkpoint(self):
        self.assert_refused("no checkpoint", "config.json", "bert_config.json")
        self.assert_refused("readable directory", folder=self.folder / "absent")
        self.write()
        self.assert_refused("neither model.safetensors nor")
