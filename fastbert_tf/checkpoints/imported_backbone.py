"""What an import returns."""

from __future__ import annotations

from dataclasses import dataclass

from fastbert_tf.checkpoints.import_report import ImportReport
from fastbert_tf.models import Backbone
from fastbert_tokenizers import Vocabulary


@dataclass(frozen=True)
class ImportedBackbone:
    """A pretrained encoder and what its directory says about the text it reads."""

    backbone: Backbone
    """The encoder with the checkpoint's weights."""
    vocabulary: Vocabulary | None
    """Its vocabulary, or None where the directory has none."""
    lower_case: bool
    """Whether texts are lower-cased and stripped of accents before they are split."""
    report: ImportReport
    """Tensors that were left over."""
