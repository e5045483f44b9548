"""Parts on a tiny task, stopped and called again, and the page that is made of them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import tempfile
from pathlib import Path
from unittest import mock

import tensorflow as tf
from eager_training import eager_functions
from harness.reproduction import bag_of_words, bootstrap, figures, page, rows, settings, summary, times, work
from harness.reproduction.making import bring_up_to_date, make
from harness.reproduction.plan import KINDS, Part
from harness.reproduction.settings import ENGLISH, TaskSettings
from harness.reproduction.stored import stored
from harness.reproduction.work import Work
from harness.reproduction.work_folder import RESULT, WorkFolder
from tiny_checkpoint import write_checkpoint

from fastbert_tf.config import StageConfig
from fastbert_tf.data import DATA_VARIABLE, make_sample_task
from fastbert_tf.training import AlternatingSchedule

TASK = make_sample_task(72, 20, 20)  # 40 to calibrate with, one batch to train on
EXTRA = "texts.txt"
SPEEDS = (0.2, 0.7)
MADE = ("bag_of_words", "fastbert", "times", "student_1", "cut_1", "unlabelled")
COPIED = ("joint", "forward", "reverse", "longer")


class TinySettings(TaskSettings):
    def training(self, **changes):
        one_epoch = StageConfig(1, 1e-3)
        return dataclasses.replace(super().training(**changes), fine_tuning=one_epoch, distillation=one_epoch)


TINY = TinySettings("sample", "Sample", ENGLISH, 1e-3, 40, 0.1, 0.1, 60, branch_dim=8)


class Killed(BaseException):
    """As from outside."""


def killed(*_, **__):
    raise Killed


class WorkCase(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.home = Path(holder.name)
        (self.home / EXTRA).write_text("\n".join(make_sample_task(40, 20, 20, seed=1).train.texts))
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        for patch in (
            mock.patch.dict(settings.TASKS, {"sample": TINY}, clear=True),
            mock.patch.dict(settings.EXTRA_TEXTS, {"sample": EXTRA}, clear=True),
            mock.patch.dict(os.environ, {DATA_VARIABLE: str(self.home)}),
            mock.patch.object(work, "load_task", lambda name: TASK),
            mock.patch.object(times, "ROUNDS", 1),
            mock.patch.object(times, "ROWS", 1),
            mock.patch.object(times, "BATCH_SIZES", (1,)),
            mock.patch.object(times, "SHOWN_SPEEDS", SPEEDS),
            mock.patch.object(summary, "SHOWN_SPEEDS", SPEEDS),
            mock.patch.object(bootstrap, "DRAWS", 50),
            mock.patch.object(summary, "DRAWS", 50),
            mock.patch.object(bag_of_words, "FEATURES", 1024),
            contextlib.redirect_stdout(None),
            eager_functions(),
        ):
            stack.enter_context(patch)
        self.folder = WorkFolder(self.home / "work")
        self.work = Work(self.folder, {ENGLISH: write_checkpoint(self.home / "bert")}, verbose=0)


class WholeTest(WorkCase):
    """One life of a work folder; each step begins with what the one before left."""

    def test_all_kinds_of_part(self):
        self._killed_and_resumed()
        self.results, self.wanted = self.home / "results", [Part("sample", kind) for kind in MADE]
        make(self.work, self.wanted, self.results)
        for kind, like in (("joint", "fastbert"), *((kind, "unlabelled") for kind in ("forward", "reverse", "longer"))):
            self._as_if_made(kind, like)
        self._summary_and_page()
        self._stored_anew()
        self._another_model()

    def _killed_and_resumed(self):
        bag, main = (Part("sample", kind) for kind in ("bag_of_words", "fastbert"))
        for part in (bag, main):  # fitted, trained and tuned
            with mock.patch.object(work, "opened", killed), self.assertRaises(Killed):
                self.work.do(part)
            self.assertFalse(self.folder.is_done(part))
        with (
            mock.patch.object(work, "fit", killed),
            mock.patch.object(work, "tune", killed),
            mock.patch.object(AlternatingSchedule, "run", killed),
        ):
            for part in (bag, main):
                self.work.do(part)
                self.assertTrue(self.folder.is_done(part))

    def _as_if_made(self, kind, like):
        shutil.copytree(self.folder.of(Part("sample", like)), self.folder.of(Part("sample", kind)))
        path = self.folder.of(Part("sample", kind)) / RESULT
        result = json.loads(path.read_text())
        path.write_text(json.dumps({**result, "begins_with": self.folder.models(Part("sample", kind))}))

    def _summary_and_page(self):
        bring_up_to_date(self.folder, ["sample"], self.results)
        (found,) = stored(self.results)
        self.assertEqual(found["done"], [kind for kind in KINDS if kind in (*MADE, *COPIED)])
        pairs = ["reverse - forward", "unlabelled - longer", "unlabelled - forward", "longer - forward"]
        self.assertEqual(list(found["variants"]), pairs)
        self.assertEqual(list(found["baselines"]), ["cut_1", "student_1"])
        self.assertEqual(set(found["times"]["batch 1"]), {"full depth", "n-grams", "0.2", "0.7"})
        self.assertEqual(found["self_distillation"]["mean"], {"value": 0.0, "low": 0.0, "high": 0.0})
        figures.draw([found], self.results)
        for file in (figures.CURVES, figures.CONVERGENCE, *figures.task_figures("sample").values()):
            self.assertTrue((self.results / file).is_file(), file)
        with mock.patch.object(page, "parts", lambda: [*self.wanted, Part("sample", "cut_3")]):
            text = page.page([found])
        for line in ("### Sample", "## Ablation", "## Baselines", "## Policies", "hours on two cores: `sample/cut_3`."):
            self.assertIn(line, text)

    def _stored_anew(self):
        """As after a call that was killed between the last part and its figures."""
        before = stored(self.results)
        shutil.rmtree(self.results)
        with mock.patch.object(Work, "do", killed):  # nothing is left to do
            make(self.work, self.wanted, self.results)
        self.assertEqual(stored(self.results), before)

    def _another_model(self):
        """What began with a model that is no longer there is not done, and not mixed with what is there."""
        main = Part("sample", "fastbert")
        path = self.folder.of(main) / RESULT
        path.write_text(path.read_text().replace(self.folder.result(main)["model"], "another"))
        done = [kind for kind in KINDS if self.folder.is_done(Part("sample", kind))]
        self.assertEqual(done, ["bag_of_words", "fastbert", "joint", "cut_1"])
        with self.assertRaisesRegex(ValueError, "sample/times was made from another model of fastbert"):
            self.work.require(self.wanted)
        path.unlink()
        self.assertNotIn("curve", summary.summarise(self.folder, "sample"))


class RequiredTest(WorkCase):
    def test_what_is_missing_is_said_before_any_work(self):
        self.work = dataclasses.replace(self.work, checkpoints={})
        kinds = ("bag_of_words", "fastbert", "forward", "unlabelled")
        bag, main, forward, unlabelled = (Part("sample", kind) for kind in kinds)
        with self.assertRaisesRegex(ValueError, "sample/fastbert starts from the english encoder"):
            self.work.require([bag, main])
        with self.assertRaisesRegex(ValueError, "sample/forward begins with the model of sample/fastbert"):
            self.work.require([forward])
        self.folder.keep_result(main, {"model": "one"})
        self.work.require([bag, main, forward])  # done, and what comes after it needs no encoder
        (self.home / EXTRA).unlink()
        with self.assertRaisesRegex(ValueError, "unlabelled text of sample is not at"):
            self.work.require([unlabelled])
        with mock.patch.object(rows.os, "environ", {}), self.assertRaisesRegex(ValueError, DATA_VARIABLE):
            self.work.require([unlabelled])


if __name__ == "__main__":
    tf.test.main()
