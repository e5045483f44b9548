"""A run that is killed again and again ends with the weights of an undisturbed one, bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

import tensorflow as tf

import fastbert_tf
import fastbert_tokenizers

SEED = 1
DRIVER = Path(__file__).with_name("resume_driver.py")
PACKAGES = {str(Path(package.__file__).parents[1]) for package in (fastbert_tf, fastbert_tokenizers)}


@unittest.skipUnless(hasattr(os, "fork"), "the driver forks")
class ResumeTest(tf.test.TestCase):
    def test_twenty_kills_at_random_moments_change_no_bit(self):
        self._assert_kills_change_no_bit(kills=20, mode="eager", rounds=2)

    def test_kills_of_compiled_training_change_no_bit(self):
        self._assert_kills_change_no_bit(kills=2, mode="graph", rounds=1)

    def _assert_kills_change_no_bit(self, kills, mode, rounds):
        search = os.pathsep.join([*PACKAGES, os.environ.get("PYTHONPATH", "")])
        driver = subprocess.run(
            [sys.executable, "-W", "ignore", str(DRIVER), self.get_temp_dir()]
            + [str(argument) for argument in (kills, SEED, mode, rounds)],
            env={**os.environ, "PYTHONPATH": search, "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
        )
        self.assertEqual(driver.returncode, 0, driver.stderr[-3000:])
        report = json.loads(driver.stdout.splitlines()[-1])
        self.assertLen(report["killed_at"], kills)
        self.assertGreater(len(set(report["killed_at"])), kills // 2, "most lives must get on with the work")
        self.assertLess(report["killed_at"][-1], report["steps"])
        self.assertEqual(report["steps"], rounds * 30)
        self.assertEqual(report["outcome"], report["undisturbed_outcome"])
        self.assertLen(report["outcome"]["val_losses"], rounds * 3)
        self.assertEmpty(report["leftovers"])


if __name__ == "__main__":
    tf.test.main()
