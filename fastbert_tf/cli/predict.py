"""`fastbert predict`."""

from __future__ import annotations

import argparse
import os
import sys

from fastbert_tf.cli.options import given, refuse
from fastbert_tf.recipes.predict import predict_texts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="texts to classify; none reads lines from stdin")
    parser.add_argument("--pair", action="store_true", help="each text is a pair with a tab between")
    parser.add_argument("--server", metavar="HOST:PORT", help="gRPC address of a server")
    parser.add_argument("--model_name", help="the model's name there (default: fastbert)")
    parser.add_argument("--model", metavar="DIR", help="or a trained classifier (RUN/classifier), in this process")
    parser.add_argument("--speed", type=float, help="in [0, 1]: higher answers earlier (default: the model's, or 0.5)")
    parser.add_argument(
        "--speedup", type=float, metavar="X", help="instead: how many times less work than the full depth, on average"
    )
    parser.add_argument("--certificate", metavar="DIR", help="calibration of --model, for its policy, speed and dial")


def run(arguments: argparse.Namespace) -> None:
    """Prints label, probability, exit layer and uncertainty of each text, tab-separated, as answers come."""
    if arguments.server is None:
        refuse(arguments, ["model_name"], "is the model's name at --server; add that or drop the name")
    if arguments.model is None:
        refuse(arguments, ["certificate"], "belongs to --model; a server has that of its export")
    texts = [_decoded(os.fsencode(text)) for text in arguments.texts]
    texts = texts or [_decoded(line.rstrip(b"\r\n")) for line in sys.stdin.buffer]
    if not texts:
        raise ValueError("there is no text to classify; give some as arguments, or lines on stdin")
    first, second = _split_pairs(texts) if arguments.pair else (texts, None)
    answers = predict_texts(
        first,
        second,
        arguments.speed,
        model=arguments.model,
        server=arguments.server,
        **given(arguments, "model_name", "certificate", "speedup"),
    )
    for number, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        if number == 0:
            print("label\tprobability\texit_layer\tuncertainty\ttext")
        figures = f"{max(answer.probabilities):.4f}\t{answer.exit_layer}\t{answer.uncertainty:.4f}"
        print(f"{answer.label}\t{figures}\t{_one_cell(text)}")


def _decoded(text: bytes) -> str:
    """Invalid bytes become U+FFFD, which the tokenizer deletes, in an export too."""
    return text.decode("utf-8", errors="replace")


def _one_cell(text: str) -> str:
    return text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _split_pairs(texts: list[str]) -> tuple[list[str], list[str]]:
    for number, text in enumerate(texts, 1):
        if text.count("\t") != 1:
            raise ValueError(f"text {number} must be a pair with one tab between, but has {text.count(chr(9))} tabs")
    first, second = zip(*(text.split("\t") for text in texts), strict=True)
    return list(first), list(second)
