"""A trained classifier as something that answers texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fastbert_tf.checkpoints import SavedClassifier
from fastbert_tf.data import BatchPipeline, TextDataset
from fastbert_tf.evaluation import BranchOutputs, predict_branches
from fastbert_tf.inference import FloatStack
from fastbert_tf.recipes.digest import classifier_digest


@dataclass(frozen=True, eq=False)
class AllBranches:
    """All branches of a classifier."""

    classifier: SavedClassifier

    @cached_property
    def digest(self) -> str:
        return classifier_digest(self.classifier)

    def answers(self, rows: TextDataset) -> BranchOutputs:
        """Answers in the order of the rows, so that those of two models can be compared one by one."""
        batches = BatchPipeline(rows, self.classifier.tokenizer)
        outputs = predict_branches(FloatStack(self.classifier.model), batches.ordered())
        return outputs.take(batches.order.argsort())
