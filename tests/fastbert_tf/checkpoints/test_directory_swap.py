"""Replacement of a directory in one step, under SIGKILL."""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from fastbert_tf.checkpoints import directory_swap

KILLS = 25
# The child loads the one file alone: without TensorFlow it starts in no time.
CHILD = """
import importlib.util, sys
from pathlib import Path
specification = importlib.util.spec_from_file_location("directory_swap", sys.argv[1])
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
if sys.argv[3] == "two renames":
    module.exchange = lambda first, second: False
print("ready", flush=True)
generation = 0
while True:
    generation += 1
    with module.directory_swap(Path(sys.argv[2])) as partial:
        for name in ("config.json", "model.weights.h5", "vocab.txt"):
            (partial / name).write_text(f"{generation}\\n" * 20_000)
"""


class DirectorySwapTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.parent = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
        self.target = self.parent / "target"
        with directory_swap.directory_swap(self.target) as partial:
            for name in ("config.json", "model.weights.h5", "vocab.txt"):
                (partial / name).write_text("0\n" * 20_000)

    def kill_a_writer(self, way, seconds):
        command = [sys.executable, "-c", CHILD, directory_swap.__file__, str(self.target), way]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            child.stdout.readline()  # it is ready
            time.sleep(seconds)
            child.kill()

    def assert_one_generation(self, folder):
        lines = [line for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]
        self.assertLen(lines, 3 * 20_000)
        self.assertLen(set(lines), 1)

    def test_a_kill_leaves_the_old_or_the_new_one_whole(self):
        if not directory_swap.exchange(self.target, self.target):
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
        if not directory_swap.exchange(self.target, self.target):
            self.skipTest("this file system cannot exchange two names in one step")
        command = [sys.executable, "-c", CHILD, directory_swap.__file__, str(self.target), "exchange"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            end = time.monotonic() + 1
            looks = []
            while time.monotonic() < end:
                looks.append(self.target.is_dir())
            child.kill()
        self.assertTrue(all(looks))
        self.assertNotEqual((self.target / "vocab.txt").read_text()[:2], "0\n")
