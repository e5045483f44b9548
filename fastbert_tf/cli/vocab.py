"""`fastbert vocab`."""

from __future__ import annotations

import argparse

from fastbert_tf.cli.options import given, refuse
from fastbert_tf.recipes.vocab import CHARACTER_COVERAGE, SIZE, build_vocabulary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    source = parser.add_argument_group("the words: one of")
    source.add_argument("--corpus", nargs="+", metavar="FILE", help="UTF-8 text or .gz, one paragraph a line")
    source.add_argument("--counts", nargs="+", metavar="FILE", help="lines of a word, a tab and its count")
    parser.add_argument("--output", required=True, metavar="FILE", help="the vocab.txt to write")
    parser.add_argument(
        "--size", type=int, default=SIZE, metavar="N", help="tokens, special ones included (default: %(default)s)"
    )
    parser.add_argument("--cased", action="store_true", help="keep case and accents")
    parser.add_argument(
        "--character_coverage",
        type=float,
        default=CHARACTER_COVERAGE,
        metavar="SHARE",
        help="share of the corpus' characters to spell; rarer ones become [UNK] (default: %(default)s)",
    )
    parser.add_argument("--processes", type=int, metavar="N", help="processes that count (default: one a processor)")
    parser.add_argument("--write_counts", metavar="FILE", help="keep the corpus' word counts, for another --size")
    report = parser.add_argument_group("report")
    report.add_argument("--teacher_vocabulary", metavar="FILE", help="a vocab.txt to compare with")
    report.add_argument(
        "--held_out", nargs="+", metavar="FILE", help="texts on which pieces a word and [UNK] are counted"
    )


def run(arguments: argparse.Namespace) -> None:
    """Learns and prints the report."""
    if arguments.counts:
        refuse(arguments, ("processes", "write_counts"), "has no effect beside --counts: drop it")
    report = build_vocabulary(
        arguments.output,
        size=arguments.size,
        lower_case=not arguments.cased,
        character_coverage=arguments.character_coverage,
        progress=True,
        **given(arguments, "corpus", "counts", "processes", "write_counts", "teacher_vocabulary", "held_out"),
    )
    print(report.text())
    print(f"written to {arguments.output}")
