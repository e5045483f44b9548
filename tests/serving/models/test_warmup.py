"""Warm-up records: which are replayed, and how a bad file is told."""

import re
import threading
from unittest import mock

import tensorflow as tf
from small_models import DoublerCase, predict_log, write_warm_up
from tensorflow_serving.apis import prediction_log_pb2

from fastbert_serving.errors import ModelError
from fastbert_serving.models import warmup
from fastbert_serving.models.graph_threads import GraphThreads
from fastbert_serving.models.load_servable import load_servable
from fastbert_serving.models.servable import Servable

CLASSIFY = prediction_log_pb2.PredictionLog(classify_log=prediction_log_pb2.ClassifyLog()).SerializeToString()


class WarmUpTest(DoublerCase):
    def tearDown(self):
        (self.directory / warmup.WARMUP_PATH).unlink(missing_ok=True)
        super().tearDown()

    def test_every_predict_request_runs(self):
        self.assertEqual(warmup.warm_up(self.servable), 0)  # no file, no harm
        write_warm_up(self.directory, predict_log("", 1), predict_log("other", 1, 2), predict_log("other", 3))
        with mock.patch.object(self.servable, "warm_up", wraps=self.servable.warm_up) as run:
            self.assertEqual(warmup.warm_up(self.servable), 3)
        self.assertEqual([call.args[0] for call in run.call_args_list], ["", "other", "other"])

    def test_every_thread_is_warm(self):
        threads = GraphThreads(3)
        self.addCleanup(threads.close)
        write_warm_up(self.directory, predict_log("", 1))
        ran_on = []
        with mock.patch.object(Servable, "_run", lambda *_: ran_on.append(threading.get_ident())):
            load_servable(self.directory, threads=threads).close()
        self.assertLen(set(ran_on), 3)

    def test_other_records_are_left_out_with_a_warning(self):
        write_warm_up(self.directory, CLASSIFY, predict_log("", 1), CLASSIFY)
        with self.assertLogs(level="WARNING") as logs:
            self.assertEqual(warmup.warm_up(self.servable), 1)
        self.assertRegex(logs.output[0], "left out 2 records that are no Predict requests")

    def test_a_bad_file_is_one_line(self):
        for records, words in (
            ([predict_log("", 1), predict_log("none", 1)], 'record 2: Serving signature key "none" not found'),
            ([predict_log("", -1)], "record 1: x must not be negative"),
            ([b"no protobuf"], "record 1: "),
        ):
            path = write_warm_up(self.directory, *records)
            self.assert_refused(path, words)
        path.write_bytes(path.read_bytes()[:-5])
        self.assert_refused(path, "")
        write_warm_up(self.directory, *[predict_log("", 1)] * 3)
        with mock.patch.object(warmup, "MAX_RECORDS", 2):
            self.assert_refused(path, "holds more than 2 records; remove some")

    def test_a_version_that_does_not_warm_up_is_closed(self):
        write_warm_up(self.directory, predict_log("", -1))
        closing = mock.patch.object(Servable, "close", autospec=True, side_effect=Servable.close)
        with closing as close, self.assertRaises(ModelError):
            load_servable(self.directory)
        close.assert_called_once()

    def assert_refused(self, path, words):
        with self.assertRaisesRegex(ModelError, f"^warm-up file {path}.*{re.escape(words)}") as caught:
            warmup.warm_up(self.servable)
        self.assertLen(str(caught.exception).splitlines(), 1)


if __name__ == "__main__":
    tf.test.main()
