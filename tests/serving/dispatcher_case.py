"""Test cases with a dispatcher before a made-up backend, under a load control that the test sets."""

from contextlib import contextmanager

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from fake_backend import FakeBackend
from prometheus_client.parser import text_string_to_metric_families

from fastbert_serving.call import Call, ModelReference
from fastbert_serving.dispatcher import Dispatcher


def strings(*texts):
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def call(*texts, speeds=None, name="films", **changes):
    inputs = {"text": strings(*texts)}
    if speeds is not None:
        inputs["speed"] = np.asarray(speeds, np.float32)
    signature = "serving_default" if speeds is None else "with_speed"
    return Call(**{"model": ModelReference(name), "inputs": inputs, "signature": signature, **changes})


def samples(metrics):
    """Values by (name, set of label values); of histograms, only count and sum."""
    found = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            if "le" not in sample.labels:
                found[(sample.name, frozenset(sample.labels.values()))] = sample.value
    return found


class FakeControl:
    """Load control at a fixed speed, which remembers what it was shown."""

    def __init__(self, speed=0.9):
        self.speed = speed
        self.admitted = []
        self.failed = 0

    @contextmanager
    def admit(self, served, rows, speeds):
        self.admitted.append((served.name, rows, speeds))
        try:
            yield self.speed
        except BaseException:
            self.failed += 1
            raise

    def states(self):
        return {}


class DispatcherCase(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.backend = FakeBackend()
        self.dispatcher = Dispatcher(self.backend)

    def ask(self, *arguments, api="Predict", **options):
        with self.dispatcher.exchange(api, "GRPC") as self.exchange:
            return self.dispatcher.predict(call(*arguments, **options), self.exchange)

    def counted(self, name, *labels):
        return samples(self.dispatcher.metrics).get((name, frozenset(labels)), 0)
