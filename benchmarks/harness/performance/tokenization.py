"""Our tokenizer in a graph against Hugging Face's `tokenizers`, each in one thread."""

from __future__ import annotations

from typing import Any

from harness.peers.processes import EngineSettings
from harness.peers.workload import repeated
from harness.performance.names import TASKS
from harness.performance.settings import Settings
from harness.performance.subject import trained
from harness.performance.timing import running

BATCH_SIZES = (1, 32, 1000)
ENGINES = ("graph_tokenizer", "empty_graph", "hugging_face_tokenizer", "hugging_face_encode")
ROWS = 1000
MORE_TURNS = 2


def measure(settings: Settings) -> dict[str, Any]:
    """Times all on every task's texts, at every batch size; a data set with fewer texts gives its first ones again.

    Returns:
        `rows`: a list of results: `task`, `batch_size`, `engine`, milliseconds a row.
    """
    results: list[dict[str, Any]] = []
    for task in (task for task in TASKS["tokenization"] if task in settings.classifiers):
        subject = trained(task, settings)
        rows = subject.store(repeated(subject.reported_rows(ROWS).workload, ROWS), "texts")
        source = str(subject.directory)
        workers = {name: EngineSettings(name, source, "", threads=1) for name in ENGINES}
        with running(workers, settings.work / "logs" / "tokenization") as engines:
            for size in BATCH_SIZES:
                jobs = dict.fromkeys(engines, rows.short_job(size, from_texts=True))
                results += [
                    {"task": task, "batch_size": size, "engine": name, **summary}
                    for name, summary in rows.take_turns(engines, jobs, MORE_TURNS * settings.turns).items()
                ]
    return {"rows": results}
