"""Malformed requests against a server: no crash, no hang, no growth, and the right status for each.

    python benchmarks/fuzz.py --export DIR                          20,000 requests; about 5 minutes
    python benchmarks/fuzz.py --export DIR --seed 7 --only 1234     one of them, with the server's words

DIR holds a model of single texts (not pairs), such as the small one of `fastbert demo`. Case i of a seed is always the
same. What is right is decided by rules that are written apart from the server: harness/fuzz_contract.py and
harness/fuzz_rest_contract.py.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from absl import app, flags
from harness.fuzz_run import FuzzRun
from harness.fuzzing import contract_of, flags_of, fuzz
from harness.serving_process import start_server

_EXPORT = flags.DEFINE_string("export", None, "the model's directory", required=True)
_REQUESTS = flags.DEFINE_integer("requests", 20_000, "how many", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "of the cases", lower_bound=0)
_ONLY = flags.DEFINE_integer("only", None, "number of the one case to send")
_LOG = flags.DEFINE_string("log", None, "file to keep what the server printed")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures")


def show(export: Path, index: int, log: Path) -> None:
    """Sends one case and prints it."""
    with start_server(export, log, flags=flags_of(export)) as server:
        run = FuzzRun(server.address, server.rest_address, contract_of(export), _SEED.value)
        case = run.case(index)
        print(case)
        run.send(index, case)
        print(*run.outcomes, *run.failures, sep="\n")
        run.close()


def main(_: list[str]) -> None:
    export = Path(_EXPORT.value)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(_LOG.value or f"{folder}/server.log")
        if _ONLY.value is not None:
            show(export, _ONLY.value, log)
            return
        found = fuzz(export, _REQUESTS.value, _SEED.value, log)
    if _OUTPUT.value:
        Path(_OUTPUT.value).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for failure in found["failures"][:50]:
        print(failure)
    print(json.dumps({name: value for name, value in found.items() if name not in ("kinds", "failures")}, indent=1))
    sys.exit(1 if found["problems"] else 0)


if __name__ == "__main__":
    app.run(main)
