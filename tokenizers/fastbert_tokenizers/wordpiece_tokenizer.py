"""WordPiece encoding of texts and pairs, in TensorFlow graph code."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text

from fastbert_tokenizers.normalization import MAX_WORD_BYTES, normalize
from fastbert_tokenizers.text_batch import TextLike, text_batch
from fastbert_tokenizers.truncation import truncate_longest_first
from fastbert_tokenizers.vocabulary import UNKNOWN, Vocabulary
from fastbert_tokenizers.vocabulary_error import VocabularyError

_MIN_SEQUENCE_LENGTH = 5  # [CLS] a [SEP] b [SEP]


class WordPieceTokenizer:
    """Turns texts, or pairs of texts, into the token ids that BERT reads.

    One implementation serves training and serving: it runs eagerly, in `tf.data`, in `tf.function` and inside an
    exported SavedModel, and holds no table, variable or other resource that a `tf.Module` would have to track (the
    vocabulary becomes a constant of the graph). Text never produces special tokens: a literal `[SEP]` stays text.

    Attributes:
      vocabulary: the tokens and their ids.
      lower_case: whether texts are lower-cased and stripped of accents (uncased and Chinese BERT).
      max_sequence_length: most tokens of a row, `[CLS]` and `[SEP]` counted.
    """

    def __init__(self, vocabulary: Vocabulary, lower_case: bool = True, max_sequence_length: int = 128) -> None:
        """Compiles the vocabulary.

        Args:
          vocabulary: the tokens and their ids.
          lower_case: whether to lower-case and strip accents; must suit the vocabulary.
          max_sequence_length: most tokens of a row, `[CLS]` and `[SEP]` counted; at least 5.

        Raises:
          ValueError: an argument is of the wrong type, or `max_sequence_length` leaves no room for a pair.
          VocabularyError: TensorFlow Text cannot use the vocabulary.
        """
        if not isinstance(vocabulary, Vocabulary):
            raise ValueError(
                f"vocabulary must be a Vocabulary, received {type(vocabulary).__name__}: "
                "use Vocabulary.load(path) or Vocabulary(tokens)"
            )
        if not isinstance(lower_case, bool):
            raise ValueError(f"lower_case must be True or False, received {lower_case!r}")
        if isinstance(max_sequence_length, bool) or not isinstance(max_sequence_length, int):
            raise ValueError(f"max_sequence_length must be an integer, received {max_sequence_length!r}")
        if max_sequence_length < _MIN_SEQUENCE_LENGTH:
            raise ValueError(
                f"max_sequence_length must be at least {_MIN_SEQUENCE_LENGTH} ([CLS] a [SEP] b [SEP]), "
                f"received {max_sequence_length}: raise it"
            )
        self.vocabulary = vocabulary
        self.lower_case = lower_case
        self.max_sequence_length = max_sequence_length
        self._wordpiece = _compile(vocabulary)

    def __call__(self, text: TextLike, text_pair: TextLike | None = None) -> dict[str, tf.Tensor]:
        """Encodes texts as a padded batch.

        Args:
          text: one text or a batch: str, bytes, a list or array of these, or a string tensor () or (batch,).
          text_pair: the second text of each row, or None.

        Returns:
          int32 `token_ids`, `segment_ids` (0 up to the first `[SEP]`, then 1) and `padding_mask` (1 on tokens, 0 on
          padding), each (batch, sequence), as long as the batch's longest row. One text is a batch of one.

        Raises:
          ValueError: the texts are no strings, or `text` and `text_pair` differ in length. Where the lengths are
            known only when the graph runs, tf.errors.InvalidArgumentError with the same words.
        """
        text = text_batch(text, "text")
        rows = self.encode(text, text_pair)
        shape = (text.shape[0], None)  # (batch, sequence): keeps the batch size static where it is known
        return {
            "token_ids": rows["token_ids"].to_tensor(self.vocabulary.padding_id, shape=shape),
            "segment_ids": rows["segment_ids"].to_tensor(0, shape=shape),
            "padding_mask": tf.ones_like(rows["token_ids"]).to_tensor(0, shape=shape),
        }

    def encode(self, text: TextLike, text_pair: TextLike | None = None) -> dict[str, tf.RaggedTensor]:
        """Encodes texts as rows `[CLS] text [SEP]` or `[CLS] text [SEP] text_pair [SEP]`, truncated, not padded.

        A single text loses its end; of a pair the longer text is cut first (Hugging Face's `longest_first`).

        Args:
          text: as for `__call__`.
          text_pair: as for `__call__`.

        Returns:
          int32 `token_ids` and `segment_ids`, each (batch, ragged), no row longer than `max_sequence_length`.

        Raises:
          ValueError: as for `__call__`.
        """
        if text_pair is None:
            first = self.tokenize(text)[:, : self.max_sequence_length - 2]  # [CLS] and [SEP]
            token_ids = self._with_specials(first)
            return {"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids)}
        text, text_pair = _same_rows(text_batch(text, "text"), text_batch(text_pair, "text_pair"))
        first, second = truncate_longest_first(
            self._pieces(text),
            self._pieces(text_pair),
            self.max_sequence_length - 3,  # [CLS] and two [SEP]
        )
        first, second = self._with_specials(first), self._with_specials(second, start=False)
        return {
            "token_ids": tf.concat([first, second], axis=1),
            "segment_ids": tf.concat([tf.zeros_like(first), tf.ones_like(second)], axis=1),
        }

    def tokenize(self, text: TextLike) -> tf.RaggedTensor:
        """Splits texts into WordPiece ids: no special tokens, no truncation.

        Args:
          text: as for `__call__`.

        Returns:
          int32 (batch, ragged).

        Raises:
          ValueError: the texts are no strings.
        """
        return self._pieces(text_batch(text, "text"))

    def tokenize_normalized(self, text: tf.Tensor) -> tf.RaggedTensor:
        """As `tokenize`, of texts that are normalised already, so that several vocabularies share that work.

        Args:
          text: string (batch,) from `normalize`, with the same `lower_case`.

        Returns:
          int32 (batch, ragged).
        """
        return self._wordpiece.tokenize(text)

    def get_config(self) -> dict[str, bool | int]:
        """The constructor's arguments but the vocabulary: `WordPieceTokenizer(vocabulary, **config)` is equal."""
        return {"lower_case": self.lower_case, "max_sequence_length": self.max_sequence_length}

    def _pieces(self, text: tf.Tensor) -> tf.RaggedTensor:
        """WordPiece ids (batch, ragged) of string (batch,)."""
        return self.tokenize_normalized(normalize(text, self.lower_case))

    def _with_specials(self, rows: tf.RaggedTensor, start: bool = True) -> tf.RaggedTensor:
        """Rows with [SEP] behind and, if asked, [CLS] in front."""
        shape = tf.stack([rows.nrows(), 1])  # (batch, 1)
        parts = [rows, tf.fill(shape, tf.constant(self.vocabulary.end_id, tf.int32))]
        if start:
            parts.insert(0, tf.fill(shape, tf.constant(self.vocabulary.start_id, tf.int32)))
        return tf.concat(parts, axis=1)


def _compile(vocabulary: Vocabulary) -> tf_text.FastBertTokenizer:
    """The WordPiece op with its vocabulary.

    Text is split at white space first, so a token that holds some never matches in BERT. The op would let it match:
    such tokens give way to punctuation, which it skips (the Chinese vocabulary has U+2028).
    """
    tokens = [
        f"[no-text-{index}]" if any(character.isspace() for character in token) else token
        for index, token in enumerate(vocabulary.tokens)
    ]
    try:
        with tf.init_scope():  # a constant of no particular graph, so every graph may use it
            return tf_text.FastBertTokenizer(
                vocab=tokens,
                token_out_type=tf.int32,
                unknown_token=UNKNOWN,
                max_bytes_per_word=MAX_WORD_BYTES,
                lower_case_nfd_strip_accents=False,
            )
    except RuntimeError as error:
        raise VocabularyError(
            f"TensorFlow Text cannot use the vocabulary ({' '.join(str(error).split())[:200]}): it needs at least one "
            "token beside the special ones that text can match, and none of more than 256 bytes or with a zero byte"
        ) from error


def _same_rows(text: tf.Tensor, text_pair: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Both (batch,), checked to be equally long: when the graph is built if known then, else when it runs."""
    rule = "text and text_pair must have the same number of rows"
    mend = "pass one text_pair for every text"
    rows, pair_rows = text.shape[0], text_pair.shape[0]
    if rows is None or pair_rows is None:
        check = tf.debugging.assert_equal(tf.size(text), tf.size(text_pair), f"{rule}: {mend}")
        with tf.control_dependencies([check]):
            return tf.identity(text), tf.identity(text_pair)
    if rows != pair_rows:
        raise ValueError(f"{rule}, received {rows} and {pair_rows}: {mend}")
    return text, text_pair
