"""The words of a corpus, counted by several processes; and the file that keeps the counts."""

from __future__ import annotations

import collections
import concurrent.futures
import multiprocessing
import os
import pathlib
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from fastbert_tf.data.corpus import CorpusBlock, PathLike, corpus_blocks, corpus_bytes, corpus_files
from fastbert_tokenizers import WordCounter

_BYTES_A_PROCESS = 1 << 24  # a process needs seconds to start, so it shall have as much to count
_BLOCKS_A_PROCESS = 3  # blocks that wait for each process, at most: bounds the memory
_MEGABYTE = 1e6

_counter: WordCounter  # of a counting process


def count_words(
    paths: PathLike | Sequence[PathLike], lower_case: bool = True, processes: int | None = None, progress: bool = False
) -> Counter[str]:
    """Counts the words of a corpus as BERT splits them, without ever holding it in memory.

    Args:
        paths: UTF-8 files, plain or gzip (.gz), one paragraph a line.
        lower_case: whether to lower-case and strip accents before counting.
        processes: processes that count, at least 1; None is one a processor, fewer for a small corpus.
        progress: whether to show a progress bar.

    Returns:
        How often each normalised word occurs; words of more than 100 characters, which BERT does not read, left out.

    Raises:
        ValueError: for a corpus without text, a file that is unreadable, binary or not UTF-8, or no process.
    """
    if processes is not None and processes < 1:
        raise ValueError(f"processes must be at least 1, but is {processes}; leave it out for one a processor")
    files = corpus_files(paths)
    total = corpus_bytes(files)
    processes = processes or min(len(os.sched_getaffinity(0)), 1 + total // _BYTES_A_PROCESS)
    bar = keras.utils.Progbar(round(total / _MEGABYTE, 1), unit_name="MB") if progress else None
    counts: Counter[str] = Counter()
    for part, position in _counted(corpus_blocks(files), lower_case, processes):
        counts.update(part)
        if bar is not None:
            bar.update(round(position / _MEGABYTE, 1))
    return counts


def write_word_counts(counts: Mapping[str, int], path: PathLike) -> None:
    """Writes `word<TAB>count` lines, the most frequent word first; `read_word_counts` reads them.

    Raises:
        OSError: the file cannot be written.
    """
    lines = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{word}\t{count}\n" for word, count in lines)


def read_word_counts(paths: PathLike | Sequence[PathLike]) -> Counter[str]:
    """Reads and adds up files of `word<TAB>count` lines, such as the shards that the Beam pipeline writes.

    Args:
        paths: the files; a word may stand in several of them.

    Raises:
        ValueError: for a file that is missing, empty or not UTF-8, or a line that is no word with a positive count.
    """
    counts: Counter[str] = Counter()
    for file in corpus_files(paths):
        lines = (line for block in corpus_blocks([file]) for line in block.text.decode().split("\n"))
        for number, line in enumerate(lines, start=1):
            word, _, count = line.partition("\t")
            if line and not (word and count.isascii() and count.isdigit() and int(count)):
                raise ValueError(f"{pathlib.Path(file)}:{number} must be a word, a tab and its count, but is {line!r}")
            if line:
                counts[word] += int(count)
    return counts


def _counted(
    blocks: Iterator[CorpusBlock], lower_case: bool, processes: int
) -> Iterator[tuple[Mapping[str, int], int]]:
    """The counts of each block, with its position, in the order of the blocks."""
    if processes == 1:
        counter = WordCounter(lower_case)
        for block in blocks:
            yield counter(block.paragraphs()), block.position
        return
    executor = concurrent.futures.ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_start_process, initargs=(lower_case,)
    )
    try:
        yield from _in_order(executor, blocks, processes * _BLOCKS_A_PROCESS)
    finally:
        executor.shutdown(cancel_futures=True)


def _in_order(
    executor: concurrent.futures.Executor, blocks: Iterator[CorpusBlock], waiting: int
) -> Iterator[tuple[Mapping[str, int], int]]:
    """Keeps so many blocks in work and yields their counts."""
    futures: collections.deque[tuple[Any, int]] = collections.deque()
    for block in blocks:
        futures.append((executor.submit(_count_block, block), block.position))
        if len(futures) >= waiting:
            future, position = futures.popleft()
            yield future.result(), position
    for future, position in futures:
        yield future.result(), position


def _start_process(lower_case: bool) -> None:
    """Prepares a counting process: one thread, and Ctrl-C is the parent's affair."""
    import tensorflow as tf

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    global _counter
    _counter = WordCounter(lower_case)


def _count_block(block: CorpusBlock) -> Mapping[str, int]:
    return _counter(block.paragraphs())
