"""Sends odd requests one after the other, judges the answers, and asks in between whether the server still works."""

from __future__ import annotations

import http.client
import random
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc

from fastbert_serving import Client
from harness.answer_check import RightAnswers
from harness.fuzz_case import NO_STATUS, GrpcCase, WireCase
from harness.fuzz_contract import Contract
from harness.fuzz_grpc import GrpcCases
from harness.fuzz_rest import RestCases
from harness.fuzz_rest_contract import RestContract
from harness.fuzz_wire import WireCases
from harness.serving_process import HOST

PATIENCE = 30.0  # seconds after which a request hangs
SILENCE = 1.0  # seconds without a word that count as no answer, where none is due
PROBE_EVERY = 100
OPEN_CONNECTIONS = 40  # left unfinished at a time
_PROBE_TEXT, _PROBE_SPEED = "a dull plot and a bad film", 0.3
_PROBE_BODY = b'{"instances": ["good"]}'
_LONGEST_DETAILS = 1000

Case = GrpcCase | WireCase


@dataclass(frozen=True)
class Failure:
    """A wrong answer."""

    index: int
    """Number of the case: `--only` sends it alone."""
    kind: str
    """What the case is."""
    expected: tuple[str, ...]
    """The right statuses."""
    got: str
    """What came."""
    details: str
    """The server's words."""


@dataclass
class FuzzRun:
    """A fuzz test against one server.

    Args:
        address: its gRPC address.
        rest_address: its REST address.
        contract: judges the answers.
        seed: case `i` of a seed is always the same.
    """

    address: str
    rest_address: str
    contract: Contract
    seed: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Requests by kind and status."""
    failures: list[Failure] = field(default_factory=list)
    """Wrong answers."""
    probes: int = 0
    """Proper requests in between."""

    def __post_init__(self) -> None:
        rest = RestCases(RestContract(self.contract))
        self._makers: Sequence[GrpcCases | RestCases | WireCases] = (GrpcCases(self.contract), rest, WireCases())
        self._channel = grpc.insecure_channel(self.address, [("grpc.max_send_message_length", -1)])
        self._client = Client(self.address, self.contract.name, timeout=PATIENCE)
        self._open: deque[socket.socket] = deque()
        self.right = RightAnswers(self._client, [_PROBE_TEXT, ""], [_PROBE_SPEED] * 2)

    def case(self, index: int) -> Case:
        """Makes the case of that number."""
        rng = random.Random(f"{self.seed}:{index}")
        return rng.choices(self._makers, (50, 35, 15))[0].make(rng)

    def run(self, indices: range) -> None:
        """Sends cases, and proper requests in between."""
        for index in indices:
            self.send(index, self.case(index))
            if index % PROBE_EVERY == PROBE_EVERY - 1:
                self._probe(index)
        self._probe(indices.stop)

    def send(self, index: int, case: Case) -> None:
        """Sends one case and notes what came."""
        got, details = self._call(case) if isinstance(case, GrpcCase) else self._exchange(case)
        self.outcomes[case.kind, got] += 1
        if got not in case.expected or "Traceback (most recent" in details:
            self.failures.append(Failure(index, case.kind, tuple(sorted(case.expected)), got, details[:300]))

    def close(self) -> None:
        """Closes all connections."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._client.close()
        self._channel.close()

    def _call(self, case: GrpcCase) -> tuple[str, str]:
        options = {
            "timeout": PATIENCE if case.timeout is None else case.timeout,
            "metadata": case.metadata,
            "compression": grpc.Compression.Gzip if case.is_compressed else None,
        }
        if case.messages == 1:
            call = self._channel.unary_unary(case.method).future(case.payload, **options)
        else:
            call = self._channel.stream_unary(case.method).future(iter([case.payload] * case.messages), **options)
        if case.cancel:
            call.cancel()
        code = call.code()
        details = (call.details() or "") if code is not grpc.StatusCode.OK else ""
        if case.timeout is None and code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"hung for {PATIENCE:g} s", details
        if "\n" in details or len(details) > _LONGEST_DETAILS:
            return f"{code.name} with {len(details)} characters of details", details
        return code.name, details

    def _exchange(self, case: WireCase) -> tuple[str, str]:
        address = self.address if case.to_grpc else self.rest_address
        connection = socket.create_connection((HOST, int(address.rpartition(":")[2])), timeout=PATIENCE)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in case.pieces:
                connection.sendall(piece)
            if case.is_left_open:
                self._open.append(connection)
                if len(self._open) > OPEN_CONNECTIONS:
                    self._open.popleft().close()
                return NO_STATUS, ""
            if NO_STATUS in case.expected:
                connection.settimeout(SILENCE)
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # refused before it was said: an answer may have come all the same
            connection.settimeout(SILENCE)
        try:
            return self._status(connection, case)
        finally:
            if connection not in self._open:
                connection.close()

    def _status(self, connection: socket.socket, case: WireCase) -> tuple[str, str]:
        try:
            with http.client.HTTPResponse(connection) as response:
                response.begin()
                return str(response.status), response.read().decode("utf-8", "replace")
        except TimeoutError:
            return (NO_STATUS, "") if NO_STATUS in case.expected else (f"hung for {PATIENCE:g} s", "")
        except (OSError, http.client.HTTPException):
            return NO_STATUS, ""

    def _is_right(self) -> bool:
        answers = self._client.predict(self.right.texts, speed=self.right.speeds)
        return all(self.right.is_right(row, one.exit_layer, one.probabilities) for row, one in enumerate(answers))

    def _probe(self, index: int) -> None:
        """A proper request on both ports must get the right answer, whatever came before."""
        began = time.monotonic()
        try:
            problem = "" if self._is_right() else "another answer"
            if self.rest_address:
                door = http.client.HTTPConnection(self.rest_address, timeout=PATIENCE)
                door.request("POST", f"/v1/models/{self.contract.name}:predict", _PROBE_BODY)
                status = door.getresponse().status
                door.close()
                problem = problem or ("" if status == 200 else f"HTTP status {status}")
        except (OSError, http.client.HTTPException) as error:
            problem = f"{type(error).__name__}: {error}"
        self.probes += 1
        self.outcomes["proper request in between", problem or "OK"] += 1
        if problem:
            words = f"after {time.monotonic() - began:.1f} s"
            self.failures.append(Failure(index, "proper request in between", ("OK",), problem, words))
