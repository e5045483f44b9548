"""Numbers of the paper (Liu et al., ACL 2020), beside which ours are shown: 12 layers of 768, another encoder."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """A row of a table."""

    accuracy: float
    """In percent."""
    speedup: float
    """By FLOPs."""


TABLE_2 = {
    "book_review": {
        "BERT": Published(86.88, 1.00),
        "DistilBERT, half of the layers": Published(83.31, 2.00),
        "DistilBERT, 1 layer": Published(77.40, 11.72),
        "speed 0.1": Published(86.88, 1.60),
        "speed 0.5": Published(86.64, 4.21),
        "speed 0.8": Published(85.14, 7.23),
    },
    "shopping_review": {
        "BERT": Published(96.84, 1.00),
        "DistilBERT, half of the layers": Published(95.40, 2.00),
        "DistilBERT, 1 layer": Published(91.35, 11.72),
        "speed 0.1": Published(96.79, 4.45),
        "speed 0.5": Published(96.42, 8.65),
        "speed 0.8": Published(95.72, 10.04),
    },
    "thucnews": {
        "BERT": Published(96.71, 1.00),
        "DistilBERT, half of the layers": Published(95.54, 2.00),
        "DistilBERT, 1 layer": Published(91.13, 11.72),
        "speed 0.1": Published(96.71, 6.05),
        "speed 0.5": Published(95.64, 11.00),
        "speed 0.8": Published(94.97, 11.74),
    },
    "ag_news": {
        "BERT": Published(94.47, 1.00),
        "DistilBERT, half of the layers": Published(94.64, 2.00),
        "DistilBERT, 1 layer": Published(92.88, 12.00),
        "speed 0.1": Published(94.38, 3.62),
        "speed 0.5": Published(93.14, 10.33),
        "speed 0.8": Published(92.53, 11.72),
    },
}
"""The tasks of table 2 that can be had here."""

TABLE_3 = {
    "with both, speed 0.2": Published(86.98, 2.23),
    "with both, speed 0.7": Published(85.69, 6.01),
    "without self-distillation, speed 0.2": Published(86.22, 2.19),
    "without self-distillation, speed 0.7": Published(85.02, 5.08),
    "without adaptive inference, half of the layers": Published(86.42, 1.95),
    "without adaptive inference, a sixth of them": Published(82.88, 5.87),
}
"""Book review."""

CLAIMS = {
    "self_distillation": "table 3, Book review: 86.98 at 2.23x and 85.69 at 6.01x with, 86.22 at 2.19x and 85.02 at "
    "5.08x without",
    "adaptive": "table 3, Book review: 86.98 at 2.23x and 85.69 at 6.01x, fixed depths 86.42 at 1.95x and 82.88 at "
    "5.87x",
    "trend": "figure 4, Book review: shown for three branches, without a test",
    "without_loss": "section 5: 2 to 3 times faster without performance degradation; table 2 at speed 0.1: Book review "
    "+0.00 at 1.60x, Shopping review -0.05 at 4.45x, THUCNews +0.00 at 6.05x, AG News -0.09 at 3.62x",
    "policies": "not in the paper",
    "certified": "not in the paper",
}
"""What it says of each claim."""
