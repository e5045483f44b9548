"""How long a step of pretraining takes: the student alone, and beside its teacher.

    python benchmarks/pretraining.py --checkpoint DIR    a pretrained teacher
    python benchmarks/pretraining.py                     random weights of 6 layers, 384 wide, 12 heads: as fast

Batches are random ids of full length, 15 % of them predicted: the arithmetic of real text without its padding. The
kinds of training take turns, step by step, so that a change in the machine's load meets all of them. Figures are
medians: milliseconds on the clock, those of all processors together (which a busy machine changes less), and student
tokens a second.
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
from absl import app, flags

from fastbert_tf.checkpoints import import_backbone
from fastbert_tf.config import DTYPES
from fastbert_tf.models import Backbone, DualMaskedLm, MaskedLm, student_config
from fastbert_tf.training import DualTraining, Lamb, MaskedLmTraining, Stage

_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "folder of a pretrained teacher; none: random weights")
_WIDTHS = flags.DEFINE_multi_integer("student_dim", [96, 192], "widths of the student")
_KINDS = flags.DEFINE_multi_enum(
    "kind",
    ["no_kd", "dual_train", "frozen_teacher", "shared_proj_up"],
    ["no_kd", "dual_train", "frozen_teacher", "shared_proj_down", "shared_proj_up"],
    "kinds of training",
)
_VOCABULARY = flags.DEFINE_integer("vocabulary_size", 4928, "the student's vocabulary", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "rows a step", lower_bound=1)
_LENGTH = flags.DEFINE_integer("length", 128, "tokens of a row, of either model", lower_bound=2)
_DTYPES = flags.DEFINE_multi_enum("dtype", list(DTYPES), DTYPES, "Keras dtype policies")
_REPETITIONS = flags.DEFINE_integer("repetitions", 5, "timed steps of each kind", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", None, "file for the figures; none: only printed")

RANDOM_SHAPE: dict[str, Any] = {"num_layers": 6, "num_heads": 12, "hidden_dim": 384, "intermediate_dim": 1536}


def make_teacher(dtype: str) -> Backbone:
    if _CHECKPOINT.value:
        return import_backbone(_CHECKPOINT.value, dtype=dtype).backbone
    return Backbone(vocabulary_size=30522, dtype=dtype, **RANDOM_SHAPE)


def make_stage(kind: str, width: int, dtype: str) -> Stage:
    teacher = make_teacher(dtype)
    shape = student_config(teacher.config, width, _VOCABULARY.value)
    student = MaskedLm(Backbone(dtype=dtype, **shape.to_dict()))
    if kind == "no_kd":
        stage: Stage = MaskedLmTraining(student)
    else:
        direction = kind.removeprefix("shared_proj_") if kind.startswith("shared") else None
        dual = DualMaskedLm(MaskedLm(teacher), student, direction)
        stage = DualTraining(dual, train_teacher=kind != "frozen_teacher")
    # XLA doubles the step time on a CPU; under JAX, jit_compile=False would turn compilation off altogether.
    stage.compile(optimizer=Lamb(1e-4), jit_compile=keras.backend.backend() == "jax")
    return stage


def random_batch(teacher_size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (_BATCH_SIZE.value, _LENGTH.value)
    student = rng.integers(0, _VOCABULARY.value, shape)
    teacher = np.where(rng.random(shape) < 0.5, rng.integers(0, teacher_size, shape), teacher_size + student)
    batch: dict[str, np.ndarray] = {}
    for name, ids in (("teacher", teacher), ("student", student)):
        labels = np.where(rng.random(shape) < 0.15, ids, -1)
        batch |= {f"{name}_ids": ids, f"{name}_mask": np.ones(shape), f"{name}_labels": labels}
    return {name: value.astype(np.int32) for name, value in batch.items()}


def seconds_of(stage: Stage, batch: dict[str, np.ndarray]) -> tuple[float, float]:
    """Returns the seconds on the clock, and those of all processors together."""
    start, processor_start = time.perf_counter(), time.process_time()
    stage.train_on_batch(batch)
    return time.perf_counter() - start, time.process_time() - processor_start


def measure(dtype: str) -> list[dict[str, Any]]:
    stages = {(kind, width): make_stage(kind, width, dtype) for width in _WIDTHS.value for kind in _KINDS.value}
    batch = random_batch(30522 if not _CHECKPOINT.value else make_teacher(dtype).config.vocabulary_size)
    seconds: dict[tuple[str, int], list[tuple[float, float]]] = {key: [] for key in stages}
    for repetition in range(_REPETITIONS.value + 1):
        for key, stage in stages.items():
            taken = seconds_of(stage, batch)
            if repetition:  # the first traces
                seconds[key].append(taken)
    return [_row(dtype, kind, width, values) for (kind, width), values in seconds.items()]


def _row(dtype: str, kind: str, width: int, values: list[tuple[float, float]]) -> dict[str, Any]:
    clock, processors = np.median(values, axis=0)
    return {
        "dtype": dtype,
        "kind": kind,
        "student_dim": width,
        "milliseconds": round(1000 * float(clock)),
        "processor_milliseconds": round(1000 * float(processors)),
        "student_tokens_per_second": round(_BATCH_SIZE.value * _LENGTH.value / float(clock)),
    }


def main(_: list[str]) -> None:
    results = []
    for dtype in _DTYPES.value:
        for row in measure(dtype):
            results.append(row)
            print(*row.values(), sep="\t")
    machine = {"cores": os.cpu_count(), "processor": platform.machine(), "backend": keras.backend.backend()}
    if _OUTPUT.value:
        report = {"machine": machine, "rows": _BATCH_SIZE.value, "length": _LENGTH.value, "steps": results}
        Path(_OUTPUT.value).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
