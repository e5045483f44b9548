"""What int8 costs in accuracy, and the size of what is exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fastbert_tf.data import load_task
from harness.peers.job import Job
from harness.performance.ours import PACKED, PADDED
from harness.performance.settings import Settings
from harness.performance.subject import reported, trained, workload
from harness.performance.timing import running

TASKS = ("sst2", "mrpc", "ag_news")
SPEEDS = (0.0, 0.2, 0.5)


def measure(settings: Settings) -> dict[str, Any]:
    """Answers all reported rows with every stack of ours at some speeds, and with ONNX Runtime's int8 at full depth.

    Returns:
        `rows`: a list of results: `task`, `engine`, `speed`, `accuracy`, `mean_exit_layer`; `megabytes` by engine, of
        the version directory of SST-2's classifier.
    """
    results: list[dict[str, Any]] = []
    megabytes: dict[str, float] = {}
    for task in (task for task in TASKS if task in settings.classifiers):
        subject = trained(task, settings.classifiers[task], settings.work, settings.threads)
        rows = workload(reported(load_task(task)), subject.classifier.tokenizer)
        path = settings.work / "workloads" / f"{task}_all.json"
        rows.save(path)
        ours = {stack: subject.ours(stack, adaptive=True) for stack in (PADDED, *PACKED)}
        megabytes = megabytes or {name: _megabytes(Path(engine.source)) for name, engine in ours.items()}
        with running(
            {**ours, "onnxruntime int8": subject.peer("onnxruntime", "int8")}, settings.work / "logs"
        ) as workers:
            for name, worker in workers.items():
                for speed in SPEEDS if name in ours else (None,):
                    said = worker.answers(Job(str(path), 32, speed=speed), settings.work / "answers.npz")
                    right = said["probabilities"].argmax(-1) == np.array(rows.labels)
                    layer = said.get("exit_layer", np.array(subject.num_layers)).mean()
                    results.append(
                        {
                            "task": task,
                            "engine": name,
                            "speed": speed or 0.0,
                            "accuracy": float(right.mean()),
                            "mean_exit_layer": float(layer),
                        }
                    )
    return {"rows": results, "megabytes": megabytes}


def _megabytes(directory: Path) -> float:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6
