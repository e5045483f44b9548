"""Word counts of a corpus that outgrows a machine, as an Apache Beam pipeline.

    pip install 'fastbert_tf[beam]'
    python -m fastbert_tf.data.beam_word_counts --corpus 'PATTERN' --output PREFIX [Beam's own flags]

PATTERN names files of any file system that Beam knows, plain or compressed, one paragraph a line. `--runner` chooses
the engine; none runs it here. `fastbert vocab --counts PREFIX-*` learns from what it writes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from fastbert_tokenizers import WordCounter

_PARAGRAPHS_AT_A_TIME = 4096


class CountWords(beam.PTransform):
    """Paragraphs, `str` or UTF-8 `bytes`, to `(word, count)`: the counts of `WordCounter` over all of them.

    Args:
        lower_case: whether to lower-case and strip accents before counting.
    """

    def __init__(self, lower_case: bool = True) -> None:
        super().__init__()
        self.lower_case = lower_case

    def expand(self, paragraphs: beam.PCollection) -> beam.PCollection:
        return (
            paragraphs
            | "batch" >> beam.BatchElements(max_batch_size=_PARAGRAPHS_AT_A_TIME)
            | "count" >> beam.ParDo(_CountBatch(self.lower_case))
            | "add up" >> beam.CombinePerKey(sum)
        )


class _CountBatch(beam.DoFn):
    """Counts the words of a batch, with the graph that training and serving tokenise with."""

    def __init__(self, lower_case: bool) -> None:
        super().__init__()
        self._lower_case = lower_case

    def setup(self) -> None:
        self._counter = WordCounter(self._lower_case)  # graphs do not travel to workers

    def process(self, batch: Sequence[str | bytes]) -> Iterable[tuple[str, int]]:
        yield from self._counter(batch).items()


def run(corpus: str, output: str, lower_case: bool = True, options: PipelineOptions | None = None) -> None:
    """Counts and writes `PREFIX-00000-of-0000N`, lines of a word, a tab and its count.

    Args:
        corpus: a file pattern.
        output: prefix of the files to write.
        lower_case: whether to lower-case and strip accents before counting.
        options: Beam's options; None runs it here.
    """
    with beam.Pipeline(options=options) as pipeline:
        (
            pipeline
            | "read" >> beam.io.ReadFromText(corpus)
            | CountWords(lower_case)
            | "format" >> beam.MapTuple(lambda word, count: f"{word}\t{count}")
            | "write" >> beam.io.WriteToText(output)
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and runs."""
    parser = argparse.ArgumentParser(description="Count the words of a corpus with Apache Beam.")
    parser.add_argument("--corpus", required=True, help="file pattern")
    parser.add_argument("--output", required=True, help="prefix of the files to write")
    parser.add_argument("--cased", action="store_true", help="keep case and accents")
    known, beam_flags = parser.parse_known_args(arguments)
    run(known.corpus, known.output, not known.cased, PipelineOptions(beam_flags))


if __name__ == "__main__":
    from fastbert_tf.data import beam_word_counts  # workers cannot import what lies in __main__

    beam_word_counts.main()
