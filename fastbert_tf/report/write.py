"""A document on disk."""

from __future__ import annotations

import os
from pathlib import Path

from fastbert_tf.files import file_swap
from fastbert_tf.report.document import Document, pictures
from fastbert_tf.report.html_page import html_page
from fastbert_tf.report.markdown_page import FIGURE_FOLDER, markdown_page

HTML_FILE = "report.html"
MARKDOWN_FILE = "report.md"


def write_document(document: Document, directory: str | os.PathLike[str]) -> Path:
    """Writes `report.html`, which needs nothing else, and `report.md` with its `figures/NAME.svg`.

    Each file is replaced by one rename; files of others stay.

    Returns:
        The directory; made where it does not exist.

    Raises:
        ValueError: it cannot be written.
    """
    directory = Path(directory)
    files = {f"{FIGURE_FOLDER}/{picture.name}.svg": picture.svg + "\n" for picture in pictures(document.sections)}
    files |= {MARKDOWN_FILE: markdown_page(document), HTML_FILE: html_page(document)}
    try:
        (directory / FIGURE_FOLDER).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with file_swap(directory / name) as unfinished:
                unfinished.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"the report directory {directory} cannot be written ({error.strerror or error}); make room there or "
            "choose another"
        ) from error
    return directory
