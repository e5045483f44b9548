"""Our tokenizer in a graph against Hugging Face's `tokenizers`, both in one thread."""

from __future__ import annotations

from typing import Any

from fastbert_tf.data import load_task
from harness.peers.job import Job, rows_of, single_calls
from harness.peers.processes import EngineSettings, take_turns
from harness.peers.workload import thinned
from harness.performance.settings import Settings
from harness.performance.subject import reported, trained, workload
from harness.performance.timing import per_row, running

TASKS = ("sst2", "ag_news", "book_review")
BATCH_SIZES = (1, 32, 256)
TOKENIZERS = ("graph_tokenizer", "hugging_face_tokenizer")


def measure(settings: Settings) -> dict[str, Any]:
    """Times both on every task's texts, at every batch size.

    Returns:
        `rows`: a list of results: `task`, `batch_size`, `engine`, milliseconds a row.
    """
    results: list[dict[str, Any]] = []
    for task in (task for task in TASKS if task in settings.classifiers):
        subject = trained(task, settings.classifiers[task], settings.work, settings.threads)
        rows = thinned(workload(reported(load_task(task)), subject.classifier.tokenizer), settings.rows)
        path = settings.work / "workloads" / f"{task}.json"
        rows.save(path)
        workers = {name: EngineSettings(name, str(subject.directory), "", threads=1) for name in TOKENIZERS}
        with running(workers, settings.work / "logs" / "tokenization") as engines:
            for batch_size in BATCH_SIZES:
                job = single_calls(Job(str(path), batch_size, from_texts=True), len(rows.texts))
                seconds = take_turns(engines, dict.fromkeys(engines, job), 4 * settings.turns)
                results += [
                    {
                        "task": task,
                        "batch_size": batch_size,
                        "engine": name,
                        **per_row(times, rows_of(job, len(rows.texts))),
                    }
                    for name, times in seconds.items()
                ]
    return {"rows": results}
