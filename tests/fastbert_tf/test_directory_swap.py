"""Replacement of files and directories in one step, under SIGKILL, failing renames and races."""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import tensorflow as tf

from fastbert_tf import files

KILLS = 25
# The child loads the one file alone: without TensorFlow it starts in no time.
CHILD = """
import importlib.util, sys
from pathlib import Path
specification = importlib.util.spec_from_file_location("files", sys.argv[1])
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
if sys.argv[3] == "two renames":
    module.exchange = lambda first, second: False
print("ready", flush=True)
generation = 0
while True:
    generation += 1
    with module.directory_swap(Path(sys.argv[2])) as partial:
        (partial / "variables").mkdir()
        for name in ("config.json", "vocab.txt", "variables/weights"):
            (partial / name).write_text(f"{generation}\\n" * 20_000)
"""


class DirectorySwapTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.parent = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
        self.target = self.parent / "target"
        with files.directory_swap(self.target) as partial:
            (partial / "variables").mkdir()
            for name in ("config.json", "vocab.txt", "variables/weights"):
                (partial / name).write_text("0\n" * 20_000)

    def kill_a_writer(self, way, seconds):
        command = [sys.executable, "-c", CHILD, files.__file__, str(self.target), way]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            child.stdout.readline()  # it is ready
            time.sleep(seconds)
            child.kill()

    def assert_one_generation(self, folder):
        lines = [line for path in folder.rglob("*") if path.is_file() for line in path.read_text().splitlines()]
        self.assertLen(lines, 3 * 20_000)
        self.assertLen(set(lines), 1)

    def test_a_kill_leaves_the_old_or_the_new_one_whole(self):
        if not files.exchange(self.target, self.target):
            self.skipTest("this file system cannot exchange two names in one step")
        moments = random.Random(0)
        for _ in range(KILLS):
            self.kill_a_writer("exchange", moments.uniform(0, 0.2))
            self.assert_one_generation(self.target)

    def test_without_exchange_the_old_one_is_kept_under_another_name(self):
        moments = random.Random(1)
        for _ in range(KILLS):
            self.kill_a_writer("two renames", moments.uniform(0, 0.2))
            kept = list(self.parent.glob(".target.*.old"))
            if not self.target.exists():
                self.assertLen(kept, 1)
                kept.pop().rename(self.target)
            for superfluous in kept:
                shutil.rmtree(superfluous)
            self.assert_one_generation(self.target)

    def test_the_name_never_disappears(self):
        if not files.exchange(self.target, self.target):
            self.skipTest("this file system cannot exchange two names in one step")
        command = [sys.executable, "-c", CHILD, files.__file__, str(self.target), "exchange"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            end = time.monotonic() + 1
            looks = []
            while time.monotonic() < end:
                looks.append(self.target.is_dir())
            child.kill()
        self.assertTrue(all(looks))
        self.assertNotEqual((self.target / "vocab.txt").read_text()[:2], "0\n")

    def test_renames_that_fail_both_keep_the_only_copy(self):
        rename = Path.rename

        def first_one_alone(path, target):
            if path != self.target:
                raise OSError(5, "Input/output error")
            return rename(path, target)

        with (
            mock.patch.object(files, "exchange", return_value=False),
            mock.patch.object(Path, "rename", first_one_alone),
            self.assertRaisesRegex(OSError, "Input/output error"),
            files.directory_swap(self.target) as partial,
        ):
            (partial / "config.json").write_text("1\n")
        (kept,) = self.parent.iterdir()
        self.assertEndsWith(kept.name, ".old")
        self.assert_one_generation(kept)

    def test_without_replace_a_faster_writer_wins(self):
        target = self.parent / "another"
        with (
            self.assertRaisesRegex(OSError, "not empty"),
            files.directory_swap(target, replace=False) as partial,
        ):
            (partial / "mine").touch()
            target.mkdir()
            (target / "theirs").touch()
        self.assertEqual([path.name for path in target.iterdir()], ["theirs"])
        self.assertCountEqual([path.name for path in self.parent.iterdir()], ["another", "target"])

    def test_everything_is_on_the_disk_before_the_name_changes(self):
        events = []
        sync, rename = files._sync, Path.rename
        with (
            mock.patch.object(files, "_sync", lambda path: events.append(path.name) or sync(path)),
            mock.patch.object(Path, "rename", lambda *paths: events.append("rename") or rename(*paths)),
            files.directory_swap(self.parent / "another") as partial,
        ):
            (partial / "variables").mkdir()
            (partial / "variables" / "weights").touch()
        self.assertCountEqual(events[:-1], ["variables", "weights", partial.name])
        self.assertEqual(events[-1], "rename")


class FileSwapTest(tf.test.TestCase):
    def test_an_error_leaves_the_old_file_alone(self):
        path = Path(tempfile.mkdtemp(dir=self.get_temp_dir())) / "file.txt"
        with files.file_swap(path) as partial:
            partial.write_text("old")
        with self.assertRaises(KeyboardInterrupt), files.file_swap(path) as partial:
            partial.write_text("ne")
            raise KeyboardInterrupt
        self.assertEqual([(p.name, p.read_text()) for p in path.parent.iterdir()], [("file.txt", "old")])


if __name__ == "__main__":
    tf.test.main()
