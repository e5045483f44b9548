"""`fastbert vocab`, from the command line to the vocabulary, its report and its one-line errors."""

import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import tensorflow as tf
from command_line import fastbert

from fastbert_tokenizers import Vocabulary
from tokenizers import BertWordPieceTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LINES = [f"{stem}{ending} the {stem}." for stem in ("walk", "Talk", "play") for ending in ("", "s", "ed", "ing")] * 9


class VocabTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.corpus = cls.folder / "corpus.txt"
        cls.corpus.write_text("\n".join(LINES), encoding="utf-8")
        cls.held_out = cls.folder / "held_out.txt"
        cls.held_out.write_text("walking talks played\nthe zoo\n", encoding="utf-8")
        cls.teacher = cls.folder / "teacher.txt"
        letters = "abcdefghijklmnopqrstuvwxyz"
        Vocabulary([*SPECIALS, *letters, *(f"##{c}" for c in letters), "walking", "the"]).save(cls.teacher)

    def test_learns_and_reports(self):
        output, counts = self.folder / "vocab.txt", self.folder / "counts.tsv"
        words = ["--size", 46, "--teacher_vocabulary", self.teacher, "--held_out", self.held_out]
        code, out, err = fastbert(
            "vocab", "--corpus", self.corpus, "--output", output, "--write_counts", counts, *words
        )
        self.assertEqual(code, 0, err)
        student, teacher = Vocabulary.load(output), Vocabulary.load(self.teacher)
        self.assertLen(student, 46)
        self.assertContainsSubset(["the", "walk"], student.tokens)
        shared = len(set(student.tokens) & set(teacher.tokens)) / 46
        self.assertIn(f"46 tokens, {shared:.1%} of them also in the teacher's vocabulary", out)
        for side, vocabulary in (("student", student), ("teacher", teacher)):
            reference = BertWordPieceTokenizer({token: i for i, token in enumerate(vocabulary.tokens)})
            ids = reference.encode(self.held_out.read_text().replace("\n", " "), add_special_tokens=False).ids
            self.assertIn(
                f"held_out.txt, 5 words, {side}: {len(ids) / 5:.3f} pieces a word, "
                f"{Counter(ids)[vocabulary.unknown_id] / 5:.3%} of the words unknown",
                out,
            )
        again = self.folder / "again.txt"
        self.assertEqual(fastbert("vocab", "--counts", counts, "--output", again, "--size", 46)[0], 0)
        self.assertEqual(again.read_bytes(), output.read_bytes())

    def test_cased(self):
        output = self.folder / "cased.txt"
        self.assertEqual(fastbert("vocab", "--corpus", self.corpus, "--output", output, "--size", 48, "--cased")[0], 0)
        self.assertIn("T", Vocabulary.load(output))

    def refused(self, *words):
        output = self.folder / "never.txt"
        code, _, err = fastbert("vocab", "--output", output, *words)
        self.assertEqual(code, 1, err)
        self.assertLen(err.strip().splitlines(), 1, err)
        self.assertFalse(output.exists())
        return err

    def test_errors_come_before_work(self):
        corpus = ["--corpus", self.corpus]
        binary, latin, empty = (self.folder / name for name in ("binary", "latin", "empty"))
        binary.write_bytes(bytes(range(256)))
        latin.write_bytes("Müller\n".encode("latin-1"))
        empty.write_bytes(b"\n")
        self.assertRegex(self.refused("--corpus", binary), "binary:1 (holds a zero byte|is not valid UTF-8)")
        self.assertRegex(self.refused("--corpus", self.corpus, latin), "latin:1 is not valid UTF-8")
        self.assertRegex(self.refused("--corpus", empty), "empty holds no text")
        self.assertRegex(self.refused("--corpus", self.folder / "absent"), "absent cannot be read")
        self.assertRegex(self.refused(*corpus, "--size", 30), "cannot spell the corpus")
        self.assertRegex(self.refused(*corpus, "--size", 5000), "too small for a vocabulary of 5,000")
        self.assertRegex(self.refused(*corpus, "--size", 0), "size must be at least 1")
        self.assertRegex(self.refused(*corpus, "--character_coverage", 0), "character_coverage must be in")
        self.assertRegex(self.refused(), "exactly one of --corpus and --counts")
        self.assertRegex(self.refused(*corpus, "--counts", self.corpus), "exactly one")
        self.assertRegex(self.refused("--counts", self.corpus, "--processes", 2), "--processes has no effect")
        self.assertRegex(self.refused("--counts", self.corpus), "corpus.txt:1 must be a word, a tab and its count")
        self.assertRegex(self.refused(*corpus, "--teacher_vocabulary", self.corpus), "needs the special tokens|once")
        self.assertRegex(self.refused(*corpus, "--held_out", empty), "empty holds no text")
        self.assertRegex(
            self.refused(*corpus, "--write_counts", self.folder / "no" / "c"), re.escape("cannot be written")
        )


if __name__ == "__main__":
    tf.test.main()
