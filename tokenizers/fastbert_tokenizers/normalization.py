r"""Text normalisation of BERT in TensorFlow string ops, equal to Hugging Face's `BertNormalizer`.

TensorFlow Text's own lower-casing folds like NFKC (full-width comma, ellipsis, sharp s), which BERT does not; hence
this chain. Chinese characters and punctuation are isolated later, by the WordPiece op itself.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text

# Characters of one word; more make it [UNK] (BERT's `max_input_chars_per_word`).
MAX_WORD_CHARACTERS = 100
# The WordPiece op counts bytes. No word of MAX_WORD_CHARACTERS exceeds this, so only _LONG_WORD below does.
MAX_WORD_BYTES = 4 * MAX_WORD_CHARACTERS
_LONG_WORD = "x" * (MAX_WORD_BYTES + 1)

# Control, format and private-use characters and U+FFFD, which replaces invalid UTF-8. Tab, line feed and carriage
# return are control characters to Unicode, white space to BERT.
_DELETED = r"\x{00}-\x{08}\x{0B}\x{0C}\x{0E}-\x{1F}\x{7F}-\x{9F}\p{Cf}\p{Co}\x{FFFD}"
_ACCENTS = r"\p{Mn}"
# Characters that NFD reorders although no \p{Mn}: vowel killers, Hangul tone marks, musical stems (ICU of Unicode 16).
# NFD sorts a run of marks by insertion, so a megabyte of them takes it a minute. \p{Mn} is deleted before NFD; of
# these, no text holds 32 in a row.
_REORDERED = (
    r"\x{897}\x{1715}\x{1734}\x{1B44}\x{1BAA}\x{1BF2}\x{1BF3}\x{302E}\x{302F}\x{A953}\x{A9C0}\x{10D69}-\x{10D6D}"
    r"\x{111C0}\x{11235}\x{1134D}\x{113CE}-\x{113D0}\x{116B6}\x{1193D}\x{11F41}\x{1612F}\x{16FF0}\x{16FF1}"
    r"\x{1D165}\x{1D166}\x{1D16D}-\x{1D172}\x{1E5EE}\x{1E5EF}"
)
_SPACES = rf"[\x{{2028}}\x{{2029}}]|[{_REORDERED}]{{32,}}"

_CHINESE = (
    r"\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{F900}-\x{FAFF}"
    r"\x{20000}-\x{2A6DF}\x{2A700}-\x{2CEAF}\x{2F800}-\x{2FA1F}"
)
# Words of their own wherever they stand: punctuation, as BERT understands it, and Chinese characters.
LONE_CHARACTERS = rf"\pP$+<=>^`|~{_CHINESE}"
_WORD_BREAKS = rf"[\s\pZ{LONE_CHARACTERS}]"
# 101 characters in a row that are not common word breaks. The full class above, 101 times, is too large a pattern.
_MAY_HOLD_LONG_WORD = (
    r"(?s).*[^\x{00}-/:-@\[-`{-\x{7F}、。，！？：；\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}]"
    rf"{{{MAX_WORD_CHARACTERS + 1}}}.*"
)


def normalize(text: tf.Tensor, lower_case: bool) -> tf.Tensor:
    r"""Cleans texts as BERT does, ready for the WordPiece op.

    Args:
      text: string (batch,), any bytes; invalid UTF-8 is deleted.
      lower_case: also strip accents (NFD, without `\p{Mn}`) and lower-case, as uncased BERT does.

    Returns:
      string (batch,), valid UTF-8.
    """
    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
    text = tf.strings.regex_replace(text, f"[{_DELETED}{_ACCENTS}]" if lower_case else f"[{_DELETED}]", "")
    text = tf.strings.regex_replace(text, _SPACES, " ")
    if lower_case:
        text = tf_text.normalize_utf8(text, "NFD")
        text = tf.strings.regex_replace(text, _ACCENTS, "")
        text = tf.strings.regex_replace(text, "Σ", "σ")  # else ICU writes a final sigma, which BERT does not
        text = tf.strings.lower(text, encoding="utf-8")
    return _mark_long_words(text)


def _mark_long_words(text: tf.Tensor) -> tf.Tensor:
    """Replaces words of more than MAX_WORD_CHARACTERS by one that the WordPiece op refuses; (batch,) to (batch,)."""
    rows = tf.where(tf.strings.regex_full_match(text, _MAY_HOLD_LONG_WORD))  # (suspects, 1)
    suspects = tf.strings.regex_replace(tf.gather_nd(text, rows), _WORD_BREAKS, r" \0 ")
    suspects = tf.strings.regex_replace(suspects, f"[^ ]{{{MAX_WORD_CHARACTERS + 1},}}", _LONG_WORD)
    return tf.tensor_scatter_nd_update(text, rows, suspects)
