"""Our own graphs in the form in which they are served: version directories, one a precision and schedule."""

from __future__ import annotations

import hashlib
from pathlib import Path

import tensorflow as tf

import fastbert_tf
import fastbert_tokenizers
from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import TextDataset
from fastbert_tf.export.signatures import Signatures
from fastbert_tf.files import directory_swap
from fastbert_tf.inference import ExitLoop, ExitSchedule, KerasStack, NormalizedEntropy, SavableStack
from fastbert_tf.recipes.stacks import stack_of
from harness.performance.names import PADDED


def source_digest() -> str:
    """Tells versions of our code apart: a graph that another version wrote is not measured."""
    total = hashlib.sha256()
    for package in (fastbert_tf, fastbert_tokenizers):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            total.update(path.read_bytes())
    return total.hexdigest()[:12]


def build(classifier: SavedClassifier, name: str, calibration: TextDataset) -> SavableStack:
    """Builds a stack of `STACKS`; the calibration rows are for int8 alone."""
    if name == PADDED:
        return KerasStack(classifier.model)
    precision = name.split()[1]
    return stack_of(classifier, precision, calibration if precision == "int8" else None)


def write_graph(directory: Path, classifier: SavedClassifier, stack: SavableStack, schedule: ExitSchedule) -> None:
    """Saves signatures `tokenized` and `with_speed` of one stack.

    Args:
        directory: the target; what is there is replaced.
        classifier: the trained classifier.
        stack: one that `build` has built of it.
        schedule: the last layer alone is the plain encoder with its teacher.
    """
    signatures = Signatures(
        loop=ExitLoop(stack, NormalizedEntropy(), schedule),
        tokenizer=classifier.tokenizer,
        label_names=classifier.label_names,
        is_pair=classifier.is_pair,
        default_speed=0.0,
        limits=classifier.model.config.backbone,
    )
    functions = signatures.functions()
    module = tf.Module()
    module.weights = [weight.value for weight in stack.variables]
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory_swap(directory) as partial:
        tf.saved_model.save(
            module, str(partial), signatures={key: functions[key] for key in ("tokenized", "with_speed")}
        )
