"""Text corpora in blocks: any number of files, plain or gzip, one paragraph a line, never whole in memory."""

from __future__ import annotations

import gzip
import io
import os
import pathlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

BLOCK_BYTES = 1 << 22
_MAX_LINE_BYTES = 1 << 24  # no paragraph is longer; what is has another kind of line end, or is no text
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

PathLike = str | os.PathLike


@dataclass(frozen=True)
class CorpusBlock:
    """Whole paragraphs of one file."""

    text: bytes
    """UTF-8, one paragraph a line."""
    position: int
    """Bytes of all files, as they lie on the disk, read so far."""

    def paragraphs(self) -> list[bytes]:
        """The paragraphs that are not blank."""
        return [line for line in self.text.split(b"\n") if line.strip()]


def corpus_files(paths: PathLike | Sequence[PathLike]) -> list[pathlib.Path]:
    """Returns the files of a corpus after a look at the beginning of each, before hours of work start.

    Args:
        paths: one file or several; a name that ends in .gz is decompressed.

    Raises:
        ValueError: for no file, or one that is missing, unreadable, empty, binary or not UTF-8.
    """
    files = [pathlib.Path(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    if not files:
        raise ValueError("a corpus needs at least one file, received none; name one")
    for file in files:
        if not any(block.paragraphs() for block in _first_blocks(file)):
            raise ValueError(f"{file} holds no text; a corpus file needs at least one paragraph")
    return files


def corpus_bytes(files: Sequence[pathlib.Path]) -> int:
    """Bytes of all files as they lie on the disk."""
    return sum(file.stat().st_size for file in files)


def corpus_blocks(files: Sequence[pathlib.Path], block_bytes: int = BLOCK_BYTES) -> Iterator[CorpusBlock]:
    """Reads files block by block.

    Args:
        files: what `corpus_files` returned.
        block_bytes: about how large a block is, decompressed.

    Returns:
        The blocks, in the order of files and lines.

    Raises:
        ValueError: for a file that is unreadable, truncated, binary or not UTF-8, with the line.
    """
    before = 0
    for file in files:
        for text, position in _checked_blocks(file, block_bytes):
            yield CorpusBlock(text, before + position)
        before += file.stat().st_size


def _first_blocks(file: pathlib.Path) -> Iterator[CorpusBlock]:
    """The blocks up to the first with text."""
    for text, position in _checked_blocks(file, BLOCK_BYTES):
        block = CorpusBlock(text, position)
        yield block
        if block.paragraphs():
            return


def _checked_blocks(file: pathlib.Path, block_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Blocks that end at line ends, checked to be UTF-8 text, with the position in the file."""
    lines = 0
    for text, position in _blocks(file, block_bytes):
        _require_text(text, file, lines)
        lines += text.count(b"\n")
        yield text, position


def _blocks(file: pathlib.Path, block_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Blocks of bytes that end at line ends; faults of the file become errors with its name."""
    try:
        with open(file, "rb") as raw:
            stream: BinaryIO = gzip.GzipFile(fileobj=raw) if file.suffix == ".gz" else raw  # type: ignore[assignment]
            rest = stream.read(len(_BYTE_ORDER_MARK)).removeprefix(_BYTE_ORDER_MARK)
            while len(data := stream.read(block_bytes)) == block_bytes:
                rest += data
                end = rest.rfind(b"\n") + 1
                if end:
                    yield rest[:end], raw.tell()
                    rest = rest[end:]
                if len(rest) > _MAX_LINE_BYTES:
                    raise ValueError(
                        f"{file} has a line of more than {_MAX_LINE_BYTES:,} bytes; "
                        "a corpus is UTF-8 text with one paragraph a line"
                    )
            if rest + data:
                yield rest + data, raw.seek(0, io.SEEK_END)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{file} is not a whole gzip file ({error}); copy it again, or rename it") from error
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); correct the path or its permissions") from error


def _require_text(text: bytes, file: pathlib.Path, lines_before: int) -> None:
    """Raises for bytes that are no UTF-8 text."""
    zero = text.find(b"\0")
    if zero >= 0:
        line = lines_before + text.count(b"\n", 0, zero) + 1
        raise ValueError(f"{file}:{line} holds a zero byte: it is binary or UTF-16; a corpus is UTF-8 text")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = lines_before + text.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{file}:{line} is not valid UTF-8 (byte {text[error.start]:#04x}); convert the file to UTF-8"
        ) from error
