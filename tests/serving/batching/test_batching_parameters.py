"""The batching parameters file: every field is honoured or refused."""

import tempfile
from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized

from fastbert_serving.batching import BatchingParameters
from fastbert_tf.export.batching_parameters import batching_parameters


class BatchingParametersTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.path = Path(holder.name) / "batching_params.pbtxt"

    def read(self, text):
        self.path.write_text(text)
        return BatchingParameters.read(self.path)

    def test_file_of_an_export(self):
        parameters = self.read(batching_parameters())
        self.assertEqual(
            (parameters.batch_rows, parameters.batch_timeout_micros, parameters.max_enqueued_batches),
            (16, 1000, 20),
        )
        self.assertGreaterEqual(parameters.num_batch_threads, 1)
        self.assertEqual(parameters.padded_rows(7), 7)

    def test_requests_of_an_export_fit_the_stock_servers_queue(self):
        """A request that is split needs place for all of its parts at once: there it would never find more."""
        parameters = self.read(batching_parameters())
        self.assertTrue(parameters.enable_large_batch_splitting)
        self.assertEqual((parameters.max_call_rows, parameters.max_queued_rows), (320, 320))

    def test_defaults_are_those_of_the_stock_server(self):
        parameters = self.read("")
        self.assertEqual(
            (parameters.max_batch_size, parameters.batch_timeout_micros, parameters.max_enqueued_batches),
            (1000, 0, 10),
        )
        self.assertEqual(parameters.padded_rows(7), 7)

    def test_every_other_field(self):
        parameters = self.read(
            "max_batch_size { value: 64 } max_execution_batch_size { value: 16 } num_batch_threads { value: 3 }"
            'enable_large_batch_splitting { value: true } thread_pool_name { value: "pool" }'
        )
        self.assertEqual((parameters.num_batch_threads, parameters.thread_pool_name), (3, "pool"))
        self.assertEqual((parameters.batch_rows, parameters.max_call_rows), (16, 64))

    @parameterized.parameters("", "enable_large_batch_splitting { value: false }")
    def test_calls_are_not_split_unless_the_file_says_so(self, splitting):
        parameters = self.read("max_batch_size { value: 8 }" + splitting)
        self.assertEqual((parameters.max_call_rows, parameters.batch_rows), (8, 8))

    def test_padding(self):
        """The stock server compares the last size with `max_batch_size`, whatever the rows of a batch."""
        sizes = "".join(f"allowed_batch_sizes: {size} " for size in (1, 2, 4, 16, 64))
        splitting = "enable_large_batch_splitting { value: true } max_execution_batch_size { value: 16 }"
        for text in ("max_batch_size { value: 64 }" + sizes, "max_batch_size { value: 64 }" + sizes + splitting):
            parameters = self.read(text)
            self.assertEqual([parameters.padded_rows(rows) for rows in (1, 2, 3, 9, 16)], [1, 2, 4, 16, 16])

    @parameterized.parameters(
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1, but is 0"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be at least 0, but is -1"),
        ("max_enqueued_batches { value: 0 }", "max_enqueued_batches must be at least 1"),
        ("num_batch_threads { value: 0 }", "num_batch_threads must be at least 1"),
        ("pad_variable_length_inputs: true", "pad_variable_length_inputs is not supported"),
        ("allowed_batch_sizes: 4 allowed_batch_sizes: 2", "allowed_batch_sizes must be positive and rise"),
        ("allowed_batch_sizes: 4", "the last entry in allowed_batch_sizes must be .* 1000, but is 4"),
        ("max_execution_batch_size { value: 4 }", "needs enable_large_batch_splitting"),
        (
            "max_batch_size { value: 4 } max_execution_batch_size { value: 8 }"
            "enable_large_batch_splitting { value: true }",
            "max_execution_batch_size must be at most max_batch_size, 4, but is 8",
        ),
    )
    def test_refuses(self, text, words):
        with self.assertRaisesRegex(ValueError, f"{self.path}: .*{words}") as caught:
            self.read(text)
        self.assertLen(str(caught.exception).splitlines(), 1)


if __name__ == "__main__":
    tf.test.main()
