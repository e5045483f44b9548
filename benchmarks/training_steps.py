"""Times the steps of both training stages on real batches.

    python benchmarks/training_steps.py [--layers 6 --hidden_dim 384 --heads 12] [--task sst2] [--steps 100]

Prints minutes for one epoch of stage 1 (its mean step, data pipeline included, times the steps of an epoch), and the
cost of a self-distillation step over that of a forward pass (all layers and branches, inference mode) on the same
batches. Weights are random: they do not change the time. Without FASTBERT_DATA only `--task sample` is at hand.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import keras
import tensorflow as tf
from absl import app, flags

from fastbert_tf.config import BackboneConfig, FastBertConfig
from fastbert_tf.data import BatchPipeline, load_task
from fastbert_tf.models import FastBert
from fastbert_tf.training import FineTuning, SelfDistillation, Stage
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

_TASK = flags.DEFINE_string("task", "sst2", "a task of fastbert_tf.data")
_STEPS = flags.DEFINE_integer("steps", 100, "timed steps of each kind", lower_bound=1)
_WARM_UP = flags.DEFINE_integer("warm_up", 10, "steps before the clock starts", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "rows a step", lower_bound=1)
_LAYERS = flags.DEFINE_integer("layers", 6, "encoder blocks")
_HIDDEN_DIM = flags.DEFINE_integer("hidden_dim", 384, "width of the hidden states; four times as much inside")
_HEADS = flags.DEFINE_integer("heads", 12, "attention heads")
_DTYPE = flags.DEFINE_enum("dtype", "float32", ["float32", "mixed_bfloat16"], "Keras dtype policy")
_SEED = flags.DEFINE_integer("seed", 0, "seed of weights and batches")
_JSON = flags.DEFINE_string("json", None, "file for the figures")


class _Clock(keras.callbacks.Callback):
    """Seconds a step, from the end of the last warm-up step to the end of the last step."""

    seconds_a_step = 0.0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch + 1 == _WARM_UP.value:
            self._start = time.perf_counter()
        elif batch + 1 == _WARM_UP.value + _STEPS.value:
            self.seconds_a_step = (time.perf_counter() - self._start) / _STEPS.value


def _time_stage(stage: Stage, batches: tf.data.Dataset) -> float:
    optimizer = keras.optimizers.AdamW(1e-5)
    optimizer.build(stage.trainable_variables)
    stage.compile(optimizer=optimizer, jit_compile=False)
    clock = _Clock()
    stage.fit(batches, callbacks=[clock], shuffle=False, verbose=0)
    return clock.seconds_a_step


def _time_forward_pass(model: FastBert, batches: tf.data.Dataset) -> float:
    specs = {name: tf.TensorSpec([None, None], tf.int32) for name in model.input}  # one trace for all lengths
    forward = tf.function(lambda inputs: model(inputs, training=False), input_signature=[specs])
    for step, (inputs, _) in enumerate(batches):
        if step == _WARM_UP.value:
            start = time.perf_counter()
        forward(inputs)
    return (time.perf_counter() - start) / _STEPS.value


def main(_: list[str]) -> None:
    keras.utils.set_random_seed(_SEED.value)
    task = load_task(_TASK.value)
    if _TASK.value == "sample":
        vocabulary = task.vocabulary
    else:
        vocabulary = Vocabulary.load(os.path.join(os.environ["FASTBERT_DATA"], "vocab", "bert_base_uncased.txt"))
    pipeline = BatchPipeline(task.train, WordPieceTokenizer(vocabulary), _BATCH_SIZE.value)
    backbone = BackboneConfig(len(vocabulary), _LAYERS.value, _HEADS.value, _HIDDEN_DIM.value, 4 * _HIDDEN_DIM.value)
    model = FastBert.from_fastbert_config(FastBertConfig(backbone, len(task.label_names)), _DTYPE.value)
    batches = pipeline.epoch(_SEED.value).repeat().take(_WARM_UP.value + _STEPS.value)
    forward = _time_forward_pass(model, batches)
    distillation = _time_stage(SelfDistillation(model), batches)
    fine_tuning = _time_stage(FineTuning(model), batches)
    figures = {
        "rows_an_epoch": len(task.train),
        "steps_an_epoch": pipeline.steps_per_epoch,
        "fine_tuning_ms_a_step": 1e3 * fine_tuning,
        "fine_tuning_minutes_an_epoch": fine_tuning * pipeline.steps_per_epoch / 60,
        "forward_pass_ms_a_step": 1e3 * forward,
        "self_distillation_ms_a_step": 1e3 * distillation,
        "self_distillation_over_forward_pass": distillation / forward,
    }
    print(f"{_TASK.value}, {_LAYERS.value} x {_HIDDEN_DIM.value}, batch {_BATCH_SIZE.value}, {_DTYPE.value}")
    for name, value in figures.items():
        print(f"  {name.replace('_', ' '):38}{value:>12,.2f}")
    if _JSON.value:
        with open(_JSON.value, "w", encoding="utf-8") as file:
            json.dump({**figures, **_settings()}, file, indent=1)


def _settings() -> dict[str, Any]:
    chosen = (_TASK, _STEPS, _BATCH_SIZE, _LAYERS, _HIDDEN_DIM, _HEADS, _DTYPE, _SEED)
    return {flag.name: flag.value for flag in chosen}


if __name__ == "__main__":
    app.run(main)
