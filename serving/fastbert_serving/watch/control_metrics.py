"""Load control as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from fastbert_serving.speed_control import SpeedControl

_GAUGES = {
    "speed": ("fastbert_speed", "Speed in force for calls that name none."),
    "arrival_rate": ("fastbert_control_arrival_rate", "Rows that arrive a second."),
    "utilisation": (
        "fastbert_control_utilisation",
        "Work that arrives over what the server can do; above 1 it queues.",
    ),
    "demand": (
        "fastbert_control_demand",
        "Work that arrives over what the server can do, were it all done at the speed without load.",
    ),
    "queue_seconds": ("fastbert_control_queue_seconds", "Time to finish what is in flight."),
    "p99_seconds": ("fastbert_control_p99_seconds", "99th percentile of recent answers' time."),
    "target_p99_seconds": ("fastbert_control_target_p99_seconds", "Where that shall stay."),
    "lowest_speed": ("fastbert_control_lowest_speed", "The speed without load."),
    "highest_speed": ("fastbert_control_highest_speed", "The highest speed that the lowest accuracy allows."),
}


class ControlMetrics:
    """Collects the state of load control at each exposition.

    Args:
        control: knows the states.
    """

    def __init__(self, control: SpeedControl) -> None:
        self._control = control

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields a gauge for each number of the state, and one for its reason."""
        states = self._control.states()
        for field, (name, text) in _GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=("model_name",))
            for model, state in states.items():
                gauge.add_metric((model,), getattr(state, field))
            yield gauge
        reason = GaugeMetricFamily(
            "fastbert_control_reason", "1 for the reason of the speed in force.", labels=("model_name", "reason")
        )
        for model, state in states.items():
            reason.add_metric((model, state.reason.value), 1.0)
        yield reason
