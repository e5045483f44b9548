"""Opens the rows that are reported on: once for each model, with policies that were fixed before.

Nothing that fits, chooses or calibrates is imported here; a test keeps it so.
"""

from __future__ import annotations

from pathlib import Path

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import BatchPipeline, Task
from fastbert_tf.evaluation import BranchOutputs, predict_branches, read_outputs, write_outputs
from fastbert_tf.inference import FloatStack
from fastbert_tf.recipes.digest import classifier_digest
from fastbert_tf.recipes.train import report_part


def opened(classifier: SavedClassifier, task: Task, folder: Path) -> BranchOutputs:
    """Returns what all branches say about the rows that the task reports on, asked for once.

    Args:
        classifier: trained, and fixed.
        task: the task.
        folder: keeps the answers.

    Raises:
        ValueError: the folder keeps the answers of another model: it was opened for that one already.
    """
    model = classifier_digest(classifier)
    stored = read_outputs(folder, model)
    if stored is not None:
        return stored
    if any(folder.glob("*.npz")):
        raise ValueError(f"{folder} keeps the answers of another model; the part was opened for that one")
    batches = BatchPipeline(report_part(task), classifier.tokenizer)
    outputs = predict_branches(FloatStack(classifier.model), batches.ordered())
    in_file_order = batches.order.argsort()  # so that the rows of two models can be compared one by one
    outputs = outputs.take(in_file_order)
    folder.mkdir(parents=True, exist_ok=True)
    write_outputs(outputs, folder, model)
    return outputs
