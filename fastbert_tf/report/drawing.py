"""A figure as an `svg` element that can stand beside others in one page."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from fastbert_tf.evaluation.plots import STYLE
from fastbert_tf.report.document import Picture

_TEXT: dict[Any, Any] = {"svg.fonttype": "none"}  # letters stay letters: searchable, readable aloud, smaller
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def picture(name: str, figure: Figure, caption: str) -> Picture:
    """Draws a figure.

    Args:
        name: unique in the document; a character that is no letter, digit or `-` becomes its number.
        figure: made by one of the plots.
        caption: what it shows.
    """
    name = re.sub(r"[^A-Za-z0-9-]", lambda odd: f"_{ord(odd[0]):x}_", name)
    text = io.StringIO()
    with matplotlib.rc_context({**STYLE, **_TEXT}):
        figure.savefig(text, format="svg", metadata=_NO_METADATA)
    drawn = text.getvalue()
    return Picture(name, _with_own_names(drawn[drawn.index("<svg") :].strip(), name), caption)


def _with_own_names(svg: str, name: str) -> str:
    """Matplotlib gives equal parts of two figures the same ids; in one page they must differ."""
    return re.sub(r'(\sid="|url\(#|href="#)', lambda match: f"{match[0]}{name}-", svg)
