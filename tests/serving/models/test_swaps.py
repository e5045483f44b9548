"""Not one request fails while versions take over from each other under load.

The model is as small as can be: what is tested is how versions come and go. The soak swaps whole exports.
"""

import json
import os
import shutil
import tempfile
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from fake_models import WAIT_SECONDS
from small_classifier import TEXTS, WORDS
from small_models import save_chooser
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from fastbert_serving import Client, Gateway, ModelSettings, Server
from fastbert_serving.models.servable import Servable

SWAPS = 20
PAUSE_SECONDS = 0.05
"""Between two requests of a client: a machine that is saturated has no time to load a version."""


def grpc_asker(channel):
    """Returns a function that asks for a text's probabilities and the version that answers."""
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def ask(text):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "m"
        request.inputs["text"].CopyFrom(tf.make_tensor_proto([text]))
        response = stub.Predict(request, timeout=WAIT_SECONDS)
        return tf.make_ndarray(response.outputs["probabilities"])[0], response.model_spec.version.value

    return ask


def rest_asker(address):
    """Returns the same for REST, where no answer says its version."""

    def ask(text):
        body = json.dumps({"instances": [text]}).encode()
        url = f"http://{address}/v1/models/m:predict"
        with urllib.request.urlopen(url, body, timeout=WAIT_SECONDS) as response:
            return json.load(response)["predictions"][0]["probabilities"], None

    return ask


class Asking:
    """Asks for one text again and again, and notes which versions answered."""

    def __init__(self, ask, text, want, answered, stopping):
        self.ask, self.text, self.want, self.answered, self.stopping = ask, text, want, answered, stopping
        self.versions = []

    def run(self):
        while not self.stopping.wait(PAUSE_SECONDS):
            probabilities, version = self.ask(self.text)
            np.testing.assert_allclose(probabilities, self.want, atol=1e-5)
            self.versions.append(version)
            with self.answered:
                self.answered.notify_all()


class SwapsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(self.enter_context(tempfile.TemporaryDirectory()))
        (self.folder / "m").mkdir()
        self.export = save_chooser(self.folder / "export", WORDS)
        self.put_version(1)
        models = ModelSettings(self.folder / "m", "m", file_system_poll_wait_seconds=0.05, enable_batching=True)
        self.server = self.enter_context(Server(models, rest_api_port=0))
        self.gateway = self.enter_context(Gateway(self.server.address, "m", rest_api_port=0))

    def put_version(self, number):
        """By one rename, as an export does."""
        parts = shutil.copytree(self.export, self.folder / "parts")
        os.rename(parts, self.folder / "m" / str(number))

    def expected(self):
        servable = Servable(self.folder / "m" / "1")
        texts = np.array([text.encode() for text in TEXTS], object)
        try:
            return servable.predict("", {"text": texts})["probabilities"]
        finally:
            servable.close()

    def test_swaps_under_load(self):
        fronts = (self.server, self.gateway)
        asks = [grpc_asker(self.enter_context(grpc.insecure_channel(front.address))) for front in fronts]
        asks += [rest_asker(front.rest_address) for front in fronts]
        answered, stopping = threading.Condition(), threading.Event()
        every = [Asking(*of, answered, stopping) for of in zip(asks, TEXTS, self.expected(), strict=False)]
        by_grpc = every[:2]
        with ThreadPoolExecutor(len(every)) as pool:
            running = [pool.submit(asking.run) for asking in every]
            try:
                for number in range(1, SWAPS + 2):
                    if number > 1:  # the first one is served before every client has started
                        self.put_version(number)
                    with answered:
                        took_over = answered.wait_for(
                            lambda number=number: (
                                all(number in asking.versions[-1:] for asking in by_grpc)
                                or any(future.done() for future in running)
                            ),
                            5 * WAIT_SECONDS,
                        )
                    self.assertTrue(took_over, f"version {number} never answered every client")
            finally:
                stopping.set()
            for future in running:
                future.result()  # a request that failed would raise here
        for asking in by_grpc:
            self.assertEqual(sorted(set(asking.versions)), list(range(1, SWAPS + 2)))
            self.assertEqual(asking.versions, sorted(asking.versions))  # never back to an old one
        for asking in every:
            self.assertGreater(len(asking.versions), SWAPS)
        with Client(self.server.address, "m") as client:
            states = client.status()
        self.assertEqual(states.pop(SWAPS + 1), "AVAILABLE")
        self.assertLessEqual(set(states.values()), {"END", "UNLOADING"})


if __name__ == "__main__":
    tf.test.main()
