"""Raises the default speed as load rises, and lowers it as load falls."""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from fastbert_serving.control.admission import Admission
from fastbert_serving.control.arrival_rate import ArrivalRate
from fastbert_serving.control.control_state import ControlState, Reason
from fastbert_serving.control.cost_curve import CostCurve
from fastbert_serving.control.latency_model import LatencyModel
from fastbert_serving.control.speed_choice import SpeedChoice
from fastbert_serving.errors import InvalidRequest, UnknownSignature

TICK_SECONDS = 0.05
"""The speed is reconsidered this often, by the calls that come and go."""
LEARN_SECONDS = 0.25
"""Calls are averaged over this time before the model learns from them; within it their times hang on the moment at
which they met the running batch."""
HOLD_SECONDS = 10.0
"""The speed follows a falling load after this time."""
SMALLEST_DESCENT = 0.1
"""The speed goes down by at least this much, or to rest."""
QUEUE_SHARE = 0.75
"""Share of the target that work in flight may take to finish; more than that must be worked off beside what arrives."""
SEEN_SECONDS = 10.0
"""The 99th percentile in `state` is that of the answers of this time."""
MOST_SEEN = 4096


class LoadController:
    """Chooses the speed of calls that bring none, so that the 99th percentile of the latency stays under a target.

    Feed-forward: from the rows that arrive, the cost of a row at each speed (the curve), and a line of latency over
    work in flight and the tail above it, both learned from the calls, it predicts utilisation and 99th percentile at
    each speed, and takes the lowest speed that fits. Work that has piled up beyond what the target allows counts as
    load of its own. Up at once; down when no moment of the last 10 seconds needed more, and then only by a real step
    and into a wider margin: so the speed neither runs after the noise of arrivals nor swings. It has no thread of its
    own: calls drive it. May be used from any thread.

    Args:
        curve: cost and accuracy of the model.
        rest_speed: the speed without load.
        lowest_accuracy: accuracy below which no speed is chosen.
        target_p99_seconds: where the 99th percentile of the time in the server shall stay.
        clock: gives the time, in seconds.
        predecessor: the controller of an earlier version of the model: its load, what it learned and its speed are
            taken over.

    Raises:
        ValueError: the target is not positive.
    """

    def __init__(
        self,
        curve: CostCurve,
        rest_speed: float,
        lowest_accuracy: float,
        target_p99_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        predecessor: LoadController | None = None,
    ) -> None:
        if not target_p99_seconds > 0:
            raise ValueError(f"target_p99_seconds must be positive, but is {target_p99_seconds}")
        self.curve = curve
        self.speeds = curve.choices(rest_speed, lowest_accuracy)
        self._choice = SpeedChoice({speed: float(curve.cost(speed)) for speed in self.speeds}, target_p99_seconds)
        self._clock = clock
        self._lock = threading.Lock()
        self._in_flight = 0.0
        self._speed = self.speeds[0]
        self._reason = Reason.REST
        self._rows, self._other_work, self._model = ArrivalRate(clock()), ArrivalRate(clock()), LatencyModel()
        self._sample: list[tuple[float, float, float]] = []
        self._needed: deque[tuple[float, float]] = deque()
        self._seen: deque[tuple[float, float]] = deque(maxlen=MOST_SEEN)
        self._ticked = self._learned = clock()
        if predecessor is not None:
            self._take_over(predecessor)

    @property
    def speed(self) -> float:
        """The speed in force."""
        return self._speed

    @property
    def state(self) -> ControlState:
        """What the controller sees and does now."""
        with self._lock:
            now = self._clock()
            self._tick(now)
            times = [seconds for end, seconds in self._seen if end >= now - SEEN_SECONDS]
            rows, other_work = self._rows.rate(now), self._other_work.rate(now)
            return ControlState(
                speed=self._speed,
                reason=self._reason,
                arrival_rate=rows,
                utilisation=(rows * self._choice.costs[self._speed] + other_work) * self._model.slope,
                queue_seconds=self._in_flight * self._model.slope,
                p99_seconds=float(np.percentile(times, 99)) if times else 0.0,
                target_p99_seconds=self._choice.target_p99_seconds,
                lowest_speed=self.speeds[0],
                highest_speed=self.speeds[-1],
                demand=(rows * self._choice.costs[self.speeds[0]] + other_work) * self._model.slope,
            )

    def admit(self, rows: int, speeds: np.ndarray | None = None) -> Admission:
        """Counts a call that arrives.

        Args:
            rows: its rows, at least 1.
            speeds: speed of each row where the call names them, shape (rows,); None where the controller chooses.

        Returns:
            A context that lasts as long as the call: of the speed to use, or of None for a call with its own. An
            exception in it means that there was no answer.
        """
        with self._lock:
            now = self._clock()
            if speeds is None:
                self._rows.add(now, rows)
                self._tick(now)
                work = rows * self._choice.costs[self._speed]
            else:
                work = float(np.sum(self.curve.cost(speeds)))
                self._other_work.add(now, work)
                self._tick(now)
            self._in_flight += work
            speed = self._speed if speeds is None else None
            return Admission(self.end, now, speed, rows, work, self._in_flight)

    def end(self, admission: Admission, error: BaseException | None) -> None:
        """Counts a call that ends; the context does it. One that broke a rule was never load."""
        with self._lock:
            now = self._clock()
            self._in_flight = max(0.0, self._in_flight - admission.work)
            if isinstance(error, (InvalidRequest, UnknownSignature)):
                if admission.speed is None:
                    self._other_work.take_back(admission.work)
                else:
                    self._rows.take_back(admission.rows)
            elif error is None:
                seconds, cost = now - admission.arrived, admission.cost
                self._seen.append((now, seconds))
                self._sample.append(((admission.ahead - admission.work) / cost, admission.rows, seconds / cost))
            self._tick(now)

    # === Decision; the lock is held ===

    def _tick(self, now: float) -> None:
        if now - self._ticked < TICK_SECONDS:
            return
        self._ticked = now
        if self._sample and now - self._learned >= LEARN_SECONDS:
            self._model.learn(now, self._sample)
            self._sample.clear()
            self._learned = now
        self._decide(now)

    def _decide(self, now: float) -> None:
        rows, work = self._rows.rate(now), self._other_work.rate(now)
        load = self._choice.least(self._model, rows, work, self._speed)
        needed = self._choice.least(self._model, rows, work + self._backlog(), self._speed)
        self._needed.append((now, needed.speed))
        while self._needed[0][0] < now - HOLD_SECONDS:
            self._needed.popleft()
        held = max(speed for _, speed in self._needed)
        if held > self._speed or held <= self._speed - SMALLEST_DESCENT or held == self.speeds[0]:
            self._speed = held
        if not needed.fits:
            self._reason = Reason.LIMIT
        elif needed.speed <= self._speed - SMALLEST_DESCENT:
            self._reason = Reason.HOLD
        elif needed.speed > load.speed:
            self._reason = Reason.QUEUE
        else:
            self._reason = Reason.REST if self._speed == self.speeds[0] else Reason.LOAD

    def _backlog(self) -> float:
        """Work a second that must be done beside what arrives, so that what has piled up is gone within the target."""
        if not self._model.slope:
            return 0.0
        target = self._choice.target_p99_seconds
        return max(0.0, self._in_flight - QUEUE_SHARE * target / self._model.slope) / max(target, 0.5)

    def _take_over(self, predecessor: LoadController) -> None:
        with predecessor._lock:
            predecessor._tick(self._clock())
            self._rows = copy.deepcopy(predecessor._rows)
            self._other_work = copy.deepcopy(predecessor._other_work)
            self._model = copy.deepcopy(predecessor._model)
            speed = predecessor._speed
        self._speed = max(choice for choice in self.speeds if choice <= speed or choice == self.speeds[0])
        self._needed.append((self._clock(), self._speed))
