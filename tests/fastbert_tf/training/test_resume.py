"""A run that is killed again and again ends with the weights of an undisturbed one, bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

import tensorflow as tf

KILLS, SEED = 20, 1
DRIVER = Path(__file__).with_name("resume_driver.py")


@unittest.skipUnless(hasattr(os, "fork"), "the driver forks")
class ResumeTest(tf.test.TestCase):
    def test_twenty_kills_at_random_moments_change_no_bit(self):
        driver = subprocess.run(
            [sys.executable, "-W", "ignore", str(DRIVER), self.get_temp_dir(), str(KILLS), str(SEED)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
        )
        self.assertEqual(driver.returncode, 0, driver.stderr[-3000:])
        report = json.loads(driver.stdout.splitlines()[-1])
        self.assertLen(report["killed_at"], KILLS)
        self.assertGreater(len(set(report["killed_at"])), KILLS // 2, "most lives must get on with the work")
        self.assertLess(report["killed_at"][-1], report["steps"])
        self.assertEqual(report["steps"], 60)  # 2 rounds of 2 + 1 epochs of 10 steps
        self.assertEqual(report["outcome"], report["undisturbed_outcome"])
        self.assertLen(report["outcome"]["val_losses"], 6)
        self.assertEmpty(report["leftovers"])


if __name__ == "__main__":
    tf.test.main()
