"""Everything public, registered once; every property test in this folder runs over all of it.

To register a new class, add a case to the list of its kind; stacks, exit policies and tokenizers have files of their
own, `stack_cases.py`, `policy_cases.py` and `tokenizer_cases.py`.
A case makes a small instance and sample inputs; what several share is in `samples.py`.
`test_registration.py` fails while a public class is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from samples import (
    BATCH,
    CLASSES,
    DEPTH,
    LENGTH,
    STUDENT_WIDTH,
    VOCABULARY,
    WIDTH,
    Arrays,
    dual_batch,
    dual_inputs,
    make_backbone,
    make_dual,
    make_fastbert,
    make_masked_lm,
    make_student,
    make_task_teacher,
    make_word_student,
    make_word_teacher,
    masked_lm_inputs,
    spread,
    token_inputs,
    word_batch,
    word_inputs,
)

from fastbert_tf import layers, losses, models, training


def _hidden(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def _hidden_inputs() -> Arrays:
    return {"hidden": _hidden(BATCH, LENGTH, WIDTH), "padding_mask": token_inputs()["padding_mask"]}


def _attention_inputs() -> Arrays:
    return {"query": _hidden(BATCH, 2, WIDTH), "context": _hidden(BATCH, LENGTH, WIDTH)} | {
        "padding_mask": token_inputs()["padding_mask"]
    }


def _embedding_inputs() -> Arrays:
    return {name: token_inputs()[name] for name in ("token_ids", "segment_ids")}


# === Layers and models ===


@dataclass(frozen=True)
class NetworkCase:
    """A layer or model.

    Attributes:
        cls: the class.
        make: takes a Keras dtype policy, returns a small instance.
        inputs: returns sample inputs by name.
        takes_dict: whether the inputs are passed as one dict instead of one by one.
        float32_output: whether outputs are float32 under mixed precision too.
        motionless: ends of the paths of weights whose gradient is 0 by nature.
    """

    cls: type
    make: Callable[[str], Any]
    inputs: Callable[[], Arrays]
    takes_dict: bool = False
    float32_output: bool = False
    motionless: tuple[str, ...] = ()

    def call(self, network: Any, inputs: Any, **options: Any) -> list[Any]:
        """Returns the outputs as a list."""
        outputs = network(inputs, **options) if self.takes_dict else network(*inputs.values(), **options)
        return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


# A softmax over keys does not change when the same number is added to every score of a query.
KEY_BIAS = ("key/bias",)


LAYERS = [
    NetworkCase(
        layers.MaskedLmTransform,
        lambda dtype: layers.MaskedLmTransform(WIDTH, dtype=dtype),
        lambda: {"hidden": _hidden(5, WIDTH)},
    ),
    NetworkCase(
        layers.TiedLogits,
        lambda dtype: layers.TiedLogits(VOCABULARY, dtype=dtype),
        lambda: {"hidden": _hidden(5, WIDTH), "table": _hidden(VOCABULARY, WIDTH)},
        float32_output=True,
    ),
    NetworkCase(
        layers.Lift,
        lambda dtype: layers.Lift(STUDENT_WIDTH, WIDTH, dtype=dtype),
        lambda: {"x": _hidden(5, STUDENT_WIDTH)},
    ),
    NetworkCase(
        layers.SharedProjection,
        lambda dtype: layers.SharedProjection((WIDTH, 6), (STUDENT_WIDTH, 3), dtype=dtype),
        lambda: {"weight": _hidden(WIDTH, 6)},
    ),
    NetworkCase(
        layers.SharedProjection,
        lambda dtype: layers.SharedProjection((WIDTH,), (STUDENT_WIDTH,), projects_rows=False, dtype=dtype),
        lambda: {"weight": _hidden(WIDTH)},
    ),
    NetworkCase(
        layers.MultiHeadAttention,
        lambda dtype: layers.MultiHeadAttention(WIDTH, num_heads=2, dropout=0.1, dtype=dtype),
        _attention_inputs,
        motionless=KEY_BIAS,
    ),
    NetworkCase(
        layers.EncoderBlock,
        lambda dtype: layers.EncoderBlock(WIDTH, num_heads=2, intermediate_dim=2 * WIDTH, dtype=dtype),
        _hidden_inputs,
        motionless=KEY_BIAS,
    ),
    NetworkCase(
        layers.BertEmbeddings,
        lambda dtype: layers.BertEmbeddings(VOCABULARY, WIDTH, max_sequence_length=2 * LENGTH, dtype=dtype),
        _embedding_inputs,
    ),
    NetworkCase(
        layers.BranchClassifier,
        lambda dtype: layers.BranchClassifier(CLASSES, branch_dim=4, branch_heads=2, dtype=dtype),
        _hidden_inputs,
        motionless=KEY_BIAS,
    ),
]

MODELS = [
    NetworkCase(models.Backbone, make_backbone, token_inputs, takes_dict=True, motionless=KEY_BIAS),
    NetworkCase(
        models.MaskedLm, make_masked_lm, masked_lm_inputs, takes_dict=True, float32_output=True, motionless=KEY_BIAS
    ),
    NetworkCase(models.DualMaskedLm, make_dual, dual_inputs, takes_dict=True, float32_output=True, motionless=KEY_BIAS),
    NetworkCase(models.WordEncoder, make_word_student, word_inputs, takes_dict=True, motionless=KEY_BIAS),
    NetworkCase(
        models.FastBert, make_fastbert, token_inputs, takes_dict=True, float32_output=True, motionless=KEY_BIAS
    ),
]


def built(case: NetworkCase, dtype: str = "float32") -> Any:
    """Returns an instance with weights that spread the outputs, the same for every call."""
    keras.utils.set_random_seed(0)
    network = case.make(dtype)
    case.call(network, case.inputs())
    spread(network)
    return network


# === Losses ===


@dataclass(frozen=True)
class LossCase:
    """A loss; `inputs` returns targets and predictions."""

    cls: type
    make: Callable[[], Any]
    inputs: Callable[[], tuple[np.ndarray, np.ndarray]]


def _teacher_and_students() -> tuple[np.ndarray, np.ndarray]:
    return _hidden(BATCH, CLASSES), _hidden(BATCH, DEPTH - 1, CLASSES)[::-1].copy()


def _labels_and_logits() -> tuple[np.ndarray, np.ndarray]:
    return np.array([2, -1, 0, 1], np.int32), _hidden(4, CLASSES)


LOSSES = [
    LossCase(losses.MaskedCrossEntropy, losses.MaskedCrossEntropy, _labels_and_logits),
    LossCase(losses.SoftTargetDivergence, lambda: losses.SoftTargetDivergence("forward"), _teacher_and_students),
    LossCase(losses.SoftTargetDivergence, lambda: losses.SoftTargetDivergence("reverse"), _teacher_and_students),
]

# === Training ===


@dataclass(frozen=True)
class StageCase:
    """A training stage; `make` takes the network, which `network` makes of a dtype policy and a dropout rate.

    It is fitted on `inputs()`, and on labels where it needs them.
    """

    cls: type
    make: Callable[[Any], Any]
    needs_labels: bool = True
    network: Callable[[str, float], Any] = make_fastbert
    inputs: Callable[[], Arrays] = token_inputs


STAGES = [
    StageCase(training.FineTuning, training.FineTuning),
    StageCase(training.JointFineTuning, training.JointFineTuning),
    StageCase(training.SelfDistillation, training.SelfDistillation, needs_labels=False),
    StageCase(training.TaskDistillation, lambda student: training.TaskDistillation(student, make_task_teacher())),
    StageCase(training.MaskedLmTraining, training.MaskedLmTraining, False, make_student, dual_batch),
    StageCase(
        training.DualTraining,
        training.DualTraining,
        False,
        lambda dtype, dropout: make_dual(dtype, dropout, "down"),
        dual_batch,
    ),
    StageCase(
        training.WordDistillation,
        lambda student: training.WordDistillation(student, make_word_teacher()),
        False,
        make_word_student,
        word_batch,
    ),
]


def built_stage(case: StageCase, dtype: str = "float32", dropout: float = 0.1) -> tuple[Any, Arrays, Any]:
    """Returns a stage, inputs and labels (None where the stage needs none)."""
    keras.utils.set_random_seed(0)
    network = case.network(dtype, dropout)
    spread(network)
    labels = np.arange(BATCH, dtype=np.int32) % CLASSES if case.needs_labels else None
    return case.make(network), case.inputs(), labels


@dataclass(frozen=True)
class ScheduleCase:
    """A learning rate schedule."""

    cls: type
    make: Callable[[], Any]


SCHEDULES = [ScheduleCase(training.WarmupLinearDecay, lambda: training.WarmupLinearDecay(2e-5, steps=50, warmup=0.2))]


def named(cases: list[Any]) -> list[tuple[str, Any]]:
    """Cases with a name each, for `parameterized.named_parameters`."""
    return [(f"{case.cls.__name__}_{index}", case) for index, case in enumerate(cases)]
