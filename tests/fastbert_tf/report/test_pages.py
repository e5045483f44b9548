"""One document, two writers: nothing of the words becomes markup, and drawings stand apart."""

from __future__ import annotations

import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import tensorflow as tf
from matplotlib.figure import Figure

from fastbert_tf.evaluation.plots import styled
from fastbert_tf.report import html_page, markdown_page, write_document
from fastbert_tf.report.document import Document, Missing, Paragraph, Picture, Section, Table
from fastbert_tf.report.drawing import picture

EVIL = '<script>alert("x")</script> | $a$ & `b` _c_'
DOCUMENT = Document(
    EVIL,
    (
        Section.of(
            EVIL,
            Paragraph(EVIL),
            [Missing(EVIL, "fastbert report RUN")],
            None,
            Section.of("inner", Table(EVIL, ("word", EVIL), ((EVIL, "1"), ("b", "22")))),
            Picture("drawn", "<svg><g/></svg>", EVIL),
        ),
    ),
)


class Words(HTMLParser):
    """Tags and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


class HtmlTest(tf.test.TestCase):
    def test_words_are_words(self):
        page = html_page(DOCUMENT)
        read = Words(page)
        self.assertNotIn("script", read.tags)
        self.assertEqual(read.text.count(EVIL), 10)  # title, h1, contents, h2, p, missing, caption, 2 cells, figure
        for tag in ("h1", "h2", "h3", "table", "svg", "figure", "code"):
            self.assertEqual(read.tags.count(tag), 1, tag)
        self.assertNotRegex(page, r"https?://")
        self.assertIn("default-src 'none'", page)

    def test_numbers_stand_right_and_words_left(self):
        page = html_page(DOCUMENT)
        self.assertIn('<td class="word">b</td><td>22</td>', page)


class MarkdownTest(tf.test.TestCase):
    def test_words_are_escaped(self):
        page = markdown_page(DOCUMENT)
        escaped = r"\<script\>alert(\"x\")\</script\> \| \$a\$ \& \`b\` \_c\_".replace(r"\"", '"')
        self.assertEqual(page.count(escaped), 8)
        self.assertNotIn(EVIL, page)
        self.assertIn("](figures/drawn.svg)", page)
        self.assertIn("> `fastbert report RUN`", page)
        table = [line for line in page.splitlines() if line.startswith("|")]
        self.assertLen(table, 4)
        self.assertLen({len(re.findall(r"(?<!\\)\|", line)) for line in table}, 1)
        self.assertRegex(table[1], r"^\| :-+ \| -+: \|$")


class DocumentTest(tf.test.TestCase):
    def test_a_row_with_too_few_cells(self):
        with self.assertRaisesRegex(ValueError, "a row of 'a' must have 2 cells"):
            Table("a", ("b", "c"), (("d",),))

    @styled
    def figure(self):
        figure = Figure()
        figure.subplots().plot([1, 2], [1, 2], marker="o", label="$x$")
        figure.axes[0].legend()
        return figure

    def test_two_equal_figures_share_no_names(self):
        drawn = []
        for name in ("a", "b/$x$"):
            drawn.append(picture(name, self.figure(), ""))
        names = [set(re.findall(r'\bid="([^"]+)"', one.svg)) for one in drawn]
        self.assertNotEmpty(names[0])
        self.assertEmpty(names[0] & names[1])
        for one, there in zip(drawn, names, strict=True):
            used = re.findall(r'(?:url\(#|href="#)([^)"]+)', one.svg)
            self.assertNotEmpty(used)
            self.assertContainsSubset(used, there)
            self.assertIn(">$x$<", one.svg)  # letters, no formula
        self.assertEqual(drawn[1].name, "b_2f__24_x_24_")

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "new" / "report"
            self.assertEqual(write_document(DOCUMENT, target), target)
            names = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
            self.assertEqual(names, ["figures/drawn.svg", "report.html", "report.md"])
            self.assertEqual((target / "report.html").read_text(), html_page(DOCUMENT))
            with self.assertRaisesRegex(ValueError, "report.md cannot be written .*choose another"):
                write_document(DOCUMENT, target / "report.md")


if __name__ == "__main__":
    tf.test.main()
