"""Sentences in which some words are pieces of the teacher's vocabulary and the others of the student's."""

from __future__ import annotations

import tensorflow as tf

from fastbert_tokenizers.joint_vocabulary import JointVocabulary
from fastbert_tokenizers.keyed_random import keyed_uniform
from fastbert_tokenizers.normalization import normalize
from fastbert_tokenizers.text_batch import TextLike, text_batch
from fastbert_tokenizers.vocabulary import Vocabulary
from fastbert_tokenizers.word_extents import WordExtents
from fastbert_tokenizers.wordpiece_tokenizer import WordPieceTokenizer

VOCABULARY_OF_WORD = 0  # what is drawn: the last coordinate of the random numbers


class DualTokenizer:
    """Chooses for each word the vocabulary that segments it ("Extreme Language Model Compression", section 3.2).

    Words are BERT's: split at white space and punctuation, Chinese characters alone. (The paper splits at white space
    only, which would make one word of a Chinese sentence.) Which words go to the student depends on the seed, the
    number of the row and the number of the word alone. All of it runs as graph code, so `tf.data` can map it.

    Attributes:
      vocabulary: the joint one: the teacher's ids, then the student's, shifted by the teacher's size.
      probability: how likely a word is segmented by the student's vocabulary (p_DT), in [0, 1].
      lower_case: whether texts are lower-cased and stripped of accents.
    """

    def __init__(
        self, teacher: Vocabulary, student: Vocabulary, probability: float = 0.5, lower_case: bool = True
    ) -> None:
        """Compiles both vocabularies.

        Args:
          teacher: the teacher's tokens.
          student: the student's tokens.
          probability: how likely a word is segmented by the student's vocabulary, in [0, 1].
          lower_case: whether to lower-case and strip accents; must suit both vocabularies.

        Raises:
          ValueError: `probability` is out of range, or an argument is of the wrong type.
          VocabularyError: TensorFlow Text cannot use one of the vocabularies.
        """
        self.vocabulary = JointVocabulary(teacher, student)
        self.probability = require_probability(probability)
        self.lower_case = lower_case
        self._tokenizers = [WordPieceTokenizer(part, lower_case) for part in (teacher, student)]

    def __call__(self, text: TextLike, seed: int | tf.Tensor, rows: tf.Tensor | None = None) -> tf.RaggedTensor:
        """Segments texts by both vocabularies.

        Args:
          text: one text or a batch, as `WordPieceTokenizer` takes them.
          seed: seed of the choice; another one each epoch.
          rows: int (batch,), the number of each text in its corpus; None counts from 0.

        Returns:
          int32 (batch, ragged), ids of the joint vocabulary; no special tokens. `vocabulary.words` is the inverse.

        Raises:
          ValueError: the texts are no strings.
        """
        teacher, student = self.segment(text)
        return mix_words(teacher, student, self.vocabulary, self.probability, seed, rows)

    def segment(self, text: TextLike) -> list[tf.RaggedTensor]:
        """All words by the teacher's vocabulary, and all words by the student's; each int32 (batch, ragged).

        Raises:
          ValueError: the texts are no strings.
        """
        normalized = normalize(text_batch(text, "text"), self.lower_case)
        return [tokenizer.tokenize_normalized(normalized) for tokenizer in self._tokenizers]


def mix_words(
    teacher: tf.RaggedTensor,
    student: tf.RaggedTensor,
    vocabulary: JointVocabulary,
    probability: float,
    seed: int | tf.Tensor,
    rows: tf.Tensor | None = None,
) -> tf.RaggedTensor:
    """Takes each word from one of two segmentations of the same texts.

    Args:
      teacher: int32 (batch, ragged), the words by the first vocabulary.
      student: int32 (batch, ragged), the same words by the second, in its own ids.
      vocabulary: both vocabularies.
      probability: how likely a word is taken from `student`, in [0, 1].
      seed: seed of the choice.
      rows: int (batch,), the number of each text; None counts from 0.

    Returns:
      int32 (batch, ragged), ids of the joint vocabulary.
    """
    first, second = vocabulary.offsets[:2]
    in_teacher = WordExtents.of(teacher, vocabulary.starts_word[first:second])
    in_student = WordExtents.of(student, vocabulary.starts_word[second:])
    row_numbers = tf.range(teacher.nrows()) if rows is None else tf.cast(rows, tf.int64)
    drawn = keyed_uniform(seed, tf.gather(row_numbers, in_teacher.rows), in_teacher.numbers, 0, VOCABULARY_OF_WORD)
    by_student = drawn < probability  # (words,)
    pieces = tf.concat([teacher.flat_values, student.flat_values + second], axis=0)  # all of one, then of the other
    shift = tf.size(teacher.flat_values, tf.int64)
    chosen = tf.ragged.range(
        tf.where(by_student, in_student.starts + shift, in_teacher.starts),
        tf.where(by_student, in_student.ends + shift, in_teacher.ends),
    )  # (words, ragged)
    return tf.RaggedTensor.from_value_rowids(
        tf.gather(pieces, chosen.flat_values),
        tf.gather(in_teacher.rows, chosen.value_rowids()),
        nrows=teacher.nrows(),
        validate=False,
    )


def require_probability(probability: float) -> float:
    """Returns the probability p_DT.

    Raises:
      ValueError: it is no number in [0, 1].
    """
    if isinstance(probability, bool) or not isinstance(probability, (int, float)) or not 0 <= probability <= 1:
        raise ValueError(f"probability (p_DT) must be a number in [0, 1], but is {probability!r}; the paper uses 0.5")
    return float(probability)
