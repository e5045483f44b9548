r"""The words of BERT: what WordPiece segments one by one, split off in TensorFlow graph code.

A word ends at white space; a punctuation mark or a Chinese character is a word of its own.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import tensorflow as tf
import tensorflow_text as tf_text

from fastbert_tokenizers.normalization import LONE_CHARACTERS, MAX_WORD_CHARACTERS, normalize
from fastbert_tokenizers.text_batch import TextLike, text_batch


def split_words(text: TextLike, lower_case: bool = True) -> tf.RaggedTensor:
    """Splits texts into the words that `WordPieceTokenizer` segments.

    Args:
      text: one text or a batch: str, bytes, a list or array of these, or a string tensor () or (batch,).
      lower_case: whether to lower-case and strip accents, as uncased BERT does.

    Returns:
      string (batch, ragged): normalised words, in order. A word of more than 100 characters, which BERT does not
      read, is 401 times `x`.

    Raises:
      ValueError: the texts are no strings.
    """
    normalized = normalize(text_batch(text, "text"), lower_case)
    # The op cuts spaces of several bytes in two.
    spaced = tf.strings.regex_replace(normalized, r"\pZ", " ")
    return tf_text.WhitespaceTokenizer().tokenize(tf.strings.regex_replace(spaced, f"[{LONE_CHARACTERS}]", r" \0 "))


def stand_alone(characters: Iterable[str]) -> set[str]:
    """Which characters are words of their own wherever they stand, so that no piece `##c` can ever match.

    Args:
      characters: normalised characters.

    Returns:
      Punctuation marks and Chinese characters among them.
    """
    characters = list(characters)
    alone = tf.strings.regex_full_match(tf.constant(characters, tf.string), f"[{LONE_CHARACTERS}]").numpy()
    return {character for character, is_alone in zip(characters, alone, strict=True) if is_alone}


class WordCounter:
    """Counts the words of texts; counts of parts add up.

    Args:
      lower_case: whether to lower-case and strip accents before counting.
    """

    def __init__(self, lower_case: bool = True) -> None:
        self.lower_case = lower_case

    def __call__(self, text: TextLike) -> Counter[str]:
        """Counts the words of a batch.

        Args:
          text: as for `split_words`.

        Returns:
          How often each normalised word occurs. Words of more than 100 characters are left out: BERT does not read
          them.

        Raises:
          ValueError: the texts are no strings.
        """
        words, counts = _counting_graph(self.lower_case)(text_batch(text, "text"))
        return Counter({word.decode(): int(count) for word, count in zip(words.numpy(), counts.numpy(), strict=True)})


@functools.cache
def _counting_graph(lower_case: bool) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """From texts (batch,) to distinct words and their counts, each (words,); one graph for all counters."""

    def count(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        words = split_words(text, lower_case).flat_values
        words = tf.boolean_mask(words, tf.strings.length(words, unit="UTF8_CHAR") <= MAX_WORD_CHARACTERS)
        distinct, _, counts = tf.unique_with_counts(words)
        return distinct, counts

    return tf.function(count, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)


def character_counts(word_counts: Mapping[str, int]) -> Counter[str]:
    """How often each character occurs in counted words."""
    counts: Counter[str] = Counter()
    for word, count in word_counts.items():
        for character in word:
            counts[character] += count
    return counts
