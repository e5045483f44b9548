"""A document as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from fastbert_tf.report.document import Block, Document, Missing, Paragraph, Picture, Section, Table
from fastbert_tf.report.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # a browser refuses all else
_ICON = '<link rel="icon" href="data:,">'


def html_page(document: Document) -> str:
    """Returns the whole file. All words of the document are escaped; drawings are taken as they are."""
    title = escape(document.title)
    body = "\n".join(_html(section, 2, str(number)) for number, section in enumerate(document.sections, 1))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title}</title>
{_ICON}
<style>{STYLE}</style>
</head>
<body>
<header><h1>{title}</h1></header>
<nav aria-label="Contents"><ol>
{_contents(document.sections)}
</ol></nav>
<main>
{body}
</main>
</body>
</html>
"""


def _contents(sections: Sequence[Section]) -> str:
    return "\n".join(
        f'<li><a href="#s{number}">{escape(section.title)}</a></li>' for number, section in enumerate(sections, 1)
    )


def _html(block: Block, level: int, place: str) -> str:
    match block:
        case Section():
            inside = "\n".join(_html(part, level + 1, f"{place}-{number}") for number, part in _numbered(block.blocks))
            heading = f"<h{level}>{escape(block.title)}</h{level}>"
            return f'<section id="s{place}">\n{heading}\n{inside}\n</section>'
        case Paragraph():
            return f"<p>{escape(block.text)}</p>"
        case Missing():
            command = f"<br><code>{escape(block.command)}</code>" if block.command else ""
            return f'<p class="missing">{escape(block.text)}{command}</p>'
        case Table():
            return _table(block)
        case Picture():
            caption = escape(block.caption)
            return (
                f'<figure><div role="img" aria-label="{caption}">{block.svg}</div><figcaption>{caption}</figcaption>'
                "</figure>"
            )


def _numbered(blocks: Sequence[Block]) -> Iterator[tuple[int, Block]]:
    return enumerate(blocks, 1)


def _table(table: Table) -> str:
    head = "".join(_cell("th", name, column in table.words, ' scope="col"') for column, name in enumerate(table.header))
    rows = "\n".join(
        f"<tr>{''.join(_cell('td', cell, column in table.words) for column, cell in enumerate(row))}</tr>"
        for row in table.rows
    )
    return (
        f'<div class="table"><table><caption>{escape(table.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _cell(tag: str, text: str, is_word: bool, more: str = "") -> str:
    kind = ' class="word"' if is_word else ""
    return f"<{tag}{kind}{more}>{escape(text)}</{tag}>"
