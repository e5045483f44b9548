"""How many examples a second one core makes for dual training, and how many a training step can consume.

    python benchmarks/dual_tokenizer.py --student_vocabulary vocab.txt

Reads `corpus/` and `vocab/` of the folder that FASTBERT_DATA names. Three figures, each in examples a second of
processor time, which other programs on the machine do not change:

- `from text`: the dual tokenizer in a tf.data graph, text to mixed rows;
- `batches`: the whole pipeline as training reads it (both sequences, corrupted, padded) from the segmented corpus;
- `training`: forward and backward pass of the teacher's encoder alone (6 layers, 384 wide) on those batches, times the
  number of cores: no dual training step on this machine consumes more.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from fastbert_tf.data import DualPipeline, SegmentedCorpus
from fastbert_tf.models import Backbone
from fastbert_tokenizers import DualTokenizer, Vocabulary

_STUDENT = flags.DEFINE_string("student_vocabulary", None, "the student's vocab.txt", required=True)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "rows a batch", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 6, "timed training steps", lower_bound=1)
_REPETITIONS = flags.DEFINE_integer("repetitions", 5, "timings of each; the median counts", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", "docs/results/dual_tokenizer.json", "file for the figures")

CORPUS = "corpus/enwiki_heldout.txt.gz"
TEXT_BATCH = 256
TEACHER_SHAPE: dict[str, Any] = {"num_layers": 6, "num_heads": 12, "hidden_dim": 384, "intermediate_dim": 1536}


def rate(work: Callable[[], int]) -> float:
    """Examples a second of processor time, the median of some runs; the first, which traces graphs, does not count."""
    work()
    rates = []
    for _ in range(_REPETITIONS.value):
        start = time.process_time()
        rates.append(work() / (time.process_time() - start))
    return float(np.median(rates))


def text_rate(file: Path, tokenizer: DualTokenizer) -> float:
    """Paragraphs to mixed rows."""
    lines = tf.data.TextLineDataset(str(file), compression_type="GZIP").filter(lambda line: line != "").cache()
    mapped = (
        lines.batch(TEXT_BATCH, drop_remainder=True)
        .enumerate()
        .map(lambda number, text: tokenizer(text, 0, number * TEXT_BATCH + tf.range(TEXT_BATCH, dtype=tf.int64)))
    )
    return rate(lambda: sum(int(rows.nrows()) for rows in mapped))


def batch_rate(pipeline: DualPipeline) -> float:
    """Rows of the corpus to batches."""
    epoch = pipeline.epoch(0)
    return rate(lambda: sum(len(batch["teacher_ids"]) for batch in epoch))


def training_rate(pipeline: DualPipeline) -> float:
    """Forward and backward pass of the teacher's encoder, on all cores."""
    encoder = Backbone(vocabulary_size=len(pipeline.corpus.vocabulary), **TEACHER_SHAPE)
    batches = [next(iter(pipeline.epoch(seed))) for seed in range(_STEPS.value)]

    @tf.function(reduce_retracing=True)
    def step(ids: tf.Tensor, mask: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": mask}
            loss = tf.reduce_mean(tf.square(encoder(inputs, training=True)[-1]))
        gradients = tape.gradient(loss, [variable.value for variable in encoder.trainable_variables])
        return [tf.reduce_sum(tf.convert_to_tensor(gradient)) for gradient in gradients[1:]]  # the table's is sparse

    def work() -> int:
        for batch in batches:
            step(batch["teacher_ids"], batch["teacher_mask"])
        return len(batches) * pipeline.batch_size

    return rate(work) * len(os.sched_getaffinity(0))


def main(_: list[str]) -> None:
    data = Path(os.environ["FASTBERT_DATA"])
    keras.utils.set_random_seed(0)
    teacher, student = Vocabulary.load(data / "vocab/bert_base_uncased.txt"), Vocabulary.load(_STUDENT.value)
    corpus = SegmentedCorpus(data / CORPUS, [teacher, student])
    pipeline = DualPipeline(corpus, batch_size=_BATCH_SIZE.value)
    results: dict[str, Any] = {
        "corpus": CORPUS,
        "rows": len(corpus),
        "mean_tokens": float(corpus.lengths.mean()),
        "batch_size": _BATCH_SIZE.value,
        "cores": len(os.sched_getaffinity(0)),
        "from_text": text_rate(data / CORPUS, DualTokenizer(teacher, student)),
        "batches": batch_rate(pipeline),
        "training": training_rate(pipeline),
    }
    results["batches_over_training"] = results["batches"] / results["training"]
    Path(_OUTPUT.value).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(
        f"one core: {results['from_text']:,.0f} paragraphs a second from text, {results['batches']:,.0f} rows a second "
        f"in batches\ntraining consumes at most {results['training']:,.0f} rows a second on {results['cores']} cores: "
        f"one core makes {results['batches_over_training']:.1f} x as many\nwritten to {_OUTPUT.value}"
    )


if __name__ == "__main__":
    app.run(main)
