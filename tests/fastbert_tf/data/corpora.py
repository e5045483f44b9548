"""Small corpora and vocabularies for tests."""

import gzip
import random
from pathlib import Path

from fastbert_tokenizers import Vocabulary

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["the", "river", "with", "less", "hazard", "camp", "cavalry", "enemy", "of", "to", ".", ","]
TEACHER = Vocabulary([*SPECIALS, "[unused0]", *WORDS, *LETTERS, *(f"##{c}" for c in LETTERS)])
STUDENT = Vocabulary(["[MASK]", "[SEP]", "[CLS]", "[UNK]", "[PAD]", "the", "riv", "##er", ".", ",", *LETTERS,
                      *(f"##{c}" for c in LETTERS)])  # fmt: skip


def paragraphs(count: int, longest: int = 60, seed: int = 0) -> list[str]:
    generator = random.Random(seed)
    return [" ".join(generator.choices(WORDS, k=generator.randrange(1, longest))) for _ in range(count)]


def write_corpus(path: Path, lines: list[str]) -> Path:
    """Writes one paragraph a line, compressed where the name ends in .gz."""
    content = "".join(line + "\n" for line in lines).encode("utf-8")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
