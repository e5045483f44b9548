"""A WordPiece vocabulary of exactly the asked size, learned from word counts by TensorFlow Text's learner."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib as learner_lib

from fastbert_tokenizers.joint_vocabulary import JOINER
from fastbert_tokenizers.vocabulary import SPECIAL_TOKENS, Vocabulary
from fastbert_tokenizers.vocabulary_error import VocabularyError
from fastbert_tokenizers.words import character_counts, stand_alone

_MAX_WORDS = 200_000  # the most frequent ones; the learner's time grows with their number
_SLACK = 0.02  # share of the asked pieces that may be cut off at the end
_GUESSES = 4  # thresholds to extrapolate; then the bracket is halved, since few words give pieces by leaps

OnStep = Callable[[int, int], None]


def choose_alphabet(word_counts: Mapping[str, int], character_coverage: float) -> list[str]:
    """The most frequent characters that together make up a share of the counted text.

    Args:
        word_counts: how often each normalised word occurs.
        character_coverage: that share, in (0, 1]; words with one of the other characters become `[UNK]`.

    Returns:
        The characters, the most frequent first.

    Raises:
        ValueError: the share is out of range.
    """
    if not 0 < character_coverage <= 1:
        raise ValueError(f"character_coverage must be in (0, 1], but is {character_coverage}; 1 keeps every character")
    counts = character_counts(word_counts)
    missing = character_coverage * sum(counts.values())
    alphabet = []
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if missing <= 0:
            break
        alphabet.append(character)
        missing -= count
    return alphabet


def learn_vocabulary(
    word_counts: Mapping[str, int], size: int, character_coverage: float = 0.9999, on_step: OnStep | None = None
) -> Vocabulary:
    """Learns a WordPiece vocabulary ("Extreme Language Model Compression", section 3.1).

    The learner of TensorFlow Text keeps the pieces that occur more often than a threshold, in the segmentation that
    the pieces themselves make. The threshold is searched until slightly more pieces than asked come out; of these
    the rarest that are longer than a character are cut off. So every character of the alphabet can be spelled, at
    the start of a word and inside; punctuation marks and Chinese characters only alone, as BERT reads them.

    Args:
        word_counts: how often each normalised word occurs (`WordCounter`).
        size: tokens of the vocabulary, the five special ones included.
        character_coverage: share of the characters in the text that pieces must spell, in (0, 1]; the rarest
            characters beyond it are left out, and words with them become `[UNK]`.
        on_step: called with each threshold tried and the number of tokens it gave.

    Returns:
        The special tokens, single characters, then pieces by falling frequency.

    Raises:
        ValueError: an argument is out of range.
        VocabularyError: the characters alone exceed the size, or the words are too few for it.
    """
    if not word_counts:
        raise VocabularyError("there are no words to learn a vocabulary from: pass counts of a corpus with text")
    spelling = _spelling(choose_alphabet(word_counts, character_coverage))
    if len(spelling) > size:
        raise VocabularyError(
            f"a vocabulary of {size:,} cannot spell the corpus: special tokens and the characters that make up "
            f"{character_coverage:.4%} of it take {len(spelling):,} entries: ask for more, or for less coverage"
        )
    words = _spellable(word_counts, spelling)
    if not words:
        raise VocabularyError(f"a character_coverage of {character_coverage} spells no word of the corpus: raise it")
    tokens = _Search(words, spelling, size, on_step).run()
    pieces = [token for token in tokens if token not in spelling]
    return Vocabulary([*spelling, *pieces[: size - len(spelling)]])


def _spelling(alphabet: list[str]) -> dict[str, None]:
    """The tokens that no vocabulary over the alphabet lacks: special tokens and characters, alone and inside words."""
    alone = stand_alone(alphabet)
    initial = sorted(alphabet)
    inner = [JOINER + character for character in initial if character not in alone]
    return dict.fromkeys([*SPECIAL_TOKENS, *initial, *inner])


def _spellable(word_counts: Mapping[str, int], spelling: Mapping[str, None]) -> list[tuple[str, int]]:
    """The most frequent words that the characters spell, in an order that depends on the counts alone."""
    words = ((word, count) for word, count in word_counts.items() if all(letter in spelling for letter in word))
    return sorted(words, key=lambda item: (-item[1], item[0]))[:_MAX_WORDS]


class _Search:
    """Searches the threshold that gives the asked number of tokens, or slightly more."""

    def __init__(
        self, words: list[tuple[str, int]], spelling: Mapping[str, None], size: int, on_step: OnStep | None
    ) -> None:
        self._words = words
        self._spelling = spelling
        self._size = size
        self._on_step = on_step

    def run(self) -> list[str]:
        """Returns at least as many tokens as asked; of the thresholds tried, from the highest that gave so many.

        The number of pieces falls about as a power of the threshold, which says where to look next; a bracket of too
        low and too high thresholds makes the search end.
        """
        asked = self._size - len(self._spelling)
        lowest, highest = 1, self._words[0][1] + 1  # too many tokens or the end of the range; too few
        threshold = self._first_guess()
        best: list[str] = []
        tried: list[tuple[int, int]] = []
        while not best or (len(best) > self._size + _SLACK * asked and highest - lowest > 1):
            tokens = self._learn(threshold)
            if len(tokens) >= self._size:
                lowest, best = threshold, tokens
            elif threshold == 1:
                raise VocabularyError(
                    f"the corpus is too small for a vocabulary of {self._size:,}: its words give at most "
                    f"{len(tokens):,} tokens: ask for fewer, or give more text or coverage"
                )
            else:
                highest = threshold
            tried.append((threshold, len(tokens) - len(self._spelling)))
            guess = _extrapolated(tried[-2:], asked * (1 + _SLACK / 2)) if len(tried) < _GUESSES else 0
            threshold = guess if lowest < guess < highest else (lowest + highest) // 2
        return best

    def _first_guess(self) -> int:
        """The count of the last of so many words as pieces are asked, or 1 where there are fewer."""
        rank = self._size - len(self._spelling)
        return max(1, self._words[rank][1]) if rank < len(self._words) else 1

    def _learn(self, threshold: int) -> list[str]:
        """Special tokens, characters and the pieces above a threshold, the most frequent first."""
        # As words of their own, so that the learner has all of them whatever words hold them.
        characters = [(token, 1) for token in self._spelling if len(token) == 1]
        tokens = learner_lib.learn(
            self._words + characters,
            vocab_size=self._size,
            reserved_tokens=list(SPECIAL_TOKENS),
            upper_thresh=threshold,
            lower_thresh=threshold,
            max_unique_chars=len(characters),
        )
        kept = dict.fromkeys(self._spelling)
        kept.update(dict.fromkeys(token for token in tokens if len(token.removeprefix(JOINER)) > 1))
        if self._on_step is not None:
            self._on_step(threshold, len(kept))
        return list(kept)


def _extrapolated(tried: list[tuple[int, int]], pieces: float) -> int:
    """The threshold that gives so many pieces, by a power law through the last points; by 1 / threshold at first."""
    threshold, there = tried[-1]
    exponent = 1.0
    if len(tried) > 1 and min(there, tried[0][1]) > 0 and there != tried[0][1] and threshold != tried[0][0]:
        exponent = math.log(there / tried[0][1]) / math.log(tried[0][0] / threshold)
    if exponent <= 0 or pieces <= 0 or there <= 0:
        return 0
    return round(threshold * (there / pieces) ** (1 / exponent))
