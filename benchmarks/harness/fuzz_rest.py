"""Odd requests on the REST port, well framed; `fuzz_wire` breaks the framing."""

from __future__ import annotations

import base64
import copy
import json
import random
from typing import Any

from harness.fuzz_case import WireCase
from harness.fuzz_contract import SIGNATURES
from harness.fuzz_rest_contract import RestContract
from harness.fuzz_values import BAD_SPEEDS, GOOD_SPEEDS, LARGE_INTEGERS, NAMES, damaged, odd_text

_KEYS = ("instances", "inputs", "signature_name", "text", "speed", "b64", "examples", "context", "x", "", "__proto__")
_PATHS = (
    "/", "/v1", "/v1/", "/v1/models/", "/v1/models//", "/v2/models/fastbert:predict", "/v1/models/fastbert:Predict",
    "/v1/models/fastbert:regress", "/v1/models/fastbert/:predict", "/v1/models/fastbert:predict/",
    "/v1/models/../../../etc/passwd", "/v1/models/fastbert/versions/..%2f..%2fetc:predict", "/../../etc/passwd",
    "/v1/models/fastbert/versions/x:predict", "/v1/models/fastbert/versions/-1:predict", "/%00", "/%ff%fe",
    "/v1/models/fastbert/versions/3/labels/stable:predict", "/v1/models/fastbert/versions:predict", "//etc/passwd",
    "/v1/models/fastbert/labels/:predict", "/" + "a/" * 1000, "/v1/models/" + "a" * 5000 + "/b:predict",
)  # fmt: skip
_UNUSUAL = (b'{"instances": [' + b"[" * 100_000, b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 50_000, b"", b"null",
            b"[]", b"{}", b'"text"', b"NaN", b"1" * 10_000, b'{"instances": [' + b"9" * 10_000 + b"]}",
            b'{"instances": [{"text": "good", "speed": 1e999}], "signature_name": "with_speed"}',
            b'{"instances": [{"text": "good", "speed": NaN}], "signature_name": "with_speed"}',
            b'{"instances": [{"text": "good", "speed": -Infinity}], "signature_name": "with_speed"}',
            b'{"instances": ["\\ud800"]}', b'{"instances": ["\xff\xfe"]}', b"\xef\xbb\xbf{}", b"\x00" * 100,
            '{"instances": ["good"]}'.encode("utf-16"), '{"instances": ["good"]}'.encode("utf-32"),
            b'{"instances": ["good"], "instances": ["bad"]}', b'{"instances": ["a", {"b64": "Z29vZA"}]}',
            b"{'instances': ['good']}", b'{"instances": ["good"],}', b'{"instances": ["good"]} {}',
            b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>")  # fmt: skip
_JSON: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.5, "", "x", "0.5", [], {}, [[]], [None], {"b64": 1}, {"b64": "!"},
    {"b64": "Z29vZA=="}, {"x": 1}, [1, "a"], [0.5], *BAD_SPEEDS, *LARGE_INTEGERS,
)  # fmt: skip


class RestCases:
    """Makes REST requests of every kind.

    Args:
        contract: judges them.
    """

    def __init__(self, contract: RestContract) -> None:
        self.contract = contract
        self.name, self.version = contract.contract.name, contract.contract.version

    def make(self, rng: random.Random) -> WireCase:
        """Draws a request."""
        makers = (self._mutated, self._damaged, self._unusual, self._path, self._method, self._limits, self._headers)
        return rng.choices(makers, (10, 4, 2, 2, 1, 0.5, 1))[0](rng)

    def document(self, rng: random.Random) -> tuple[str, Any]:
        """Returns the verb and document of a request that deserves an answer."""
        signature = rng.choice(("serving_default", "with_speed", "tokenized", "classify"))
        rows = rng.randint(1, 4)
        if signature == "classify":
            examples = [{"text": self._text(rng)} for _ in range(rows)]
            return ":classify", {"signature_name": "classify", "examples": examples}
        columns = {alias: [self._text(rng) for _ in range(rows)] for alias in ("text",)}
        if signature == "tokenized":
            columns = {
                "token_ids": [[2, 6, 3]] * rows,
                "segment_ids": [[0, 0, 0]] * rows,
                "padding_mask": [[1, 1, 1]] * rows,
            }
        if "speed" in SIGNATURES[signature]:
            columns["speed"] = [rng.choice((*GOOD_SPEEDS, 0, 1)) for _ in range(rows)]
        document: dict[str, Any] = {} if signature == "serving_default" else {"signature_name": signature}
        if rng.random() < 0.4:
            return ":predict", {**document, "inputs": columns}
        instances = [{alias: column[row] for alias, column in columns.items()} for row in range(rows)]
        if len(columns) == 1 and rng.random() < 0.5:
            instances = columns["text"]
        return ":predict", {**document, "instances": instances}

    def _mutated(self, rng: random.Random) -> WireCase:
        verb, document = self.document(rng)
        document = copy.deepcopy(document)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            _mutate(rng, document)
        return self._post("changed document", self._target(rng, verb), json.dumps(document).encode())

    def _damaged(self, rng: random.Random) -> WireCase:
        verb, document = self.document(rng)
        return self._post(
            "damaged JSON", self._target(rng, verb, plain=True), damaged(rng, json.dumps(document).encode())
        )

    def _unusual(self, rng: random.Random) -> WireCase:
        verb = rng.choice((":predict", ":predict", ":classify"))
        return self._post("unusual body", self._target(rng, verb, plain=True), rng.choice(_UNUSUAL))

    def _path(self, rng: random.Random) -> WireCase:
        path = rng.choice(
            (*_PATHS, *(f"/v1/models/{name}:predict" for name in NAMES if name.isascii() and name.isalnum()))
        )
        method = "POST" if path == "/" else rng.choice(("POST", "GET"))  # GET / is the page
        return self._case("path", method, path, b'{"instances": ["good"]}' if method == "POST" else b"")

    def _method(self, rng: random.Random) -> WireCase:
        target = self._target(rng, rng.choice((":predict", ":classify", "/metadata", "")))
        method = rng.choice(("GET", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "FOO", "POST"))
        case = self._case("method", method, target, b'{"instances": ["good"]}' if method != "GET" else b"")
        return (
            case
            if method in ("GET", "POST")
            else WireCase("method", case.pieces, frozenset(("400", "404", "405", "501")))
        )

    def _limits(self, rng: random.Random) -> WireCase:
        limits = self.contract.contract
        texts = rng.choice(
            (
                ["good"] * (limits.max_rows + 1),
                ["good"] * limits.max_rows,
                ["a" * (limits.max_text_bytes + 1)],
                ["a" * limits.max_text_bytes],
                ["a" * (limits.max_message_bytes + 1)],
            )
        )
        return self._post(
            "limits", self._target(rng, ":predict", plain=True), json.dumps({"instances": texts}).encode()
        )

    def _headers(self, rng: random.Random) -> WireCase:
        verb, document = self.document(rng)
        body = json.dumps(document).encode()
        target = self._target(rng, verb, plain=True)
        good = self.contract.expected("POST", target, body)
        extra, expected = rng.choice(
            (
                ("Content-Type: text/plain", good),
                ("Content-Type: application/json; charset=utf-7", good),
                ("Content-Type: multipart/form-data; boundary=x", good),
                ("Content-Type: \x01\x02", good | {"400"}),
                ("Content-Encoding: gzip", good | {"400", "415"}),  # which it is not
                ("Expect: 100-continue", good),
                ("Accept: image/png", good | {"406"}),
                ("Cookie: " + "a=b; " * 2000, good | {"431"}),
                ("X-Request-Id: " + "'\"\\%s" * 100, good),
                ("Authorization: Bearer " + "a" * 3000, good),
                ("Connection: upgrade\r\nUpgrade: websocket", good | {"400"}),
                ("X-Large: " + "a" * 2**19, {"400", "431"}),
            )
        )
        return WireCase("headers", (http_request("POST", target, body, extra),), frozenset(expected))

    def _post(self, kind: str, target: str, body: bytes) -> WireCase:
        return self._case(kind, "POST", target, body)

    def _case(self, kind: str, method: str, target: str, body: bytes) -> WireCase:
        return WireCase(kind, (http_request(method, target, body),), self.contract.expected(method, target, body))

    def _target(self, rng: random.Random, verb: str, plain: bool = False) -> str:
        chosen = "" if plain or rng.random() < 0.7 else rng.choice(
            (f"/versions/{self.version}", "/versions/99", "/versions/0", f"/versions/{10**30}", "/labels/stable")
        )  # fmt: skip
        return f"/v1/models/{self.name}{chosen}{verb}"

    def _text(self, rng: random.Random) -> Any:
        text = odd_text(rng)
        try:
            plain = text.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(text).decode()}
        return plain if rng.random() < 0.8 else {"b64": base64.b64encode(text).decode()}


def http_request(method: str, target: str, body: bytes, *headers: str) -> bytes:
    """Returns a well framed request, after whose answer the connection ends."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _mutate(rng: random.Random, node: Any) -> None:
    """Changes a place of a document that is drawn by walking down from its root."""
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = rng.choice(keys)
        if not isinstance(node[key], (dict, list)) or rng.random() < 0.4:
            match rng.randrange(4):
                case 0:
                    del node[key]
                case 1 if isinstance(node, dict):
                    node[rng.choice(_KEYS)] = node.pop(key)
                case _:
                    node[key] = _odd_json(rng)
            return
        node = node[key]
    if isinstance(node, dict):
        node[rng.choice(_KEYS)] = _odd_json(rng)
    else:
        node.append(_odd_json(rng))


def _odd_json(rng: random.Random) -> Any:
    value = rng.choice(_JSON)
    return copy.deepcopy(value)
