"""The alternating schedule: its order, what each stage moves, which epoch is kept, and what it does with bad runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import registry
import tensorflow as tf
from absl.testing import parameterized
from eager_training import eager_functions

from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.models import Backbone, FastBert
from fastbert_tf.training import AlternatingSchedule, Stage

ROWS, BATCH, DEPTH = 60, 6, 2
STEPS = ROWS // BATCH


class Rows:
    """Batches of a rule that can be learned (the word names the class), which note how they were asked for."""

    steps_per_epoch = STEPS

    def __init__(self, labelled=True, shift=0):
        labels = np.arange(ROWS, dtype=np.int32) % 2
        inputs = registry.token_inputs(ROWS)
        inputs["token_ids"] = inputs["padding_mask"] * (1 + labels[:, None])
        self.rows = (inputs, (labels + shift) % 2) if labelled else inputs
        self.asked = []

    def epoch(self, seed, skip=0):
        self.asked.append((seed, skip))
        order = np.random.default_rng(seed).permutation(ROWS)
        rows = tf.nest.map_structure(lambda values: values[order], self.rows)
        return tf.data.Dataset.from_tensor_slices(rows).batch(BATCH).skip(skip)

    def ordered(self):
        return tf.data.Dataset.from_tensor_slices(self.rows).batch(BATCH)


def make_fastbert(dtype="float32", num_classes=2, depth=DEPTH):
    """Just wide enough to learn the rule within some tens of steps."""
    keras.utils.set_random_seed(1)
    backbone = Backbone(
        vocabulary_size=registry.VOCABULARY,
        num_layers=depth,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=registry.LENGTH,
        dtype=dtype,
    )
    return FastBert(backbone, num_classes, branch_dim=8)


def bits(layer):
    return [np.array(variable) for variable in layer.trainable_variables]


def same(old, new):
    return all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))


class Spy:
    """Notes the calls of a stage's public methods, and the layers that each `fit` moved."""

    def __init__(self, fastbert):
        self.calls, self.moved = [], []
        self.layers = {"backbone": fastbert.backbone, "teacher": fastbert.teacher}
        self.layers |= {f"student {i}": student for i, student in enumerate(fastbert.students)}

    def _fit(self, stage, *args, **kwargs):
        before = {name: bits(layer) for name, layer in self.layers.items()}
        fitted = keras.Model.fit(stage, *args, **kwargs)
        self.moved.append({name for name, layer in self.layers.items() if not same(before[name], bits(layer))})
        return fitted

    def _noting(self, name, method):
        def call(stage, *args, **kwargs):
            self.calls.append((type(stage).__name__, name))
            return method(stage, *args, **kwargs)

        return call

    def watching(self):
        methods = {"compile": keras.Model.compile, "fit": self._fit, "evaluate": keras.Model.evaluate}
        return mock.patch.multiple(Stage, **{name: self._noting(name, method) for name, method in methods.items()})


class TwoRoundsTest(tf.test.TestCase):
    """One run of two rounds, distilled on unlabelled rows and logged; looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fastbert = make_fastbert(depth=3)
        cls.train, cls.held_out, cls.unlabelled = Rows(), Rows(), Rows(labelled=False)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.spy, cls.logs = Spy(cls.fastbert), Path(folder.name)
        config = TrainingConfig(StageConfig(3, 1e-2), StageConfig(2, 1e-2), rounds=2, seed=7)
        with cls.spy.watching():
            observe = lambda network: {"seen": float(np.abs(network.students[0].weights[0]).sum())}  # noqa: E731
            schedule = AlternatingSchedule(config, log_directory=cls.logs, verbose=0, observe=observe)
            cls.history = schedule.run(cls.fastbert, cls.train, cls.held_out, cls.unlabelled)

    def test_stages_alternate(self):
        phases = [(entry["phase"], entry["epoch"]) for entry in self.history]
        one_round = [("fine_tuning", 1), ("fine_tuning", 2), ("fine_tuning", 3)]
        one_round += [("self_distillation", 1), ("self_distillation", 2)]
        self.assertEqual(phases, 2 * one_round)

    def test_through_public_calls(self):
        epoch = ["fit", "evaluate"]
        one_round = [("FineTuning", name) for name in ["compile", *3 * epoch]]
        one_round += [("SelfDistillation", name) for name in ["compile", *2 * epoch]]
        self.assertEqual(self.spy.calls, 2 * one_round)

    def test_each_stage_moves_its_layers_alone(self):
        students = {name for name in self.spy.layers if name.startswith("student")}
        self.assertLen(students, 2)
        self.assertEqual(self.spy.moved, 2 * [*3 * [{"backbone", "teacher"}], *2 * [students]])

    def test_history(self):
        for entry in self.history:
            names = {"phase", "epoch", "seconds", "loss", "val_loss", "seen"}
            if entry["phase"] == "fine_tuning":
                names |= {"accuracy", "val_accuracy"}
            self.assertEqual(entry.keys(), names)
            self.assertTrue(np.isfinite(entry["val_loss"]))

    def test_the_observer_sees_the_network_after_each_epoch(self):
        seen = [entry["seen"] for entry in self.history[:5]]
        self.assertEqual(seen[:3], 3 * seen[:1])  # fine-tuning leaves students alone
        self.assertNotEqual(seen[3], seen[2])
        self.assertNotEqual(seen[4], seen[3])

    def test_learns(self):
        inputs, labels = self.held_out.rows
        right = self.fastbert(inputs).numpy().argmax(-1) == labels[:, None]  # (rows, layers)
        self.assertGreater(right.mean(0).min(), 0.9, "teacher and students know the rule")
        self.assertGreater(max(entry["val_accuracy"] for entry in self.history[5:8]), 0.9)

    def test_stage_2_reads_the_unlabelled_rows_and_no_other(self):
        self.assertLen(self.train.asked, 6)
        self.assertLen(self.unlabelled.asked, 4)

    def test_every_epoch_is_shuffled_anew(self):
        asked = self.train.asked + self.unlabelled.asked
        self.assertLen({seed for seed, _ in asked}, 10)
        self.assertEqual({skip for _, skip in asked}, {0})

    def test_tensorboard(self):
        folders = ["0_fine_tuning", "1_self_distillation", "2_fine_tuning", "3_self_distillation"]
        self.assertEqual(sorted(path.name for path in self.logs.iterdir()), folders)
        for index, folder in enumerate(folders):
            expected = [entry["loss"] for entry in self.history[(0, 3, 5, 8)[index] :][: 2 if index % 2 else 3]]
            self.assertAllClose(_scalars(self.logs / folder / "train", "epoch_loss"), expected)


def _scalars(folder, tag):
    """Returns the values of a scalar, by step."""
    values = {}
    for path in folder.glob("events.out.tfevents.*"):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            values.update((event.step, tf.make_ndarray(v.tensor).item()) for v in event.summary.value if v.tag == tag)
    return [values[step] for step in sorted(values)]


JOINT = TrainingConfig(StageConfig(3, 1e-2), self_distillation=False)


class ScheduleTest(tf.test.TestCase, parameterized.TestCase):
    """Short runs, which cost less than tracing would; `TwoRoundsTest` trains compiled."""

    def _run(self, fastbert, config, train=None, held_out=None, directory=None):
        schedule = AlternatingSchedule(config, directory, verbose=0)
        with eager_functions():
            return schedule.run(fastbert, train or Rows(), held_out or Rows())

    def test_best_epoch_is_kept(self):
        """The held-out rows contradict the rule, so an early epoch is the best; a finished run comes back as it is."""
        directory, fastbert, held_out = self.get_temp_dir(), make_fastbert(), Rows(shift=1)
        config = TrainingConfig(StageConfig(3, 5e-4), self_distillation=False)
        history = self._run(fastbert, config, held_out=held_out, directory=directory)
        scores = [entry["val_accuracy"] for entry in history]
        self.assertEqual({entry["phase"] for entry in history}, {"joint_fine_tuning"})
        best = int(np.argmax(scores))
        self.assertLess(best, 2, scores)
        inputs, labels = held_out.rows
        log_p = tf.nn.log_softmax(fastbert(inputs)).numpy()  # (rows, layers, classes)
        loss = -log_p[np.arange(ROWS), :, labels].sum(1).mean()
        self.assertAllClose(loss, history[best]["val_loss"], rtol=1e-4)

        again = make_fastbert()
        with mock.patch.object(Stage, "fit", side_effect=AssertionError("a finished run is not trained again")):
            self.assertEqual(self._run(again, config, directory=directory), history)
        self.assertTrue(same(bits(fastbert), bits(again)))
        self._assert_is_refused_by_other_runs(directory, config)

    def _assert_is_refused_by_other_runs(self, directory, config):
        """The directory holds one stage of the joint run."""
        other = make_fastbert(num_classes=3)
        with self.assertRaisesRegex(ValueError, r"state\.npz: .* has shape"):
            self._run(other, config, directory=directory)
        two_rounds = TrainingConfig(StageConfig(3, 5e-4), self_distillation=False, rounds=2)
        with self.assertRaisesRegex(ValueError, "settings differ in rounds, steps_per_epoch; choose another directory"):
            self._run(make_fastbert(), two_rounds, directory=directory)

    def test_interrupted_run_goes_on_with_the_next_step(self):
        """Ctrl-C in step 8 of the second epoch; 6 steps of it were committed."""
        directory, train = self.get_temp_dir(), Rows()
        config = TrainingConfig(StageConfig(2, 1e-2), self_distillation=False, save_every=3)
        interrupted = mock.patch.object(keras.callbacks.TerminateOnNaN, "on_batch_end", _interrupt_at(STEPS + 8))
        with interrupted, self.assertRaises(KeyboardInterrupt):
            self._run(make_fastbert(), config, train, directory=directory)
        history = self._run(make_fastbert(), config, train, directory=directory)
        self.assertEqual([skip for _, skip in train.asked], [0, 0, 6])
        self.assertEqual([entry["epoch"] for entry in history], [1, 2])

    def test_weight_decay_leaves_biases_and_norms_out(self):
        """One step with and one without: the difference is learning rate x decay x weight, or nothing."""
        rate, decay = 1e-2, 0.5
        trained = []
        for weight_decay in (0.0, decay):
            fastbert = make_fastbert()
            registry.spread(fastbert)
            before = bits(fastbert)
            one_step = Rows()
            one_step.steps_per_epoch = 1
            one_step.epoch = lambda seed, skip=0, rows=one_step: rows.ordered().take(1)
            stage = StageConfig(1, rate, warmup=0.0, weight_decay=weight_decay)
            self._run(fastbert, TrainingConfig(stage, self_distillation=False), one_step)
            trained.append(bits(fastbert))
        decayed = 0
        for variable, start, without, with_decay in zip(fastbert.trainable_variables, before, *trained, strict=True):
            is_left_out = variable.path.endswith(("bias", "gamma", "beta"))
            decayed += not is_left_out
            share = 0.0 if is_left_out else rate * decay
            self.assertAllClose(without - with_decay, share * start, atol=1e-6, msg=variable.path)
        self.assertEqual(decayed, 3 + 6 * DEPTH + 7 * DEPTH)  # tables, blocks, branches

    def test_mixed_bfloat16(self):
        fastbert = make_fastbert("mixed_bfloat16")
        config = TrainingConfig(StageConfig(2, 1e-2), StageConfig(1, 1e-2), dtype="mixed_bfloat16")
        history = self._run(fastbert, config)
        self.assertEqual({variable.dtype for variable in fastbert.trainable_variables}, {"float32"})
        self.assertEqual(fastbert(Rows().rows[0]).dtype, tf.float32)
        self.assertLess(history[1]["val_loss"], history[0]["loss"])
        self.assertTrue(all(np.isfinite(weight).all() for weight in bits(fastbert)))

    def test_stages_of_0_epochs_are_skipped(self):
        fastbert = make_fastbert()
        before = bits(fastbert)
        self.assertEmpty(self._run(fastbert, TrainingConfig(StageConfig(0, 1e-3), StageConfig(0, 1e-3))))
        self.assertTrue(same(before, bits(fastbert)))

    def test_divergence_is_an_error(self):
        fastbert = make_fastbert()
        fastbert.teacher.classifier.bias.assign([np.nan, np.nan])
        with self.assertRaisesRegex(
            ValueError, r"joint_fine_tuning diverged in epoch 1: its loss is nan; begin again .* \(now 0.01\)"
        ):
            self._run(fastbert, JOINT)


def _interrupt_at(step):
    steps = iter(range(1, step + 1))

    def on_batch_end(self, batch, logs=None):
        if next(steps) == step:
            raise KeyboardInterrupt

    return on_batch_end


if __name__ == "__main__":
    tf.test.main()
