"""Pods and speed together: a load that lasts is answered by pods, and the speed returns. In simulated time."""

import math
from pathlib import Path

import numpy as np
import tensorflow as tf
import yaml
from absl.testing import parameterized
from simulated_server import Machine, Simulation

DEPLOY = Path(__file__).resolve().parents[3] / "serving" / "deploy"
(_METRIC,) = yaml.safe_load((DEPLOY / "kubernetes" / "autoscaler.yaml").read_text())["spec"]["metrics"]
TARGET = float(_METRIC["pods"]["target"]["averageValue"].removesuffix("m")) / 1000
RISE, END = 45.0, 240.0
PERIOD_SECONDS = 15.0
TOLERANCE = 0.1


class Fleet:
    """Pods under the rule of Kubernetes' HorizontalPodAutoscaler; all are alike, so one is simulated.

    Args:
        metric: of the state of load control.
        target: where the autoscaler shall keep it.
        rate: calls a second at a time, for all pods together, in units of what one pod can do at full depth.
    """

    def __init__(self, metric, target, rate):
        self.pods = 2
        self._metric, self._target, self._rate = metric, target, rate
        self._pod = Simulation(Machine())
        self._looked = 0.0

    def run(self):
        return self._pod.run(self._rate_of_a_pod, END)

    def _rate_of_a_pod(self, now):
        if now - self._looked >= PERIOD_SECONDS:
            self._looked = now
            ratio = getattr(self._pod.controller.state, self._metric) / self._target
            if abs(ratio - 1) > TOLERANCE:
                self.pods = math.ceil(self.pods * ratio)
        return self._rate(now) * self._pod.machine.capacity(0.0) / self.pods


class AutoscalingTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(1.5, 2.2, 3.2)
    def test_a_load_that_lasts_ends_at_rest(self, load):
        fleet = Fleet("demand", TARGET, lambda now: 0.6 if now < RISE else load)
        record = fleet.run()
        self.assertLess(record.p99(RISE, END), 0.5)
        during = record.speeds[(record.arrived > RISE) & (record.arrived < RISE + PERIOD_SECONDS)]
        self.assertGreater(np.max(during), 0.1)  # first the speed, then the pods
        self.assertEqual(np.max(record.speeds[record.arrived > RISE + 60]), 0.0)
        self.assertBetween(fleet.pods, load / 0.64, 4 * load)

    def test_utilisation_at_the_speed_in_force_hides_the_demand(self):
        """Else the metric of its own would be needless."""
        record = Fleet("utilisation", 0.6, lambda now: 0.6 if now < RISE else 3.2).run()
        self.assertGreater(np.min(record.speeds[record.arrived > RISE + 60]), 0.2)


if __name__ == "__main__":
    tf.test.main()
