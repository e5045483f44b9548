"""Batches for dual training, drawn with NumPy, for tests of whole runs."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


class DualBatches:
    """Rows of ids in which each piece is the one before, plus 1; the order depends on the seed."""

    def __init__(self, teacher_size, student_size, p_dt=0.5, steps=4, rows=4, length=10):
        self.sizes = {"teacher": teacher_size, "student": student_size}
        self.p_dt, self.shape = p_dt, (steps, rows, length)
        self.steps_per_epoch = steps

    def epoch(self, seed, skip=0):
        return tf.data.Dataset.from_tensor_slices(self._drawn(seed)).skip(skip)

    def ordered(self):
        return self.epoch(seed=10_000)

    def _drawn(self, seed):
        rng = np.random.default_rng(seed)
        first = rng.integers(0, 100, (*self.shape[:2], 1))
        student = 5 + (first + np.arange(self.shape[2])) % (self.sizes["student"] - 5)
        by_student = rng.random(self.shape) < self.p_dt
        teacher = np.where(by_student, student + self.sizes["teacher"], student)
        drawn = {}
        for side, ids in (("teacher", teacher), ("student", student)):
            predicted = rng.random(self.shape) < 0.2
            drawn |= {
                f"{side}_ids": np.where(predicted, 4, ids),
                f"{side}_mask": np.ones(self.shape),
                f"{side}_labels": np.where(predicted, ids, -1),
            }
        return {name: value.astype(np.int32) for name, value in drawn.items()}
