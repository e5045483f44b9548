"""Which HTTP status a REST request deserves, by TensorFlow Serving's REST documentation; see `fuzz_contract`."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from dataclasses import dataclass
from typing import Any

from harness.fuzz_contract import FLOAT, INT, SIGNATURES, STRING, Contract, Tensor, Verdict

BAD, MISSING, NOT_ALLOWED, TOO_LARGE, OK = "400", "404", "405", "413", "200"
_STATUS = {"INVALID_ARGUMENT": BAD, "FAILED_PRECONDITION": BAD, "NOT_FOUND": MISSING, "INTERNAL": BAD, "OK": OK}
_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?(?P<verb>:predict|:classify|/metadata)?"
)
_OTHER_PATHS = {
    ("GET", "/v1/models/"): (OK, BAD, MISSING),  # this server's own list of models
    ("POST", "/v1/models/fastbert:regress"): ("501",),  # UNIMPLEMENTED, as on the gRPC port
}


class Refused(ValueError):
    """No tensor stands for a JSON value."""


@dataclass(frozen=True)
class RestContract:
    """The rules of the REST door, on top of a model's.

    Args:
        contract: rules of the model.
    """

    contract: Contract

    def expected(self, method: str, path: str, body: bytes) -> frozenset[str]:
        """Returns the HTTP statuses that are right."""
        if (method, path) in _OTHER_PATHS:
            return frozenset(_OTHER_PATHS[method, path])
        found = _PATH.fullmatch(path)
        if found is None:
            return frozenset((BAD, MISSING, NOT_ALLOWED))
        if (method == "POST") != (found["verb"] in (":predict", ":classify")):
            return frozenset((BAD, MISSING, NOT_ALLOWED))
        verdict = self._model(found)
        if method == "POST":
            if len(body) > self.contract.max_message_bytes:
                return frozenset((TOO_LARGE,))
            other = self._body(found["verb"], body)
            verdict.codes |= other.codes
            verdict.doubts |= other.doubts
        return frozenset(_STATUS[code] for code in verdict.expected)

    def _model(self, found: re.Match[str]) -> Verdict:
        verdict = Verdict()
        version = found["version"]
        if found["name"] != self.contract.name:
            verdict.codes.add("NOT_FOUND")
        if version is not None and int(version) != self.contract.version:
            # Beyond an int64 no model can have it, and it is no number that the path takes.
            verdict.codes.add("NOT_FOUND")
            verdict.doubts |= {"INVALID_ARGUMENT"} if len(version) > 18 else set()
        if found["label"] is not None:
            verdict.codes.add("INVALID_ARGUMENT")
        return verdict

    def _body(self, verb: str, body: bytes) -> Verdict:
        verdict, repeated = Verdict(), []

        def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
            repeated.extend(items if len(dict(items)) < len(items) else [])
            return dict(items)

        try:
            document = json.loads(body.decode("utf-8"), object_pairs_hook=pairs)
        except UnicodeDecodeError:
            return Verdict(set(), {"INVALID_ARGUMENT"}) if _is_json(body) else Verdict({"INVALID_ARGUMENT"})
        except (ValueError, RecursionError):
            return Verdict({"INVALID_ARGUMENT"}, {"OK"} if body.startswith(b"\xef\xbb\xbf") else set())
        if repeated:  # which of two values counts is nobody's rule
            verdict.doubts.add("INVALID_ARGUMENT")
        signature = document.get("signature_name", "") if isinstance(document, dict) else None
        if not isinstance(signature, str):
            return Verdict({"INVALID_ARGUMENT"})
        known = (
            {"signature_name", "instances", "inputs"}
            if verb == ":predict"
            else {"signature_name", "examples", "context"}
        )
        if set(document) - known:  # the stock server does not look at them
            verdict.doubts.add("INVALID_ARGUMENT")
        if verb == ":classify":
            self._classify(document, signature, verdict)
        else:
            self._predict(document, signature or "serving_default", verdict)
        return verdict

    def _predict(self, document: dict[str, Any], signature: str, verdict: Verdict) -> None:
        if signature not in SIGNATURES or ("instances" in document) == ("inputs" in document):
            verdict.codes.add("INVALID_ARGUMENT")
            return
        rules = SIGNATURES[signature]
        try:
            if "instances" in document:
                columns = _columns(document["instances"], rules)
            else:
                columns = document["inputs"]
                # An object is inputs by name, unless it is the one text that only base64 can carry.
                if not isinstance(columns, dict) or (set(columns) == {"b64"} and len(rules) == 1):
                    columns = {next(iter(rules)): columns} if len(rules) == 1 else None
            if not isinstance(columns, dict) or set(columns) != set(rules):
                raise Refused
            tensors = {alias: _tensor(columns[alias], *rules[alias], verdict) for alias in rules}
        except Refused:
            verdict.codes.add("INVALID_ARGUMENT")
            return
        self.contract.judge_values(tensors, verdict)

    def _classify(self, document: dict[str, Any], signature: str, verdict: Verdict) -> None:
        if signature != "classify":  # the others, the default too, take no examples
            verdict.codes.add("INVALID_ARGUMENT")
        examples, context = document.get("examples"), document.get("context", {})
        if not isinstance(examples, list) or not examples or not isinstance(context, dict):
            verdict.codes.add("INVALID_ARGUMENT")
            return
        if len(examples) > self.contract.max_rows:
            verdict.codes.add("INVALID_ARGUMENT")
        for example in examples:
            text = {**context, **example}.get("text") if isinstance(example, dict) else None
            if isinstance(text, list):
                text = text[0] if len(text) == 1 else None
            try:
                if len(_scalar(text, STRING, verdict)) > self.contract.max_text_bytes:
                    raise Refused
            except Refused:
                verdict.codes.add("INVALID_ARGUMENT")
            if isinstance(example, dict):  # further features: of kinds that a tf.Example holds, or not
                verdict.doubts |= {"INVALID_ARGUMENT"} if context or set(example) - {"text"} else set()


def _columns(instances: Any, rules: dict[str, tuple[int, int]]) -> dict[str, list] | None:
    """Turns the row format into the column format."""
    if not isinstance(instances, list) or not instances:
        raise Refused
    named = [isinstance(row, dict) and not (set(row) == {"b64"} and len(rules) == 1) for row in instances]
    if not any(named) and len(rules) == 1:
        return {next(iter(rules)): instances}
    if not all(named) or any(set(row) != set(rules) for row in instances):
        raise Refused
    return {alias: [row[alias] for row in instances] for alias in rules}


def _tensor(value: Any, dtype: int, rank: int, verdict: Verdict) -> Tensor:
    shape, level = [], [value]
    for _ in range(rank):
        if not all(isinstance(part, list) for part in level) or len({len(part) for part in level}) != 1:
            raise Refused
        shape.append(len(level[0]))
        level = [part for parts in level for part in parts]
        if not level:
            verdict.doubts.add("INVALID_ARGUMENT")  # nothing in it says of what type it is
            break
    return Tensor(dtype, tuple(shape), [_scalar(part, dtype, verdict) for part in level])


def _scalar(value: Any, dtype: int, verdict: Verdict) -> Any:
    if dtype == STRING:
        if isinstance(value, str):
            if re.search("[\ud800-\udfff]", value):  # half of a surrogate pair: text to some, none to others
                verdict.doubts.add("INVALID_ARGUMENT")
            return value.encode("utf-8", "surrogatepass")
        if not isinstance(value, dict) or set(value) != {"b64"} or not isinstance(value["b64"], str):
            raise Refused
        text = value["b64"]
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)  # padding may be left out
        except (binascii.Error, ValueError):
            raise Refused from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused
    if dtype == INT and not (isinstance(value, int) and -(2**31) <= value < 2**31):
        raise Refused
    if dtype == FLOAT and isinstance(value, int) and abs(value) > 2**53:
        return math.inf
    return value


def _is_json(body: bytes) -> bool:
    """Whether it is JSON in another encoding, or with bytes in it that are no UTF-8."""
    try:
        json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            return False
    return True
