"""The way from any door to any backend: limits, the speed in force, and what operators see."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import grpc
import numpy as np

from fastbert_serving.backend import Backend, ServedVersion
from fastbert_serving.call import DEFAULT_SIGNATURE, SPEED_SIGNATURE, SPEEDUP_SIGNATURE, Call, ModelReference, Result
from fastbert_serving.call_places import DEFAULT_MAX_CALLS, CallPlaces
from fastbert_serving.errors import Cancelled, DeadlineExceeded, ServingError, UnknownSignature
from fastbert_serving.limits import LimitExceeded, Limits
from fastbert_serving.speed_control import SpeedControl
from fastbert_serving.watch.access_log import AccessLog
from fastbert_serving.watch.drift_alarm import DriftAlarm
from fastbert_serving.watch.exchange import Exchange, request_id
from fastbert_serving.watch.load_meter import LoadMeter
from fastbert_serving.watch.metrics import Metrics

_SPEED, _SPEEDUP = "speed", "speedup"
_WATCHED_OUTPUTS = ("exit_layer", "uncertainty")
_CAUSES = {
    grpc.StatusCode.INVALID_ARGUMENT: "invalid",
    grpc.StatusCode.NOT_FOUND: "unknown_model",
    grpc.StatusCode.FAILED_PRECONDITION: "precondition",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "overload",
    grpc.StatusCode.DEADLINE_EXCEEDED: "deadline",
    grpc.StatusCode.CANCELLED: "cancelled",
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.UNAUTHENTICATED: "unauthenticated",
    grpc.StatusCode.PERMISSION_DENIED: "forbidden",
    grpc.StatusCode.UNIMPLEMENTED: "unimplemented",
}


class Dispatcher:
    """Hands calls to a backend; may be used from any thread.

    Args:
        backend: answers the calls.
        limits: what one request may ask for.
        control: chooses the speed of calls that name none; None leaves them at the model's default.
        metrics: counts requests.
        drift: watches exit layers; None does not.
        access_log: gets a line a request; None writes none.
        max_calls: predictions in progress, waiting ones included; more are answered RESOURCE_EXHAUSTED at once.
    """

    def __init__(
        self,
        backend: Backend,
        limits: Limits | None = None,
        control: SpeedControl | None = None,
        metrics: Metrics | None = None,
        drift: DriftAlarm | None = None,
        access_log: AccessLog | None = None,
        max_calls: int = DEFAULT_MAX_CALLS,
    ) -> None:
        self.backend = backend
        self.limits = limits or Limits()
        self.control = control
        self.metrics = metrics or Metrics()
        self.meter = LoadMeter()
        self._places = CallPlaces(max_calls)
        self._drift = drift
        self._access_log = access_log
        if access_log is not None:
            self.metrics.register(access_log)

    @contextmanager
    def exchange(self, api: str, entrypoint: str, given_id: str | None = None, peer: str = "") -> Iterator[Exchange]:
        """Watches a request from the first look at it to the encoded answer, and records how it ended.

        Args:
            api: the method's name in TensorFlow Serving's services.
            entrypoint: `GRPC` or `REST`.
            given_id: the client's id for the request, if any.
            peer: the client's address.

        Yields:
            What is known of the request, for `predict` and `describe` to fill in.
        """
        exchange = Exchange(api, entrypoint, request_id(given_id), peer)
        begin = time.perf_counter()
        try:
            yield exchange
        except ServingError as error:
            exchange.code = error.code.name
            exchange.cause = _cause(error)
            raise
        except Exception:
            exchange.code, exchange.cause = grpc.StatusCode.INTERNAL.name, "internal"
            raise
        finally:
            exchange.seconds = time.perf_counter() - begin
            self._record(exchange)

    def describe(self, model: ModelReference, exchange: Exchange, call: Call | None = None) -> ServedVersion:
        """Finds the version that a request means.

        Args:
            model: as the request names it.
            exchange: the request's record.
            call: who waits for it, and how long.

        Raises:
            ServingError: there is none.
        """
        try:
            served = self.backend.describe(model, call)
        except ServingError:
            if model.name in self.backend.names():
                exchange.model = model.name
            raise
        exchange.model, exchange.version = served.name, served.version
        return served

    def predict(self, call: Call, exchange: Exchange) -> Result:
        """Runs a call.

        Args:
            call: the decoded request.
            exchange: the request's record.

        Returns:
            The outputs that the call asks for; its `signature` is the call's own, also where load control has added
            a speed.

        Raises:
            ServingError: it has no result; the class and code say why.
        """
        names = self.backend.names()
        if call.model.name in names:
            exchange.model, exchange.call, exchange.rows = call.model.name, call, call.rows
        with self._places.hold(call.model.name, len(names)):
            return self._predict(call, exchange)

    def _predict(self, call: Call, exchange: Exchange) -> Result:
        served = self.describe(call.model, exchange, call)
        exchange.signature = call.signature if call.signature in served.signature_defs else ""
        self.limits.check(call.inputs)
        _check_is_awaited(call)
        takes_speed = _takes_speed(call, served)
        with self._admitted(call, served, takes_speed) as speed:
            steered = _with_speed(call, speed) if takes_speed and speed is not None else call
            asked = _with_watched_outputs(steered, served)
            try:
                result = self.backend.predict(asked)
            except UnknownSignature:  # the model was exchanged since `describe`
                if steered is call:
                    raise
                steered, result = call, self.backend.predict(call)
        exchange.speed = None if steered is call else speed
        exchange.version = result.version
        self._watch(result, steered, served, exchange)
        exchange.result = result if asked is call else _as_called(result, call)
        return exchange.result

    def _admitted(self, call: Call, served: ServedVersion, takes_speed: bool) -> AbstractContextManager[float | None]:
        """Shows the call to load control, for the speed that it shall have."""
        if self.control is None or not call.rows:
            return nullcontext(None)
        speeds = None if takes_speed else np.clip(np.nan_to_num(_speeds(call, served)), 0, 1)  # not checked yet
        return self.control.admit(served, call.rows, speeds)

    def _watch(self, result: Result, call: Call, served: ServedVersion, exchange: Exchange) -> None:
        """Reads exits and uncertainty out of a result; a model without a manifest may mean other things by them."""
        if served.manifest is None or not set(_WATCHED_OUTPUTS) <= result.outputs.keys():
            return
        exchange.exit_layers, exchange.uncertainties = (result.outputs[alias] for alias in _WATCHED_OUTPUTS)
        if self._drift is not None and result.version == served.version:
            self._drift.observe(served, _speeds(call, served), exchange.exit_layers)

    def _record(self, exchange: Exchange) -> None:
        self.metrics.finished(exchange)
        if exchange.result is not None:
            self.meter.answered(exchange.model, exchange.rows)
        elif exchange.call is not None:
            self.meter.rejected(exchange.model)
        if self._access_log is not None:
            self._access_log.write(exchange)


def _cause(error: ServingError) -> str:
    if isinstance(error, LimitExceeded):
        return "limit"
    if isinstance(error, UnknownSignature):
        return "unknown_signature"
    return _CAUSES.get(error.code, "internal")


def _check_is_awaited(call: Call) -> None:
    if call.cancellation.is_set:
        raise Cancelled("the client has gone; nothing was computed")
    if call.is_expired:
        raise DeadlineExceeded("the deadline had passed before work began; send a later one")


def _takes_speed(call: Call, served: ServedVersion) -> bool:
    """Whether a call that names no speed can be given one."""
    definitions = served.signature_defs
    if call.signature != DEFAULT_SIGNATURE or not {DEFAULT_SIGNATURE, SPEED_SIGNATURE} <= definitions.keys():
        return False
    takes = set(definitions[DEFAULT_SIGNATURE].inputs)
    return set(call.inputs) == takes and set(definitions[SPEED_SIGNATURE].inputs) == {*takes, _SPEED}


def _with_speed(call: Call, speed: float) -> Call:
    inputs = {**call.inputs, _SPEED: np.full(call.rows, speed, np.float32)}
    return dataclasses.replace(call, signature=SPEED_SIGNATURE, inputs=inputs)


def _speeds(call: Call, served: ServedVersion) -> np.ndarray:
    """Returns the speed of each row."""
    named = call.inputs.get(_SPEED)
    speedups = call.inputs.get(_SPEEDUP)
    if call.signature == SPEEDUP_SIGNATURE and speedups is not None and served.manifest and served.manifest.dial:
        return served.manifest.dial.speed(speedups)  # the graph has refused what the dial would
    if named is None or named.dtype.kind != "f" or named.shape != (call.rows,):
        return np.full(call.rows, served.manifest.default_speed if served.manifest else 0.0, np.float32)
    return named


def _with_watched_outputs(call: Call, served: ServedVersion) -> Call:
    """Returns the call with a filter that lets pass what is watched, too."""
    if not call.output_filter or served.manifest is None or call.signature not in served.signature_defs:
        return call
    outputs = served.signature_defs[call.signature].outputs
    more = [alias for alias in _WATCHED_OUTPUTS if alias in outputs and alias not in call.output_filter]
    return dataclasses.replace(call, output_filter=(*call.output_filter, *more)) if more else call


def _as_called(result: Result, call: Call) -> Result:
    """Returns what `call` asks for of the result of a call that was made of it."""
    chosen = {alias: result.outputs[alias] for alias in call.output_filter or result.outputs}
    return dataclasses.replace(result, signature=call.signature, outputs=chosen)
