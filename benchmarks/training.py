"""How long training takes: an epoch of stage 1, and a self-distillation step against a forward pass.

    python benchmarks/training.py --checkpoint DIR       a pretrained encoder
    python benchmarks/training.py                        random weights of 6 layers, 384 wide, 12 heads: as fast
    python benchmarks/training.py --full                 a whole epoch of stage 1 instead of an estimate

Reads SST-2 from the folder that FASTBERT_DATA names. Stage 1 is timed inside `fit`, data pipeline included; its
estimate is the mean step times the steps of an epoch. The self-distillation step and the forward pass (all layers and
branches, inference mode) take turns on the same batches, so that a change in the machine's load meets both.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from fastbert_tf.checkpoints import import_backbone
from fastbert_tf.config import DTYPES
from fastbert_tf.data import BatchPipeline, load_task
from fastbert_tf.models import Backbone, FastBert
from fastbert_tf.training import FineTuning, SelfDistillation, Stage
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "folder of a pretrained encoder; none: random weights")
_FULL = flags.DEFINE_bool("full", False, "time a whole epoch of stage 1")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "rows a step", lower_bound=1)
_DTYPE = flags.DEFINE_enum("dtype", "float32", DTYPES, "Keras dtype policy")
_STEPS = flags.DEFINE_integer("steps", 60, "timed steps of stage 1, unless --full", lower_bound=2)
_REPETITIONS = flags.DEFINE_integer("repetitions", 40, "timed forward passes and distillation steps", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "seed of weights and batches", lower_bound=0)
_OUTPUT = flags.DEFINE_string("output", "docs/results/training.json", "file for the figures")

WARM_UP = 5  # steps before the clock starts: tracing, and the first batches of other lengths
RANDOM_SHAPE: dict[str, Any] = {"num_layers": 6, "num_heads": 12, "hidden_dim": 384, "intermediate_dim": 1536}


class StepClock(keras.callbacks.Callback):
    """Notes when each step of `fit` ends."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())

    @property
    def seconds(self) -> np.ndarray:
        """Duration of every step after warm-up, the batch's making included."""
        return np.diff(self.ends)[WARM_UP - 1 :]


def load_model() -> tuple[FastBert, WordPieceTokenizer]:
    keras.utils.set_random_seed(_SEED.value)
    if _CHECKPOINT.value:
        imported = import_backbone(_CHECKPOINT.value, dtype=_DTYPE.value)
        if imported.vocabulary is None:
            raise app.UsageError(f"{_CHECKPOINT.value} has no vocab.txt; put it there")
        return FastBert(imported.backbone, num_classes=2), WordPieceTokenizer(imported.vocabulary, imported.lower_case)
    vocabulary = Vocabulary.load(Path(os.environ["FASTBERT_DATA"]) / "vocab" / "bert_base_uncased.txt")
    backbone = Backbone(vocabulary_size=len(vocabulary), dtype=_DTYPE.value, **RANDOM_SHAPE)
    return FastBert(backbone, num_classes=2), WordPieceTokenizer(vocabulary)


def compiled(stage: Stage) -> Stage:
    stage.compile(optimizer=keras.optimizers.AdamW(1e-5), jit_compile=False)
    return stage


def time_fine_tuning(model: FastBert, pipeline: BatchPipeline) -> dict[str, float]:
    """Times stage 1 inside `fit`; the steps before the clock starts count as steps of mean duration."""
    batches, clock = pipeline.epoch(_SEED.value), StepClock()
    if not _FULL.value:
        batches = batches.take(WARM_UP + _STEPS.value)
    compiled(FineTuning(model)).fit(batches, callbacks=[clock], shuffle=False, verbose=1 if _FULL.value else 0)
    mean, steps = clock.seconds.mean(), pipeline.steps_per_epoch
    error = 0.0 if _FULL.value else clock.seconds.std(ddof=1) / len(clock.seconds) ** 0.5
    return {
        "timed_steps": len(clock.seconds),
        "seconds_per_step": mean,
        "steps_per_epoch": steps,
        "minutes_per_epoch": mean * steps / 60,
        "standard_error_minutes": error * steps / 60,
    }


def time_distillation(model: FastBert, pipeline: BatchPipeline) -> dict[str, float]:
    """Times both kinds of step in turns, through Keras' calls for single batches."""
    stage = compiled(SelfDistillation(model))
    model.compile(jit_compile=False)  # Keras would choose XLA, which makes the forward pass slower on a CPU
    seconds = []
    for inputs, _ in pipeline.epoch(_SEED.value + 1).take(WARM_UP + _REPETITIONS.value):
        start = time.perf_counter()
        model.predict_on_batch(inputs)
        middle = time.perf_counter()
        stage.train_on_batch(inputs)
        seconds.append((middle - start, time.perf_counter() - middle))
    forward, step = np.array(seconds[WARM_UP:]).T
    return {
        "repetitions": len(forward),
        "forward_milliseconds": 1000 * np.median(forward),
        "step_milliseconds": 1000 * np.median(step),
        "step_over_forward": np.median(step / forward),
    }


def main(_: list[str]) -> None:
    rows = load_task("sst2").train  # first: it says what is missing where there are no data
    model, tokenizer = load_model()
    pipeline = BatchPipeline(rows, tokenizer, _BATCH_SIZE.value)
    results: dict[str, Any] = {
        "settings": {flag.name: flag.value for flag in (_FULL, _BATCH_SIZE, _DTYPE, _SEED)},
        "pretrained": _CHECKPOINT.value is not None,
        "model": model.config.to_dict(),
        "mean_tokens": float(pipeline.lengths.mean()),
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "tensorflow": tf.__version__},
        "self_distillation": time_distillation(model, pipeline),
        "fine_tuning": time_fine_tuning(model, pipeline),
    }
    Path(_OUTPUT.value).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    first, second = results["fine_tuning"], results["self_distillation"]
    kind = "measured" if _FULL.value else f"+- {first['standard_error_minutes']:.1f}, estimated"
    print(
        f"stage 1, SST-2, {first['steps_per_epoch']} steps of {_BATCH_SIZE.value} rows: "
        f"{first['minutes_per_epoch']:.1f} minutes an epoch ({kind} from {first['timed_steps']} steps)\n"
        f"self-distillation step {second['step_milliseconds']:.0f} ms, forward pass "
        f"{second['forward_milliseconds']:.0f} ms: {second['step_over_forward']:.2f} x a forward pass\n"
        f"written to {_OUTPUT.value}"
    )


if __name__ == "__main__":
    app.run(main)
