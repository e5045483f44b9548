"""Batches for dual training, drawn with NumPy, for tests of whole runs."""

from __future__ import annotations

import numpy as np


class DualBatches:
    """Rows of random ids in which a piece foretells the next one; the order depends on the seed.

    `stop_at` raises `Killed` before the batch of that number, counted over all epochs since it was made.
    """

    def __init__(self, teacher_size, student_size, p_dt=0.5, steps=4, rows=4, length=10, stop_at=None):
        self.sizes = {"teacher": teacher_size, "student": student_size}
        self.p_dt, self.rows, self.length, self.stop_at = p_dt, rows, length, stop_at
        self.steps_per_epoch = steps
        self.served = 0

    def epoch(self, seed, skip=0):
        for step in range(skip, self.steps_per_epoch):
            if self.served == self.stop_at:
                raise Killed
            self.served += 1
            yield self._batch(np.random.default_rng((seed, step)))

    def ordered(self):
        for step in range(self.steps_per_epoch):
            yield self._batch(np.random.default_rng((99, step)))

    def _batch(self, rng):
        shape = (self.rows, self.length)
        first = rng.integers(5, self.sizes["student"], (self.rows, 1))
        student = 5 + (first + np.arange(self.length)) % (self.sizes["student"] - 5)
        by_student = rng.random(shape) < self.p_dt
        teacher = np.where(by_student, student + self.sizes["teacher"], student)
        batch = {}
        for side, ids in (("teacher", teacher), ("student", student)):
            predicted = rng.random(shape) < 0.2
            corrupted = np.where(predicted, 4, ids)
            labels = np.where(predicted, ids, -1)
            batch |= {f"{side}_ids": corrupted, f"{side}_mask": np.ones(shape), f"{side}_labels": labels}
        return {name: value.astype(np.int32) for name, value in batch.items()}


class Killed(BaseException):
    """Ends a run as a kill would: nothing catches it."""
