"""The documents: links lead somewhere, and nothing is left to fill in."""

import re
from pathlib import Path

import tensorflow as tf

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "WORKSPACE.md", *sorted((ROOT / "docs").glob("*.md"))]


class DocumentsTest(tf.test.TestCase):
    def test_relative_links_resolve(self):
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
                if not re.match(r"[a-z]+:", target):
                    self.assertTrue((document.parent / target).exists(), f"{document.name} links to {target}")

    def test_no_placeholder_is_left(self):
        for document in DOCUMENTS:
            found = re.search(r"\b(T[O]DO|TB[D]|FIXM[E]|[A-Z]+_TABLE)\b", document.read_text(encoding="utf-8"))
            self.assertIsNone(found, f"{document.name}: {found}")


if __name__ == "__main__":
    tf.test.main()
