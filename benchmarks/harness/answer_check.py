"""Whether answers under load are those that the model gives alone."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from fastbert_serving import Client
from fastbert_serving.tensor_codec import to_array
from harness.open_loop import Outcome
from harness.repeated import Repeated

TOLERANCE = 1e-4
_PATIENCE = 60.0


class RightAnswers:
    """What a model says to texts at given speeds, asked before there is any load.

    Args:
        client: asks the server.
        texts: one a row.
        speeds: one a row.
    """

    def __init__(self, client: Client, texts: Sequence[str], speeds: Sequence[float]) -> None:
        self.texts, self.speeds = list(texts), list(speeds)
        answers = []
        for start in range(0, len(texts), 32):
            part = slice(start, start + 32)
            answers += client.predict(self.texts[part], speed=self.speeds[part], timeout=300)
        self._layers = np.array([answer.exit_layer for answer in answers])
        self._probabilities = np.array([answer.probabilities for answer in answers])

    def is_right(self, row: int, exit_layer: int, probabilities: Sequence[float] | np.ndarray) -> bool:
        """Whether an answer to a row is the right one."""
        return exit_layer == self._layers[row] and np.allclose(
            probabilities, self._probabilities[row], rtol=0, atol=TOLERANCE
        )

    def wrong(self, outcome: Outcome) -> int:
        """Returns how many answers of an open-loop run differ; its requests must be the rows."""
        count = 0
        for index in np.flatnonzero(outcome.answered).tolist():
            outputs = outcome.answer(index).outputs
            layer, probabilities = (to_array(outputs[alias])[0] for alias in ("exit_layer", "probabilities"))
            count += not self.is_right(int(outcome.which[index]), int(layer), probabilities)
        return count


class RestClient(Repeated):
    """Asks row after row on the REST port while its `with` block runs.

    Args:
        rest_address: the server's; empty asks nothing.
        right: the rows and their answers.
        name: the model's name.
        interval: seconds between two questions.
    """

    def __init__(self, rest_address: str, right: RightAnswers, name: str = "fastbert", interval: float = 0.2) -> None:
        super().__init__(interval)
        self.rest_address, self.right, self.name = rest_address, right, name
        self.outcomes: Counter[str] = Counter()
        """`right`, `wrong`, or what went wrong, by count."""
        self._row = -1

    def _once(self) -> bool:
        if not self.rest_address:
            return False
        self._row = (self._row + 1) % len(self.right.texts)
        try:
            self.outcomes[self._ask(self._row)] += 1
        except (OSError, http.client.HTTPException) as error:
            self.outcomes[f"{type(error).__name__}: {error}"] += 1
        return True

    def _ask(self, row: int) -> str:
        instance = {"text": self.right.texts[row], "speed": self.right.speeds[row]}
        body = json.dumps({"signature_name": "with_speed", "instances": [instance]})
        connection = http.client.HTTPConnection(self.rest_address, timeout=_PATIENCE)
        try:
            connection.request("POST", f"/v1/models/{self.name}:predict", body)
            response = connection.getresponse()
            content = response.read()
            if response.status != 200:
                return f"status {response.status}: {content.decode('utf-8', 'replace')[:200]}"
            answer = json.loads(content)["predictions"][0]
            return "right" if self.right.is_right(row, answer["exit_layer"], answer["probabilities"]) else "wrong"
        finally:
            connection.close()


def closed_loop_throughput(client: Client, texts: Sequence[str], speeds: Sequence[float], seconds: float,
                           threads: int = 32) -> float:  # fmt: skip
    """Returns the answers a second when `threads` clients ask one text after the other."""
    until, counts = time.monotonic() + seconds, [0] * threads

    def ask(number: int) -> None:
        row = number
        while time.monotonic() < until:
            row = (row + threads) % len(texts)
            client.predict([texts[row]], speed=[speeds[row]])
            counts[number] += 1

    workers = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / seconds
