"""The Beam pipeline, on the direct runner, counts as the counter of this machine does."""

import importlib.util
import tempfile
import unittest
from pathlib import Path

import tensorflow as tf
from corpora import paragraphs, write_corpus

from fastbert_tf.data import count_words, read_word_counts

HAS_BEAM = importlib.util.find_spec("apache_beam") is not None


@unittest.skipUnless(HAS_BEAM, "pip install 'fastbert_tf[beam]'")
class BeamWordCountsTest(tf.test.TestCase):
    def test_counts_equal_those_of_one_process(self):
        from fastbert_tf.data import beam_word_counts

        folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
        lines = [*paragraphs(100), "", "Café 北京!", "Ünïcode the THE"]
        files = [
            write_corpus(folder / "corpus-1.txt", lines[:50]),
            write_corpus(folder / "corpus-2.txt.gz", lines[50:]),
        ]
        for flags, lower_case in (([], True), (["--cased"], False)):
            output = folder / f"counts-{lower_case}"
            beam_word_counts.main(
                ["--corpus", str(folder / "corpus-*"), "--output", str(output), "--runner", "DirectRunner", *flags]
            )
            shards = sorted(folder.glob(f"{output.name}-*"))
            self.assertNotEmpty(shards)
            self.assertEqual(read_word_counts(shards), count_words(files, lower_case, processes=1))


if __name__ == "__main__":
    tf.test.main()
