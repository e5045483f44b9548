"""Broken requests in their thousands leave nothing behind in a server's memory."""

import dataclasses
import tempfile

import tensorflow as tf
from harness.fuzz_leaks import bytes_kept, leak_cases
from harness.fuzz_run import FuzzRun
from harness.fuzzing import contract_of, flags_of
from harness.serving_process import start_server
from small_classifier import quick_export

MAX_MESSAGE_BYTES = 2**12  # so that passing it costs little
MOST_BYTES = 1024  # a request; a call that gRPC keeps is some kilobytes


class LeakTest(tf.test.TestCase):
    def test_memory_stays(self):
        _, export = quick_export()
        contract = dataclasses.replace(contract_of(export), max_message_bytes=MAX_MESSAGE_BYTES)
        flags = {**flags_of(export), "max_message_bytes": MAX_MESSAGE_BYTES}
        with tempfile.TemporaryDirectory() as folder, start_server(export, f"{folder}/log", flags=flags) as server:
            run = FuzzRun(server.address, server.rest_address, contract)
            kept = {case.kind: bytes_kept(server, run, case) for case in leak_cases(contract)}
            run.close()
        self.assertEqual(run.failures, [])
        self.assertEqual({kind: kept for kind, kept in kept.items() if kept > MOST_BYTES}, {})


if __name__ == "__main__":
    tf.test.main()
