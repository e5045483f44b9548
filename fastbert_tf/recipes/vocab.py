"""From a corpus, or the counts of its words, to a WordPiece vocabulary of the asked size, and what it is like."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastbert_tf.data import count_words, read_word_counts, write_word_counts
from fastbert_tokenizers import SegmentationStatistics, Vocabulary, learn_vocabulary, segmentation_statistics

PathLike = str | os.PathLike[str]
Paths = PathLike | Sequence[PathLike]

SIZE = 4928
"""Tokens of the paper's student."""
CHARACTER_COVERAGE = 0.9999
"""Share of a corpus' characters that its vocabulary spells."""


@dataclass(frozen=True)
class VocabularyReport:
    """A vocabulary beside its teacher's."""

    size: int
    """Tokens."""
    shared: float | None
    """Share of the tokens that the teacher's vocabulary has too, in [0, 1]; None without a teacher."""
    texts: dict[str, dict[str, SegmentationStatistics]]
    """For each held-out file, what `student` and, with a teacher, `teacher` make of its words."""

    def text(self) -> str:
        """The report as lines to print."""
        lines = [f"{self.size:,} tokens"]
        if self.shared is not None:
            lines[0] += f", {self.shared:.1%} of them also in the teacher's vocabulary"
        for name, sides in self.texts.items():
            for side, found in sides.items():
                lines.append(
                    f"{name}, {found.words:,} words, {side}: {found.pieces_per_word:.3f} pieces a word, "
                    f"{found.unknown_rate:.3%} of the words unknown"
                )
        return "\n".join(lines)


def load_vocabulary(path: PathLike) -> Vocabulary:
    """Reads a vocabulary file.

    Raises:
        VocabularyError: the file cannot be read, or breaks a rule.
    """
    return Vocabulary.load(path)


def build_vocabulary(
    output: PathLike,
    corpus: Paths | None = None,
    counts: Paths | None = None,
    size: int = SIZE,
    lower_case: bool = True,
    character_coverage: float = CHARACTER_COVERAGE,
    teacher_vocabulary: PathLike | None = None,
    held_out: Sequence[PathLike] = (),
    processes: int | None = None,
    write_counts: PathLike | None = None,
    progress: bool = False,
) -> VocabularyReport:
    """Learns a vocabulary, writes it, and compares it with the teacher's on held-out text.

    Args:
        output: the `vocab.txt` to write; it appears whole, at the end.
        corpus: UTF-8 files, plain or gzip, one paragraph a line.
        counts: or files of `word<TAB>count` lines, for example from the Beam pipeline.
        size: tokens, the five special ones included.
        lower_case: whether to lower-case and strip accents; counts must have been made so.
        character_coverage: share of the corpus' characters that the vocabulary spells, in (0, 1].
        teacher_vocabulary: a `vocab.txt` to compare with.
        held_out: files, as the corpus' ones, to compare on.
        processes: processes that count; None is one a processor.
        write_counts: where to keep the counts of the corpus, or None.
        progress: whether to show what is going on.

    Raises:
        ValueError: an argument is out of range, a file cannot be used, or the corpus does not suit the size.
    """
    if (corpus is None) == (counts is None):
        raise ValueError("name exactly one of --corpus and --counts")
    _require_sensible(size, character_coverage)
    for path in (output, *([] if write_counts is None else [write_counts])):
        _require_writable(Path(path))
    teacher = None if teacher_vocabulary is None else Vocabulary.load(teacher_vocabulary)
    held_out_counts = {Path(path).name: count_words(path, lower_case) for path in held_out}
    if counts is not None:
        words = read_word_counts(counts)
    else:
        words = count_words(corpus or (), lower_case, processes, progress)
    if write_counts is not None:
        write_word_counts(words, write_counts)
    vocabulary = _learn(words, size, character_coverage, progress)
    vocabulary.save(output)
    return compare_vocabularies(vocabulary, teacher, held_out_counts)


def compare_vocabularies(
    student: Vocabulary, teacher: Vocabulary | None, held_out: dict[str, Counter[str]]
) -> VocabularyReport:
    """Says how two vocabularies overlap and how finely they cut held-out words.

    Args:
        student: the small one.
        teacher: the other, or None.
        held_out: the word counts of each text, by name.
    """
    sides = {"student": student} | ({} if teacher is None else {"teacher": teacher})
    return VocabularyReport(
        size=len(student),
        shared=None if teacher is None else sum(token in teacher for token in student.tokens) / len(student),
        texts={
            name: {side: segmentation_statistics(vocabulary, counts) for side, vocabulary in sides.items()}
            for name, counts in held_out.items()
        },
    )


def _learn(words: Counter[str], size: int, character_coverage: float, progress: bool) -> Vocabulary:
    def tell(threshold: int, tokens: int) -> None:
        print(f"pieces that occur {threshold:,} times: {tokens:,} tokens", flush=True)

    if progress:
        print(f"{words.total():,} words, {len(words):,} different; learning", flush=True)
    return learn_vocabulary(words, size, character_coverage, tell if progress else None)


def _require_sensible(size: int, character_coverage: float) -> None:
    """Before the corpus is read; the library says the same later."""
    if size < 1:
        raise ValueError(f"size must be at least 1, but is {size}; the paper's student has {SIZE}")
    if not 0 < character_coverage <= 1:
        raise ValueError(f"character_coverage must be in (0, 1], but is {character_coverage}")


def _require_writable(path: Path) -> None:
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ValueError(f"{path} cannot be written; name a file in an existing, writable folder")
