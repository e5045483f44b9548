"""Everything public, registered once; every property test in this folder runs over all of it.

To register a new class, add a case to the list of its kind; stacks have a file of their own, `stack_cases.py`.
A case makes a small instance and sample inputs.
`test_registration.py` fails while a public class is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import fastbert_tokenizers
from fastbert_tf import inference, layers, losses, models, training

BATCH, LENGTH, WIDTH, CLASSES, DEPTH, VOCABULARY = 3, 7, 8, 3, 3, 40
Arrays = dict[str, np.ndarray]


def token_inputs(rows: int = BATCH) -> Arrays:
    """Model inputs whose rows have 7, 5, 3, 7, ... real tokens and a second segment from the third token on."""
    rng = np.random.default_rng(1)
    real = np.array([(LENGTH, LENGTH - 2, LENGTH - 4)[row % 3] for row in range(rows)])  # (rows,)
    mask = (np.arange(LENGTH) < real[:, None]).astype(np.int32)  # (rows, length)
    segments = (np.arange(LENGTH) >= 3).astype(np.int32) * mask
    return {
        "token_ids": rng.integers(1, VOCABULARY, (rows, LENGTH)).astype(np.int32) * mask,
        "segment_ids": segments,
        "padding_mask": mask,
    }


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


def make_backbone(dtype: str = "float32", dropout: float = 0.1) -> Any:
    return models.Backbone(
        vocabulary_size=VOCABULARY,
        num_layers=DEPTH,
        num_heads=2,
        hidden_dim=WIDTH,
        intermediate_dim=2 * WIDTH,
        max_sequence_length=2 * LENGTH,
        dropout=dropout,
        dtype=dtype,
    )


def make_fastbert(dtype: str = "float32", dropout: float = 0.1) -> Any:
    return models.FastBert(make_backbone(dtype, dropout), CLASSES, branch_dim=4, branch_heads=2)


STUDENT_VOCABULARY, STUDENT_WIDTH = 20, 4


def make_masked_lm(
    dtype: str = "float32", dropout: float = 0.1, vocabulary_size: int = VOCABULARY, width: int = WIDTH, depth: int = 1
) -> Any:
    backbone = models.Backbone(
        vocabulary_size=vocabulary_size,
        num_layers=depth,
        num_heads=2,
        hidden_dim=width,
        intermediate_dim=2 * width,
        max_sequence_length=2 * LENGTH,
        dropout=dropout,
        dtype=dtype,
    )
    return models.MaskedLm(backbone)


def make_student(dtype: str = "float32", dropout: float = 0.1) -> Any:
    return make_masked_lm(dtype, dropout, STUDENT_VOCABULARY, STUDENT_WIDTH)


def make_dual(dtype: str = "float32", dropout: float = 0.1, direction: str | None = None) -> Any:
    return models.DualMaskedLm(make_masked_lm(dtype, dropout), make_student(dtype, dropout), direction)


def dual_batch(rows: int = BATCH, p_dt: float = 0.5) -> Arrays:
    """What dual training is fitted on: ids of both vocabularies for the teacher; a third of the places predicted."""
    rng, tokens = np.random.default_rng(7), token_inputs(rows)
    mask = tokens["padding_mask"]
    student = rng.integers(1, STUDENT_VOCABULARY, mask.shape) * mask
    teacher = np.where(rng.random(mask.shape) < p_dt, VOCABULARY + student, tokens["token_ids"]) * mask
    batch = {}
    for side, ids in (("teacher", teacher), ("student", student)):
        labels = np.where((rng.random(mask.shape) < 0.4) & (mask == 1), ids, -1)
        batch |= {f"{side}_ids": ids, f"{side}_mask": mask, f"{side}_labels": labels}
    return {name: value.astype(np.int32) for name, value in batch.items()}


def _masked_lm_inputs() -> Arrays:
    inputs = token_inputs()
    del inputs["segment_ids"]
    return {**inputs, "places": np.array([0, 8, 8, 14], np.int32)}


def _dual_inputs() -> Arrays:
    batch = {name: value for name, value in dual_batch().items() if not name.endswith("labels")}
    places = {"teacher_places": [1, 9], "lifted_places": [2, 8, 14], "student_places": [0, 7, 8, 15]}
    return batch | {name: np.array(value, np.int32) for name, value in places.items()}


def word_batch(rows: int = BATCH) -> Arrays:
    """What word distillation is fitted on: each side cuts the same 3, 2, 1, 3, ... words into pieces of its own."""
    rng, words = np.random.default_rng(9), np.array([(5, 4, 3)[row % 3] for row in range(rows)])  # with [CLS] and [SEP]
    batch = {"word_mask": (np.arange(6) < words[:, None]).astype(np.int32)}
    for side, size in (("teacher", VOCABULARY), ("student", STUDENT_VOCABULARY)):
        numbers = np.zeros((rows, LENGTH), np.int32)
        for row, count in enumerate(words):
            pieces = np.sort(
                np.concatenate([np.arange(1, count + 1), rng.integers(2, count, LENGTH - count - row % 2)])
            )
            numbers[row, : len(pieces)] = pieces
        ids = rng.integers(1, size, (rows, LENGTH)) * (numbers > 0)
        batch |= {f"{side}_ids": ids.astype(np.int32), f"{side}_words": numbers}
    return batch


def word_inputs(side: str = "student", rows: int = BATCH) -> Arrays:
    """One side of a batch, as `WordEncoder` reads it."""
    batch = word_batch(rows)
    return {
        "token_ids": batch[f"{side}_ids"],
        "word_numbers": batch[f"{side}_words"],
        "word_mask": batch["word_mask"],
    }


def make_word_student(dtype: str = "float32", dropout: float = 0.1, depth: int = 1) -> Any:
    backbone = make_masked_lm(dtype, dropout, STUDENT_VOCABULARY, STUDENT_WIDTH, depth).backbone
    return models.WordEncoder(backbone, lifted_dim=WIDTH)


def make_word_teacher(depth: int = 1) -> Any:
    teacher = models.WordEncoder(make_masked_lm(dropout=0.1, depth=depth).backbone)
    spread(teacher)
    return teacher


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
        models.MaskedLm, make_masked_lm, _masked_lm_inputs, takes_dict=True, float32_output=True, motionless=KEY_BIAS
    ),
    NetworkCase(
        models.DualMaskedLm, make_dual, _dual_inputs, takes_dict=True, float32_output=True, motionless=KEY_BIAS
    ),
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


def spread(network: Any) -> None:
    """Replaces the near-zero initial weights by larger seeded ones, so that rows and layers differ."""
    rng = np.random.default_rng(3)
    for weight in network.weights:
        centre = 1.0 if weight.path.endswith("gamma") else 0.0
        weight.assign(rng.normal(centre, 0.5, weight.shape))


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

# === Inference ===


@dataclass(frozen=True)
class PolicyCase:
    """An exit policy."""

    cls: type
    make: Callable[[], Any]


POLICIES = [PolicyCase(inference.NormalizedEntropy, inference.NormalizedEntropy)]


def branch_probabilities(rows: int = 200) -> np.ndarray:
    """Float32 (rows, layers, classes): rows from nearly certain to nearly uniform."""
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(rows, DEPTH, CLASSES)) * np.linspace(0.1, 8, rows)[:, None, None]
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return (exponentials / exponentials.sum(-1, keepdims=True)).astype(np.float32)


def said_until(probabilities: np.ndarray, exit: int) -> list[np.ndarray]:
    """What a policy hears at an exit, counted from 0: each (rows, classes), the newest last."""
    return [probabilities[:, number] for number in range(exit + 1)]


# === Tokenizers ===


@dataclass(frozen=True)
class TokenizerCase:
    """A tokenizer; it is called with texts, or with texts and text pairs."""

    cls: type
    make: Callable[[], Any]


@dataclass(frozen=True)
class VocabularyCase:
    """A vocabulary."""

    cls: type
    make: Callable[[], Any]


def make_vocabulary() -> fastbert_tokenizers.Vocabulary:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "film", "##s", "not", "书", "!", "Good"]
    return fastbert_tokenizers.Vocabulary([*words, *letters, *(f"##{c}" for c in letters if c != "s")])


def _make_word_piece() -> fastbert_tokenizers.WordPieceTokenizer:
    return fastbert_tokenizers.WordPieceTokenizer(make_vocabulary(), lower_case=False, max_sequence_length=12)


TOKENIZERS = [TokenizerCase(fastbert_tokenizers.WordPieceTokenizer, _make_word_piece)]
VOCABULARIES = [VocabularyCase(fastbert_tokenizers.Vocabulary, make_vocabulary)]


def named(cases: list[Any]) -> list[tuple[str, Any]]:
    """Cases with a name each, for `parameterized.named_parameters`."""
    return [(f"{case.cls.__name__}_{index}", case) for index, case in enumerate(cases)]
