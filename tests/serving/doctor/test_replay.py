"""Golden texts against servers that answer rightly and wrongly."""

import argparse
import contextlib
import dataclasses
import io
import shutil
import tempfile
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from certificates import CertificatesCase
from loaders import session_call
from small_classifier import small_export
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from fastbert_serving import Answer, ServerUnavailable
from fastbert_serving.doctor import examine
from fastbert_serving.doctor.golden import read_golden_rows
from fastbert_serving.doctor.replay import replay
from fastbert_tf.cli import doctor as command


class Parrot:
    """A client whose server answers as recorded, but for `wrong(row, answer)`."""

    address, model = "there:8500", "fastbert"

    def __init__(self, rows, wrong=None, states=None):
        self.answers = {(row.text, row.text_pair, row.speed): row for row in rows}
        self.wrong = wrong or (lambda row, answer: answer)
        self.states = {3: "AVAILABLE"} if states is None else states
        self.sizes = []

    def status(self):
        return self.states

    def predict(self, texts, pairs=None, speed=None):
        self.sizes.append(len(texts))
        rows = [self.answers[key] for key in zip(texts, pairs or [None] * len(texts), speed, strict=True)]
        return [self.wrong(row, Answer(row.label, 0, row.probabilities, row.exit_layer, 0.5)) for row in rows]


class Silent(Parrot):
    def predict(self, texts, pairs=None, speed=None):
        raise ServerUnavailable("no server answers")


def shifted(distance):
    """Answers whose probabilities of one text are off by a distance."""

    def wrong(row, answer):
        probabilities = (answer.probabilities[0] + distance, *answer.probabilities[1:])
        return dataclasses.replace(answer, probabilities=probabilities) if row.text == b"" else answer

    return wrong


class ReplayTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rows = read_golden_rows(small_export()[1] / "3")

    def found(self, client):
        return [finding.what for finding in replay(self.rows, 3, client)]

    def test_the_recorded_answers_pass_together_and_alone(self):
        client = Parrot(self.rows, shifted(1e-4))
        self.assertEmpty(self.found(client))
        self.assertEqual({*client.sizes}, {8, 1})
        self.assertEqual(sum(client.sizes), 2 * len(self.rows))

    @parameterized.parameters(
        (shifted(0.01), "recorded 0"),
        (shifted(float("nan")), "has probabilities nan"),
        (lambda row, answer: dataclasses.replace(answer, exit_layer=9), "leaves at layer 9, recorded"),
        (lambda row, answer: dataclasses.replace(answer, label="other"), "is 'other', recorded"),
        (lambda row, answer: dataclasses.replace(answer, probabilities=()), "has probabilities , recorded"),
    )
    def test_other_answers_are_found(self, wrong, words):
        found = self.found(Parrot(self.rows, wrong))
        self.assertLen(found, 2)
        self.assertRegex(found[0], rf"\d+ of {len(self.rows)} golden rows, 8 a request, .*{words}")
        self.assertRegex(found[1], "1 a request")

    @parameterized.parameters(({4: "AVAILABLE", 3: "AVAILABLE"}, 4), ({3: "LOADING"}, None), ({}, None))
    def test_another_version_answers(self, states, version):
        found = self.found(Parrot(self.rows, states=states))
        self.assertLen(found, 1)
        self.assertIn(f"answers with version {version} of model 'fastbert', but 3 was examined", found[0])

    def test_no_server(self):
        found = self.found(Silent(self.rows))
        self.assertLen(found, 1)
        self.assertIn("there:8500 does not answer for model 'fastbert': no server answers", found[0])


class SessionServer(prediction_service_pb2_grpc.PredictionServiceServicer, model_service_pb2_grpc.ModelServiceServicer):
    """A server of its own, on TensorFlow's session loader."""

    def __init__(self, directory, noise=0.0, token=None):
        self.directory, self.noise, self.token = directory, noise, token

    def Predict(self, request, context):
        if self.token and dict(context.invocation_metadata()).get("authorization") != f"Bearer {self.token}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")
        inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for name, value in session_call(self.directory, request.model_spec.signature_name, inputs).items():
            value = value + np.float32(self.noise) if name == "probabilities" else value
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response

    def GetModelStatus(self, request, context):
        status = get_model_status_pb2.ModelVersionStatus
        return get_model_status_pb2.GetModelStatusResponse(
            model_version_status=[status(version=int(self.directory.name), state=status.AVAILABLE)]
        )


class RunningServerTest(tf.test.TestCase, parameterized.TestCase):
    def examine(self, directory, noise=0.0):
        server = grpc.server(futures.ThreadPoolExecutor(2))
        servicer = SessionServer(directory, noise)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())
        return examine(directory, address=f"127.0.0.1:{port}")

    @parameterized.parameters(False, True)
    def test_a_server_of_the_export_answers_as_recorded(self, is_pair):
        report = self.examine(small_export(is_pair)[1] / "3")
        self.assertTrue(report.passed, report.text())
        self.assertGreaterEqual(report.replayed_rows, 8)
        self.assertIn(f"golden texts: {report.replayed_rows} rows replayed", report.text())

    def test_a_server_that_computes_otherwise_fails(self):
        report = self.examine(small_export()[1] / "3", noise=0.01)
        self.assertFalse(report.passed)
        self.assertIn("golden rows", report.findings[0].what)

    def test_an_address_without_golden_texts_to_ask_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            export = shutil.copytree(small_export()[1] / "3", Path(folder) / "3")
            (export / "assets.extra" / "golden.json").unlink()
            self.assertTrue(examine(export).passed)
            report = self.examine(export)
        self.assertFalse(report.passed)
        self.assertRegex(report.findings[0].what, "golden.json cannot be read")

    def test_address_is_checked(self):
        with self.assertRaisesRegex(ValueError, "host:port"):
            examine(small_export()[1], address="nowhere")


class CommandTest(CertificatesCase, parameterized.TestCase):
    """`fastbert doctor` of a server with TLS and a token."""

    def setUp(self):
        super().setUp()
        self.export = small_export()[1] / "3"
        (self.folder / "token").write_text("secret\n")
        server = grpc.server(futures.ThreadPoolExecutor(2))
        servicer = SessionServer(self.export, token="secret")
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
        pair = tuple((self.folder / f"server.{end}").read_bytes() for end in ("key", "crt"))
        self.address = f"localhost:{server.add_secure_port('localhost:0', grpc.ssl_server_credentials([pair]))}"
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())

    def run_command(self, *options):
        """Returns what it prints, and whether the export passed."""
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        said, passed = io.StringIO(), True
        with contextlib.redirect_stdout(said):
            try:
                command.run(parser.parse_args([str(self.export), *options]))
            except SystemExit:
                passed = False
        return said.getvalue(), passed

    def test_tls_and_token(self):
        root, token = f"--root_certificates={self.folder / 'ca.crt'}", f"--token_file={self.folder / 'token'}"
        address = f"--address={self.address}"
        said, passed = self.run_command(address, root, token)
        self.assertTrue(passed, said)
        self.assertRegex(said, r"golden texts: \d+ rows replayed")
        for options, words in (((root,), "no token"), ((token,), "no server answers")):
            said, passed = self.run_command(address, *options)
            self.assertFalse(passed)
            self.assertIn(words, said)

    @parameterized.parameters("--root_certificates=ca.crt", "--token_file=token")
    def test_options_of_a_server_need_its_address(self, option):
        with self.assertRaisesRegex(ValueError, option.partition("=")[0] + " .* --address"):
            self.run_command(option)


if __name__ == "__main__":
    tf.test.main()
