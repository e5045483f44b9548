"""What a server keeps in memory of a broken request that it gets thousands of times."""

from __future__ import annotations

import itertools
import re
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tensorflow_serving.apis import predict_pb2

from harness.fuzz_case import GrpcCase, WireCase
from harness.fuzz_contract import EXHAUSTED, INTERNAL, INVALID, NOT_FOUND, STRING, Contract
from harness.fuzz_grpc import PREDICTION
from harness.fuzz_rest import http_request
from harness.fuzz_run import Case, FuzzRun
from harness.serving_process import ServingProcess

ROUNDS, REQUESTS = 5, 300
CLIENTS = 16  # gRPC takes a tenth of a second to refuse a large message


def leak_cases(contract: Contract) -> tuple[Case, ...]:
    """Returns a request for each way on which a server may keep something of it."""
    shape = {"dim": [{"size": 1}, {"size": 1}]}
    request = predict_pb2.PredictRequest(model_spec={"name": contract.name})
    request.inputs["text"].MergeFrom(type(request.inputs["text"])(dtype=STRING, tensor_shape=shape, string_val=[b"a"]))
    stranger = predict_pb2.PredictRequest(model_spec={"name": f"not {contract.name}"})
    truncated = http_request("POST", f"/v1/models/{contract.name}:predict", b'{"instances": ["good"')
    payloads = {
        "wrong shape": (request.SerializeToString(), INVALID),
        "unknown model": (stranger.SerializeToString(), NOT_FOUND),
        "no request": (b"\xff\xff", INTERNAL),
        "message too large": (bytes(contract.max_message_bytes + 1), EXHAUSTED),
    }
    grpc_cases = (
        GrpcCase(kind, f"{PREDICTION}Predict", payload, frozenset((status,)))
        for kind, (payload, status) in payloads.items()
    )
    return (*grpc_cases, WireCase("truncated JSON", (truncated,), frozenset(("400",))))


def bytes_kept(server: ServingProcess, run: FuzzRun, case: Case) -> float:
    """Returns by how much the server's own memory grows with each such request, in bytes.

    That is the median of several rounds: what is loaded or pooled once shows in one of them, a leak in all.
    """
    seen = []
    with ThreadPoolExecutor(CLIENTS) as clients:
        for _ in range(ROUNDS):
            list(clients.map(lambda index: run.send(index, case), range(REQUESTS)))
            seen.append(_own_bytes(server.pid))
    return statistics.median(after - before for before, after in itertools.pairwise(seen)) / REQUESTS


def _own_bytes(pid: int) -> int:
    """Returns a process' memory without mapped files, whose pages come and go with what the machine has free."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * sum(map(int, re.findall(r"(?:RssAnon|VmSwap):\s+(\d+)", status)))
