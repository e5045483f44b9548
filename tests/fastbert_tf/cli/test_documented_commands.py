"""Every `fastbert` line of the documents is one that the command understands."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.cli.main import COMMANDS, parse

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = {path.name: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}


def fenced_commands(text):
    """The `fastbert` lines of fenced code blocks, each as its words; a backslash at a line's end continues it."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("fastbert ")]


def fault(words):
    """What the parser says against a command; empty where it understands it."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parse(words)
    except SystemExit:
        return said.getvalue().strip().splitlines()[-1]
    return ""


class DocumentedCommandsTest(parameterized.TestCase, tf.test.TestCase):
    @parameterized.parameters(*DOCUMENTS)
    def test_every_line_is_understood(self, document):
        for words in fenced_commands(DOCUMENTS[document].read_text(encoding="utf-8")):
            self.assertEqual(fault(words), "", shlex.join(words))

    def test_lines_are_found_and_faults_are_told(self):
        text = 'fastbert not fenced\n```sh\nfastbert demo --output \\\n  "$DIR"  # why\n# fastbert demo\n```\n'
        self.assertEqual(fenced_commands(text), [["fastbert", "demo", "--output", "$DIR"]])
        self.assertIn("--outputs", fault(["fastbert", "demo", "--outputs", "DIR"]))
        self.assertIn("--output", fault(["fastbert", "train"]))

    def test_the_readme_shows_the_whole_job(self):
        shown = {words[1] for words in fenced_commands(DOCUMENTS["README.md"].read_text(encoding="utf-8"))}
        self.assertEqual(shown, set(COMMANDS) - {"demo"})  # which is `make demo` there


if __name__ == "__main__":
    tf.test.main()
