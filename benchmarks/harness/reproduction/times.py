"""How fast a trivial model answers, beside ours: in one process, taking turns, on rows that are not reported on."""

from __future__ import annotations

import time

import numpy as np

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import BatchPipeline, TextDataset
from fastbert_tf.evaluation import measure_latency
from fastbert_tf.inference import FloatStack, NormalizedEntropy
from harness.reproduction.bag_of_words import BagOfWords
from harness.reproduction.settings import SHOWN_SPEEDS

ROUNDS = 5
ROWS = 256
BATCH_SIZES = (1, 32)
FULL_DEPTH, N_GRAMS = "full depth", "n-grams"
Milliseconds = dict[str, float]
"""A row, by `FULL_DEPTH`, `N_GRAMS` or the speed."""


def measured_times(rows: TextDataset, classifier: SavedClassifier, bag: BagOfWords) -> dict[str, Milliseconds]:
    """Returns medians over the rounds at batch 1 and 32.

    Our graphs begin with tokens, the n-grams with text: their features are most of their work.

    Args:
        rows: `ROWS` of them are answered, or all if there are fewer.
        classifier: ours, at full depth and at every shown speed.
        bag: the trivial one.
    """
    sample = rows.take(np.random.default_rng(0).permutation(len(rows))[:ROWS])
    stack, found = FloatStack(classifier.model), {}
    for size in BATCH_SIZES:
        pipeline = BatchPipeline(sample, classifier.tokenizer, size)
        rounds = [{**_ours(stack, pipeline), N_GRAMS: _theirs(bag, sample, size)} for _ in range(ROUNDS)]
        found[f"batch {size}"] = {name: float(np.median([one[name] for one in rounds])) for name in rounds[0]}
    return found


def _ours(stack: FloatStack, pipeline: BatchPipeline) -> Milliseconds:
    latencies = measure_latency(stack, NormalizedEntropy(), pipeline.epoch(0), SHOWN_SPEEDS, repeats=1)
    return {FULL_DEPTH: latencies[0].full_depth_ms, **{f"{one.speed:g}": one.adaptive_ms for one in latencies}}


def _theirs(bag: BagOfWords, sample: TextDataset, size: int) -> float:
    batches = [sample.take(np.arange(start, min(start + size, len(sample)))) for start in range(0, len(sample), size)]
    began = time.perf_counter()
    for batch in batches:
        bag.answers(batch)
    return 1000 * (time.perf_counter() - began) / len(sample)
