"""Open-loop load from a process of its own, and what became of every request."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from tensorflow_serving.apis import predict_pb2

from fastbert_serving.tensor_codec import to_array, to_proto
from harness.arrivals import Phase, poisson_arrivals
from harness.load_generator import NOT_ENDED

PREDICT = "/tensorflow.serving.PredictionService/Predict"
CODES = {NOT_ENDED: "NEVER_ENDED", **{code.value[0]: code.name for code in grpc.StatusCode}}
OUTPUTS = ("label_id", "exit_layer", "probabilities", "uncertainty")
_EXTRA_SECONDS = 240  # for the generator to start, to wait, and to write its result


@dataclass(frozen=True)
class Outcome:
    """Every request of a run, in the order of the schedule."""

    phases: tuple[Phase, ...]
    """What was asked for."""
    start: float
    """`time.monotonic()` at which the schedule began."""
    due: np.ndarray
    """Seconds after the start at which each request was due."""
    sent: np.ndarray
    """Seconds at which it was really sent."""
    ended: np.ndarray
    """Seconds at which it ended."""
    codes: np.ndarray
    """gRPC status names."""
    which: np.ndarray
    """Index of the request that was sent."""
    responses: list[bytes]
    """Serialised PredictResponse, empty without one."""
    words: dict[str, str]
    """What the server said to the first call with each status but OK."""
    generator_busy: float
    """Share of its core that the generator used."""

    @property
    def latency(self) -> np.ndarray:
        """Seconds from the moment a request was due to its end."""
        return self.ended - self.due

    @property
    def answered(self) -> np.ndarray:
        """Whether each request was answered."""
        return self.codes == "OK"

    def answer(self, index: int) -> predict_pb2.PredictResponse:
        """Returns a response."""
        return predict_pb2.PredictResponse.FromString(self.responses[index])

    def output(self, alias: str) -> np.ndarray:
        """Returns an output's first row for every request, -1 where there is no answer."""
        values = np.full(len(self.due), -1)
        for index in np.flatnonzero(self.answered).tolist():
            values[index] = to_array(self.answer(index).outputs[alias]).ravel()[0]
        return values


def predict_request(texts: Sequence[str], speed: float | None, name: str = "fastbert") -> bytes:
    """Serialises a Predict request; speed None leaves the choice to the server."""
    request = predict_pb2.PredictRequest(output_filter=OUTPUTS)
    request.model_spec.name = name
    encoded = np.array([text.encode() for text in texts], object)
    request.inputs["text"].CopyFrom(to_proto(encoded))
    if speed is not None:
        request.model_spec.signature_name = "with_speed"
        request.inputs["speed"].CopyFrom(to_proto(np.full(len(texts), speed, np.float32)))
    return request.SerializeToString()


def offer_load(
    address: str,
    requests: Sequence[bytes],
    phases: Sequence[Phase],
    seed: int = 0,
    deadline: float = 2.0,
    core: int | None = None,
    connections: int = 4,
    times: np.ndarray | None = None,
) -> Outcome:
    """Offers load and waits until the last call has ended.

    Args:
        address: gRPC address of a PredictionService.
        requests: serialised Predict requests; each arrival draws one.
        phases: rates over time.
        seed: of arrivals and draws.
        deadline: seconds a call may take.
        core: processor of the generator; None leaves it to the system.
        connections: connections that calls are spread over.
        times: arrival times in place of Poisson arrivals.

    Raises:
        RuntimeError: the generator failed.
    """
    times = poisson_arrivals(phases, seed) if times is None else times
    which = np.random.default_rng((seed, 1)).integers(len(requests), size=len(times))
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.npz"
        command = generator_command(Path(folder), result, address, requests, times, which, deadline, core, connections)
        longest = float(times[-1]) + deadline + _EXTRA_SECONDS if len(times) else _EXTRA_SECONDS
        try:
            done = subprocess.run(command, timeout=longest, capture_output=True, text=True)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"the load generator had not ended after {longest:.0f} s") from error
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            raise RuntimeError(f"the load generator ended with code {done.returncode}: {' '.join(last)}")
        with np.load(result) as values:
            found = dict(values)
    return _outcome(found, tuple(phases), times, which)


def generator_command(
    folder: Path,
    result: Path,
    address: str,
    requests: Sequence[bytes],
    times: np.ndarray,
    which: np.ndarray,
    deadline: float,
    core: int | None = None,
    connections: int = 4,
) -> list[str]:
    """Writes a plan and returns the command that carries it out; it prints a line when it begins to send."""
    plan = folder / "plan.npz"
    np.savez(
        plan,
        times=times,
        which=which,
        requests=np.frombuffer(b"".join(requests), np.uint8),
        ends=np.cumsum([len(request) for request in requests], dtype=np.int64),
    )
    command = [sys.executable, str(Path(__file__).with_name("load_generator.py"))]
    for option, value in {"plan": plan, "result": result, "address": address, "method": PREDICT,
                          "deadline": deadline, "connections": connections, "core": core}.items():  # fmt: skip
        command += [] if value is None else [f"--{option}", str(value)]
    return command


def _outcome(found: dict[str, np.ndarray], phases: tuple[Phase, ...], times: np.ndarray, which: np.ndarray) -> Outcome:
    blob, ends = found["responses"].tobytes(), found["ends"].tolist()
    return Outcome(
        phases=phases,
        start=float(found["start"]),
        due=times,
        sent=found["sent"],
        ended=found["ended"],
        codes=np.array([CODES[code] for code in found["codes"].tolist()], object),
        which=which,
        responses=[blob[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)],
        words=json.loads(str(found["words"])),
        generator_busy=float(found["busy"]),
    )
