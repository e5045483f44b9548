"""The directory in which classifiers are saved."""

import contextlib
import functools
import json
import os
import shutil
import tempfile
from pathlib import Path
from unittest import mock

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from fastbert_tf import files
from fastbert_tf.checkpoints import (
    CheckpointError,
    SavedClassifier,
    import_backbone,
    load_classifier,
    save_classifier,
)
from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.models import FastBert
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

VOCABULARY = Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "##ly", "好"])
FILES = ["config.json", "model.weights.h5", "vocab.txt"]


@functools.cache
def classifier(num_layers=2, value=None, names=("good", "bad", "好"), **backbone):
    """A small classifier with random weights, or with every weight equal to `value`; not to be changed."""
    shape = {"vocabulary_size": 9, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 12, "max_sequence_length": 16}
    config = BackboneConfig(**{**shape, "num_layers": num_layers, **backbone})
    model = FastBert.from_fastbert_config(FastBertConfig(config, len(names), branch_dim=4))
    random = np.random.default_rng(num_layers)
    for weight in model.weights:
        weight.assign(random.normal(size=weight.shape) if value is None else np.full(weight.shape, value))
    tokenizer = WordPieceTokenizer(VOCABULARY, lower_case=False, max_sequence_length=12)
    return SavedClassifier(model, tokenizer, names, is_pair=config.num_segments > 1)


def weights_of(model):
    """All weights by their path."""
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


class SavedClassifierTestCase(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.parent = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
        self.folder = self.parent / "classifier"

    def assert_same_weights(self, first, second):
        first, second = weights_of(first), weights_of(second)
        self.assertEqual(list(first), list(second))
        for path, weight in first.items():
            np.testing.assert_array_equal(weight, second[path], err_msg=path)

    @contextlib.contextmanager
    def refused(self, *words):
        """Checks that the block raises one line that holds all words."""
        with self.assertRaises(CheckpointError) as caught:
            yield
        self.assertNotIn("\n", str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))


class RoundTripTest(SavedClassifierTestCase):
    def test_everything_comes_back(self):
        saved = classifier()
        self.assertEqual(save_classifier(saved, self.folder), self.folder)
        self.assertCountEqual(os.listdir(self.folder), FILES)
        loaded = load_classifier(self.folder)
        self.assert_same_weights(saved.model, loaded.model)
        self.assertEqual(saved.model.config, loaded.model.config)
        self.assertEqual(loaded.label_names, ("good", "bad", "好"))
        self.assertTrue(loaded.is_pair)
        self.assertEqual(loaded.tokenizer.vocabulary, VOCABULARY)
        self.assertEqual(loaded.tokenizer.get_config(), saved.tokenizer.get_config())
        inputs = loaded.tokenizer(["good bad", "好"], ["badly", "bad good bad"])
        np.testing.assert_array_equal(saved.model(inputs), loaded.model(inputs))

    def test_trained_and_frozen_models_leave_their_optimizer_behind(self):
        saved = classifier.__wrapped__()
        save_classifier(saved, self.folder)
        size = (self.folder / "model.weights.h5").stat().st_size
        saved.model.backbone.trainable = False
        saved.model.compile("adam")
        saved.model.optimizer.build(saved.model.trainable_variables)
        save_classifier(saved, self.folder)
        self.assertEqual((self.folder / "model.weights.h5").stat().st_size, size)
        self.assert_same_weights(saved.model, load_classifier(self.folder).model)

    def test_dtype_policy(self):
        saved = classifier()
        save_classifier(saved, self.folder)
        loaded = load_classifier(self.folder, dtype="mixed_bfloat16")
        self.assertEqual(loaded.model.backbone.blocks[0].compute_dtype, "bfloat16")
        self.assert_same_weights(saved.model, loaded.model)
        save_classifier(loaded, self.folder)
        self.assert_same_weights(saved.model, load_classifier(self.folder).model)

    def test_keras_own_format_round_trips_exactly(self):
        saved = classifier()
        saved.model.save(self.parent / "model.keras")
        loaded = keras.saving.load_model(self.parent / "model.keras")
        self.assertEqual(loaded.config, saved.model.config)
        self.assert_same_weights(saved.model, loaded)
        inputs = saved.tokenizer(["good bad", "好"])
        np.testing.assert_array_equal(saved.model(inputs), loaded(inputs))

    def test_replaces_an_older_one_also_through_a_link(self):
        save_classifier(classifier(num_layers=1), self.folder)
        newer = classifier(num_layers=2)
        link = self.parent / "link"
        link.symlink_to(self.folder)
        save_classifier(newer, link)
        self.assert_same_weights(newer.model, load_classifier(self.folder).model)
        self.assertTrue(link.is_symlink())
        link.unlink()
        self.assertEqual(os.listdir(self.parent), ["classifier"])

    def test_replaces_where_names_cannot_be_exchanged(self):
        save_classifier(classifier(num_layers=1), self.folder)
        newer = classifier(num_layers=2)
        with mock.patch.object(files, "exchange", return_value=False):
            save_classifier(newer, self.folder)
        self.assert_same_weights(newer.model, load_classifier(self.folder).model)
        self.assertEqual(os.listdir(self.parent), ["classifier"])

    def test_new_directories_follow_the_umask(self):
        save_classifier(classifier(), self.parent / "deep" / "er")
        plain = self.parent / "plain"
        plain.mkdir()
        self.assertEqual((self.parent / "deep" / "er").stat().st_mode, plain.stat().st_mode)


class FailedSaveTest(SavedClassifierTestCase):
    """Whatever goes wrong, the old directory stays whole and nothing is left beside it."""

    @pytest.fixture(autouse=True)
    def take_fixtures(self, file_size_limit, unprivileged):
        self.file_size_limit, self.unprivileged = file_size_limit, unprivileged

    def setUp(self):
        super().setUp()
        self.old = classifier(value=1.0)
        save_classifier(self.old, self.folder)

    def assert_old_is_whole(self):
        self.assertEqual(os.listdir(self.parent), ["classifier"])
        self.assert_same_weights(self.old.model, load_classifier(self.folder).model)

    def test_full_disk(self):
        size = (self.folder / "model.weights.h5").stat().st_size
        newer = classifier(value=2.0)
        for limit in (0, 100, size // 2, size - 1):
            with self.file_size_limit(limit), self.refused(str(self.folder), "File too large", "space left"):
                save_classifier(newer, self.folder)
            self.assert_old_is_whole()

    def test_read_only_parent(self):
        newer = classifier(value=2.0)
        self.parent.chmod(0o555)
        with self.unprivileged(self.parent), self.refused(str(self.folder), "Permission denied", "writable"):
            save_classifier(newer, self.folder)
        self.parent.chmod(0o755)
        self.assert_old_is_whole()

    def test_interruption(self):
        interrupt = mock.patch.object(FastBert, "save_weights", side_effect=KeyboardInterrupt)
        with interrupt, self.assertRaises(KeyboardInterrupt):
            save_classifier(classifier(value=2.0), self.folder)
        self.assert_old_is_whole()

    def test_rename_that_fails_half_way(self):
        rename = Path.rename

        def fail_for_the_new_one(path, target):
            if path.name.endswith(".partial"):
                raise OSError(5, "Input/output error")
            return rename(path, target)

        no_exchange = mock.patch.object(files, "exchange", return_value=False)
        failure = mock.patch.object(Path, "rename", fail_for_the_new_one)
        with no_exchange, failure, self.refused("Input/output error"):
            save_classifier(classifier(value=2.0), self.folder)
        self.assert_old_is_whole()

    def test_foreign_files_are_not_deleted(self):
        (self.folder / "notes.txt").write_text("mine")
        with self.refused(str(self.folder), "notes.txt", "would be lost"):
            save_classifier(classifier(value=2.0), self.folder)
        self.assertEqual((self.folder / "notes.txt").read_text(), "mine")
        with self.refused("is a file"):
            save_classifier(classifier(value=2.0), self.folder / "notes.txt")
        with self.refused("notes.txt", "Not a directory"):
            save_classifier(classifier(value=2.0), self.folder / "notes.txt" / "below")


class RefusedLoadTest(SavedClassifierTestCase):
    def setUp(self):
        super().setUp()
        save_classifier(classifier(), self.folder)

    def test_weights_of_a_deeper_model(self):
        save_classifier(classifier(num_layers=3), self.parent / "deeper")
        shutil.copy(self.parent / "deeper" / "model.weights.h5", self.folder)
        with self.refused("model.weights.h5", "do not fit", "copy both files"):
            load_classifier(self.folder)

    def test_weights_of_another_width(self):
        save_classifier(classifier(intermediate_dim=14), self.parent / "wider")
        shutil.copy(self.parent / "wider" / "model.weights.h5", self.folder)
        with self.refused("model.weights.h5", "do not fit"):
            load_classifier(self.folder)

    def test_truncated_weights(self):
        weights = self.folder / "model.weights.h5"
        whole = weights.read_bytes()
        for size in (0, 100, len(whole) // 2, len(whole) - 1):
            weights.write_bytes(whole[:size])
            with self.refused("model.weights.h5", "cut short"):
                load_classifier(self.folder)
        weights.unlink()
        with self.refused("model.weights.h5", "missing"):
            load_classifier(self.folder)
        with h5py.File(weights, "w") as file:
            file["other"] = np.zeros(3)
        with self.refused("model.weights.h5", "1 tensors", "do not fit"):
            load_classifier(self.folder)

    def test_damaged_vocabulary(self):
        vocabulary = self.folder / "vocab.txt"
        lines = vocabulary.read_text(encoding="utf-8").splitlines(keepends=True)
        vocabulary.write_text("".join(lines[:-1]), encoding="utf-8")
        with self.refused("vocab.txt", "must have 9 tokens, but has 8"):
            load_classifier(self.folder)
        vocabulary.write_text("".join([*lines, lines[-1]]), encoding="utf-8")
        with self.refused("vocab.txt", "line 10"):
            load_classifier(self.folder)
        vocabulary.unlink()
        with self.refused("vocab.txt", "No such file"):
            load_classifier(self.folder)

    def test_damaged_configuration(self):
        path = self.folder / "config.json"
        whole = json.loads(path.read_text(encoding="utf-8"))
        changes = {
            "format_version": (2, "format_version must be 1, but is 2"),
            "model": ({**whole["model"], "depth": 3}, "depth"),
            "tokenizer": ({"vocabulary_size": 9, "case": True}, "case"),
            "label_names": (["good"], "3 different strings"),
            "is_pair": ("no", "must be of type bool"),
        }
        for key, (value, words) in changes.items():
            path.write_text(json.dumps({**whole, key: value}))
            with self.refused(str(self.folder), words):
                load_classifier(self.folder)
        path.write_text(json.dumps(whole)[:50])
        with self.refused("config.json", "no JSON"):
            load_classifier(self.folder)

    def test_foreign_directories(self):
        with self.refused("config.json", "No such file"):
            load_classifier(self.parent / "absent")
        (self.folder / "config.json").write_text('{"model_type": "bert"}')
        with self.refused("config.json", "format_version", "import_backbone"):
            load_classifier(self.folder)

    def test_the_importer_names_the_loader(self):
        with self.refused("use load_classifier"):
            import_backbone(self.folder)


class SavedClassifierTest(tf.test.TestCase):
    def test_parts_must_fit(self):
        whole = classifier()
        parts = {"model": whole.model, "tokenizer": whole.tokenizer, "label_names": whole.label_names, "is_pair": False}
        longer = WordPieceTokenizer(Vocabulary([*VOCABULARY.tokens, "more"]), max_sequence_length=12)
        wrong = {
            "label_names": [("a", "b"), ("a", "b", "b"), ("a", "b", 3)],
            "tokenizer": [longer, WordPieceTokenizer(VOCABULARY, max_sequence_length=17)],
        }
        for name, values in wrong.items():
            for value in values:
                with self.assertRaisesRegex(ValueError, name):
                    SavedClassifier(**{**parts, name: value})
        with self.assertRaisesRegex(ValueError, "is_pair"):
            SavedClassifier(
                **{**parts, "model": classifier(num_segments=1, names=("a", "b", "c")).model, "is_pair": True}
            )
