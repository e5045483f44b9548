"""A server in simulated time: Poisson arrivals, a queue, places that run batches of whatever waits."""

import heapq
import random
from collections import deque
from dataclasses import dataclass

import numpy as np

from fastbert_serving.control import CostCurve, LoadController

SPEEDS = [step / 10 for step in range(11)]
# Executed MFLOPs and accuracy of the MRPC model of docs/results.md, speed 0 to 1.
COSTS = [1267.2, 1112.0, 956.0, 862.9, 776.7, 687.4, 607.1, 505.8, 391.9, 305.6, 211.2]
ACCURACIES = [0.777, 0.777, 0.777, 0.777, 0.777, 0.7745, 0.777, 0.7794, 0.7721, 0.7451, 0.6936]
CURVE = CostCurve(SPEEDS, COSTS, ACCURACIES)
LOWEST_ACCURACY = 0.747  # 3 points under full depth; allows speeds up to 0.8
BATCH_ROWS = 32


@dataclass
class Machine:
    """How long a batch takes: near what the MRPC model takes on 2 processors, 20 ms alone and 8.4 ms a row in 32s."""

    fixed: float = 0.0023
    deepest: float = 0.0101  # times the cost of the dearest row
    row: float = 0.008  # times the cost of each row
    places: int = 2
    is_shared: bool = True  # whether batches beside each other share the processors
    noise: float = 0.15

    def seconds(self, costs, running, rng):
        time = self.fixed + self.deepest * max(costs) + self.row * sum(costs)
        return time * rng.lognormvariate(0, self.noise) * (running if self.is_shared else 1)

    def capacity(self, speed):
        """Rows a second in full batches."""
        cost = float(CURVE.cost(speed))
        time = self.fixed + self.deepest * cost + self.row * cost * BATCH_ROWS
        return BATCH_ROWS / time * (1 if self.is_shared else self.places)


@dataclass
class Record:
    """What clients and controller saw; arrays have one element an answered call."""

    arrived: np.ndarray
    seconds: np.ndarray
    speeds: np.ndarray
    rejected: int
    changes: list

    def p99(self, start, end):
        return float(np.percentile(self.seconds[(self.arrived >= start) & (self.arrived < end)], 99))

    def reversals(self):
        """How often the speed turned from rising to falling or back."""
        directions = np.sign(np.diff([speed for _, speed in self.changes]))
        return int(np.count_nonzero(np.diff(directions)))


class Simulation:
    """A controller in front of a simulated machine; `weight` makes the rows of a call dearer than others."""

    def __init__(
        self,
        machine=None,
        target=0.5,
        seed=0,
        slowdown=lambda now: 1.0,
        weight=lambda rng: 1.0,
        max_queue=3200,
    ):
        self.now = 0.0
        self.machine = machine or Machine()
        self.controller = LoadController(CURVE, 0.0, LOWEST_ACCURACY, target, lambda: self.now)
        self._rng = random.Random(seed)
        self._slowdown = slowdown
        self._weight = weight
        self._max_queue = max_queue

    def run(self, rate, until, fixed_speed=None, rows=1):
        """Serves calls of `rows` rows that arrive `rate(now)` times a second; a fixed speed leaves control out."""
        queue, ends, answers, rejected, running, number = deque(), [], [], 0, 0, 0
        changes = [(0.0, self.controller.speed)]
        arrival = self._rng.expovariate(rate(0.0))
        while arrival < until or ends:
            if ends and (arrival >= until or ends[0][0] <= arrival):
                self.now, _, batch = heapq.heappop(ends)
                running -= 1
                for admission, _ in batch:
                    self.controller.end(admission, error=None)
                    answers.append((admission.arrived, self.now - admission.arrived, admission.cost, admission.speed))
            else:
                self.now = arrival
                arrival += self._rng.expovariate(rate(arrival))
                admission = self.controller.admit(rows, None if fixed_speed is None else np.full(rows, fixed_speed))
                if len(queue) * rows >= self._max_queue:
                    self.controller.end(admission, error=RuntimeError())
                    rejected += 1
                else:
                    queue.append((admission, self._weight(self._rng)))
            while queue and running < self.machine.places:
                batch = [queue.popleft() for _ in range(min(len(queue), BATCH_ROWS // rows))]
                running, number = running + 1, number + 1
                costs = [weight * admission.cost for admission, weight in batch for _ in range(rows)]
                seconds = self.machine.seconds(costs, running, self._rng) * self._slowdown(self.now)
                heapq.heappush(ends, (self.now + seconds, number, batch))
            if self.controller.speed != changes[-1][1]:
                changes.append((self.now, self.controller.speed))
        arrived, seconds, _, speeds = (np.array(column) for column in zip(*answers, strict=True))
        return Record(arrived, seconds, speeds, rejected, changes)
