"""A trained classifier with everything that it needs to read text."""

from __future__ import annotations

from dataclasses import dataclass

from fastbert_tf.models import FastBert
from fastbert_tokenizers import WordPieceTokenizer


@dataclass(frozen=True)
class SavedClassifier:
    """Model, tokenizer and labels: what `save_classifier` writes and `load_classifier` returns.

    Raises:
        ValueError: the parts do not fit together; the message names the one to change.
    """

    model: FastBert
    """Backbone and branches."""
    tokenizer: WordPieceTokenizer
    """Turns text into the model's inputs; holds the vocabulary."""
    label_names: tuple[str, ...]
    """Name of every class, in the order of the logits."""
    is_pair: bool
    """Whether an input is two texts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label_names", tuple(self.label_names))
        config, names = self.model.config, self.label_names
        all_strings = all(isinstance(name, str) for name in names)
        if not all_strings or len(names) != config.num_classes or len(set(names)) != len(names):
            raise ValueError(
                f"label_names must be {config.num_classes} different strings, one a class, but is {list(names)}; "
                "correct it"
            )
        tokens, rows = len(self.tokenizer.vocabulary), config.backbone.vocabulary_size
        if tokens > rows:
            raise ValueError(
                f"tokenizer has {tokens} tokens, but the model's embedding has {rows} rows; use the model's vocabulary"
            )
        length, positions = self.tokenizer.max_sequence_length, config.backbone.max_sequence_length
        if length > positions:
            raise ValueError(
                f"tokenizer cuts at {length} tokens, but the model has {positions} positions; lower max_sequence_length"
            )
        if self.is_pair and config.backbone.num_segments < 2:
            raise ValueError("is_pair needs a model with num_segments of at least 2; import another backbone")
