"""How fast a trivial model answers, beside ours: in one process, taking turns."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import BatchPipeline, Task
from fastbert_tf.evaluation import measure_latency
from fastbert_tf.inference import FloatStack, NormalizedEntropy
from fastbert_tf.recipes.train import report_part
from harness.reproduction import bag_of_words
from harness.reproduction.rows import Rows
from harness.reproduction.settings import TASKS

ROUNDS = 5
ROWS = 256
SPEED = 0.5
BATCH_SIZES = (1, 32)


def measured_times(task: Task, classifier: SavedClassifier) -> dict[str, Any]:
    """Returns medians over the rounds, in milliseconds a row, of both models at batch 1 and 32.

    Our graphs begin with tokens, the n-grams with text: their features are most of their work.
    """
    rows, reported = Rows.of(task), report_part(task)
    bag, _ = bag_of_words.fit(rows.train, rows.selection, TASKS[task.name].language)
    sample = reported.take(np.random.default_rng(0).permutation(len(reported))[:ROWS])
    stack = FloatStack(classifier.model)
    found = {}
    for size in BATCH_SIZES:
        batches = [sample.take(np.arange(start, min(start + size, ROWS))) for start in range(0, len(sample), size)]
        pipeline = BatchPipeline(sample, classifier.tokenizer, size)
        taken: list[tuple[float, float, float]] = []
        for _ in range(ROUNDS):
            (ours,) = measure_latency(stack, NormalizedEntropy(), pipeline.epoch(0), [SPEED], repeats=1)
            began = time.perf_counter()
            for batch in batches:
                bag.predict(batch)
            taken.append((ours.full_depth_ms, ours.adaptive_ms, 1000 * (time.perf_counter() - began) / len(sample)))
        names = ("full_depth_ms", "adaptive_ms", "bag_of_words_ms")
        found[f"batch {size}"] = dict(zip(names, np.median(taken, axis=0).tolist(), strict=True))
    return {"times": found, "speed": SPEED}
