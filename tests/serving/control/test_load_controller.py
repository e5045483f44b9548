"""The controller's rules one by one, on a clock of the test's own."""

import threading

import numpy as np
import tensorflow as tf
from simulated_server import CURVE, LOWEST_ACCURACY, Machine, Simulation

from fastbert_serving.control import LoadController, Reason
from fastbert_serving.errors import InvalidRequest, UnknownSignature


class LoadControllerTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.now = 0.0
        self.controller = self.make()

    def make(self, **changes):
        settings = {"rest_speed": 0.2, "lowest_accuracy": LOWEST_ACCURACY, "target_p99_seconds": 0.5, **changes}
        return LoadController(CURVE, **settings, clock=lambda: self.now)

    def calls(self, count, latency, pause):
        """One call after the other."""
        for _ in range(count):
            with self.controller.admit(1):
                self.now += latency
            self.now += pause

    def test_at_rest(self):
        state = self.controller.state
        self.assertEqual((state.speed, state.reason, state.lowest_speed), (0.2, Reason.REST, 0.2))
        self.assertAllClose(state.highest_speed, 0.8)  # 0.9 has an accuracy of 0.7451
        self.assertEqual((state.arrival_rate, state.p99_seconds, state.target_p99_seconds), (0, 0, 0.5))
        with self.controller.admit(1) as speed:
            self.assertEqual(speed, 0.2)

    def test_state_tells_load_and_latency(self):
        self.calls(200, latency=0.02, pause=0.08)
        state = self.controller.state
        self.assertAllClose(state.arrival_rate, 10, rtol=0.1)
        self.assertAllClose(state.p99_seconds, 0.02)
        self.assertBetween(state.utilisation, 0.02, 0.3)
        self.assertAllClose(state.demand, state.utilisation)  # at rest
        self.assertEqual(state.queue_seconds, 0)

    def test_calls_with_their_own_speed_keep_it_and_count_as_load(self):
        with self.controller.admit(2, np.float32([0.0, 1.0])) as speed:
            self.assertIsNone(speed)
        alone = Simulation(Machine())
        alone.run(lambda _: 50.0, 20)
        self.assertEqual(alone.controller.speed, 0.0)
        beside = Simulation(Machine())
        beside.run(lambda _: 0.9 * beside.machine.capacity(0.0), 20, fixed_speed=0.0)
        self.assertGreater(beside.controller.speed, 0.5)  # nobody takes it, but the next call without one would

    def test_a_higher_speed_does_not_lower_the_demand(self):
        simulation = Simulation(Machine())
        rate = 1.5 * simulation.machine.capacity(0.0)
        simulation.run(lambda now: rate, 20)
        state = simulation.controller.state
        self.assertLess(state.utilisation, 0.9)
        self.assertAllClose(state.demand, state.utilisation / CURVE.cost(state.speed))
        simulation.run(lambda now: rate, 40, fixed_speed=0.8)
        work = rate * CURVE.cost(0.8)  # of clients who name their speed: no speed of ours changes it
        state = simulation.controller.state
        self.assertAllClose(state.demand, state.utilisation)
        self.assertAllClose(state.demand, work / simulation.machine.capacity(0.0), rtol=0.3)

    def test_calls_that_break_a_rule_are_no_load(self):
        for error in (InvalidRequest("bad"), UnknownSignature("none")):
            for speeds in (None, np.zeros(1000, np.float32)):
                for _ in range(100):
                    with self.assertRaises(type(error)), self.controller.admit(1000, speeds):
                        self.now += 0.01
                        raise error
        state = self.controller.state
        self.assertEqual((state.arrival_rate, state.queue_seconds, state.speed), (0, 0, 0.2))

    def test_goes_back_to_rest_without_any_call(self):
        simulation = Simulation(Machine())
        simulation.run(lambda _: 2 * simulation.machine.capacity(0.0), 10)
        self.assertGreater(simulation.controller.speed, 0.5)
        self.assertIn(simulation.controller.state.reason, (Reason.LOAD, Reason.HOLD))
        simulation.now += 8
        self.assertEqual(simulation.controller.state.reason, Reason.HOLD)
        simulation.now += 20
        state = simulation.controller.state
        self.assertEqual((state.speed, state.reason), (0.0, Reason.REST))

    def test_piled_up_work_raises_the_speed(self):
        self.calls(200, latency=0.02, pause=0.08)
        for _ in range(300):  # all at once: no rate to speak of yet
            self.controller.admit(1)
        self.now += 0.06
        self.controller.admit(1)
        self.assertGreater(self.controller.speed, 0.2)
        self.assertGreater(self.controller.state.queue_seconds, 0.5)

    def test_calls_without_an_answer_teach_nothing_and_leave_nothing(self):
        for _ in range(50):
            self.now += 0.1
            with self.assertRaises(KeyError), self.controller.admit(1):
                self.now += 5
                raise KeyError("the backend failed")
        state = self.controller.state
        self.assertEqual((state.p99_seconds, state.queue_seconds, state.speed), (0, 0, 0.2))

    def test_successor_takes_over_speed_and_knowledge(self):
        simulation = Simulation(Machine())
        simulation.run(lambda _: 2 * simulation.machine.capacity(0.0), 10)
        old = simulation.controller
        new = LoadController(CURVE, 0.0, LOWEST_ACCURACY, 0.5, lambda: simulation.now, predecessor=old)
        self.assertEqual(new.speed, old.speed)
        self.assertAllClose(new.state.utilisation, old.state.utilisation)
        strict = LoadController(CURVE, 0.0, 0.7745, 0.5, lambda: simulation.now, predecessor=old)
        self.assertLessEqual(strict.speed, 0.7)
        self.assertAllClose(strict.state.highest_speed, 0.7)

    def test_many_threads_leave_nothing_in_flight(self):
        controller = LoadController(CURVE, 0.0, LOWEST_ACCURACY, 0.5)

        def calls():
            for _ in range(200):
                with controller.admit(1):
                    pass

        threads = [threading.Thread(target=calls) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertAllClose(controller.state.queue_seconds, 0)

    def test_target_must_be_positive(self):
        for target in (0, -1, float("nan")):
            with self.assertRaisesRegex(ValueError, "target_p99_seconds must be positive"):
                self.make(target_p99_seconds=target)


if __name__ == "__main__":
    tf.test.main()
