"""A server in a process of its own: how it is started, watched and ended."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

HOST = "127.0.0.1"
START_SECONDS = 300
END_SECONDS = 60
SERVE = (sys.executable, "-m", "fastbert_tf.cli.main", "serve")
_READY = re.compile(r"ready on (\S+:\d+)")


class ServingProcess:
    """A command that prints `... ready on HOST:PORT` and then serves until SIGTERM.

    Args:
        command: the command and its arguments.
        log: file for all that it prints.
        core: processor to keep it on; None leaves it to the system.
        rest_address: where its REST port listens; empty without one.

    Raises:
        RuntimeError: it ended, or said nothing for too long, before it was ready.
    """

    def __init__(
        self, command: Sequence[str], log: str | os.PathLike[str], core: int | None = None, rest_address: str = ""
    ) -> None:
        self.log = Path(log)
        self.rest_address = rest_address
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            if core is not None:
                os.sched_setaffinity(self.process.pid, {core})  # long before it starts threads, which inherit it
            self.address = self._wait()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def memory_bytes(self) -> int:
        """Returns its resident memory."""
        return _status(self.pid, "VmRSS") * 1024

    def threads(self) -> int:
        """Returns how many threads it has."""
        return _status(self.pid, "Threads")

    def open_files(self) -> int:
        """Returns how many files and sockets it holds open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def processor_seconds(self) -> float:
        """Returns the processor time that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # user and system

    def close(self) -> int:
        """Sends SIGTERM and waits.

        Returns:
            The exit code; a server that had to be killed has -9.
        """
        if self.is_alive:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def __enter__(self) -> ServingProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self) -> str:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            alive = self.is_alive
            said = self.log.read_text(encoding="utf-8", errors="replace")
            if found := _READY.search(said):
                return found[1]
            if not alive:
                last = " ".join(said.strip().splitlines()[-1:])
                raise RuntimeError(f"the server ended with code {self.process.returncode}: {last}; see {self.log}")
            time.sleep(0.05)
        raise RuntimeError(f"the server was not ready after {START_SECONDS} s; see {self.log}")


def start_server(
    base_path: str | os.PathLike[str],
    log: str | os.PathLike[str],
    core: int | None = None,
    flags: Mapping[str, object] | None = None,
    name: str = "fastbert",
) -> ServingProcess:
    """Starts `fastbert serve` with both ports on free ports of this machine.

    Args:
        base_path: the model's directory.
        log: file for all that it prints.
        core: processor to keep it on.
        flags: further flags; True is a flag without a value.
        name: the model's name.
    """
    rest_port = free_port()
    given = {"model_name": name, "model_base_path": os.path.abspath(base_path), "port": 0, "rest_api_port": rest_port}
    command = list(SERVE)
    for flag, value in {**given, **(flags or {})}.items():
        command.append(f"--{flag}" if value is True else f"--{flag}={value}")
    return ServingProcess(command, log, core, f"{HOST}:{rest_port}")


def free_port() -> int:
    """Returns a TCP port that was free a moment ago."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]


def cores() -> tuple[int | None, int | None]:
    """Returns a processor for the server and another for its clients; two None on a machine with one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def _status(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/{pid}/status has no {field}")
