"""Kills a training run at random moments; `test_resume.py` runs this in a process of its own.

usage: resume_driver.py FOLDER KILLS SEED

TensorFlow is imported once and never used in this process: each life of the run is a fork of it, so a life costs no
import. Lives train eagerly: tracing would take nearly all of a short life. `test_killed_training.py` kills compiled
training. Prints one line of JSON: the committed step at which each kill fell, the last one, the temporary files
left over, and what came out of an undisturbed run and of the killed one: digests of the model (best epochs kept) and of
the last committed state (last epoch, optimizer, random state), and the held-out loss after every epoch.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from forked_lives import start_life

from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import BatchPipeline, TextDataset, make_sample_task
from fastbert_tf.models import Backbone, FastBert
from fastbert_tf.training import AlternatingSchedule
from fastbert_tokenizers import WordPieceTokenizer

CONFIG = TrainingConfig(
    fine_tuning=StageConfig(epochs=2, learning_rate=1e-3),
    distillation=StageConfig(epochs=1, learning_rate=1e-3),
    batch_size=8,
    rounds=2,
    seed=5,
    save_every=2,
)
EPOCH_STEPS = 10
ROUND_STEPS = (2 + 1) * EPOCH_STEPS
LONGEST_DELAY = 0.3  # seconds: some steps, a commit, the change to the next epoch
LONGEST_WAIT = 300  # seconds


def train(folder: Path) -> None:
    """One life of the run: dropout on, rows of any length, unlabelled rows in stage 2."""
    tf.config.experimental.enable_op_determinism()
    tf.config.run_functions_eagerly(True)
    keras.utils.set_random_seed(CONFIG.seed)
    rows = EPOCH_STEPS * CONFIG.batch_size
    task = make_sample_task(train=rows, dev=20, test=rows)
    tokenizer = WordPieceTokenizer(task.vocabulary, max_sequence_length=32)
    backbone = Backbone(
        vocabulary_size=len(task.vocabulary), num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=16, dropout=0.1
    )
    model = FastBert(backbone, num_classes=2, branch_dim=4, branch_heads=2)
    parts = (task.train, task.dev, TextDataset(task.test.texts))
    pipelines = [BatchPipeline(part, tokenizer, CONFIG.batch_size) for part in parts]
    history = AlternatingSchedule(CONFIG, folder / "state", verbose=0).run(model, *pipelines)
    with np.load(folder / "state" / "state.npz") as file:
        state = [file[name] for name in sorted(file.files) if name.startswith(("variable", "optimizer"))]
    outcome = {
        "model": digest(model.variables),
        "state": digest(state),
        "val_losses": [entry["val_loss"] for entry in history],
    }
    (folder / "outcome").write_text(json.dumps(outcome))


def digest(arrays: Iterable[Any]) -> str:
    return hashlib.sha256(b"".join(np.asarray(array).tobytes() for array in arrays)).hexdigest()


def outcome_of(folder: Path, child: int) -> dict[str, Any]:
    """Lets a life run to its end; returns what came out."""
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"training failed with status {status}")
    return json.loads((folder / "outcome").read_text())


def committed(folder: Path) -> int:
    """Returns how many steps of the whole run are committed; -1 before the first commit."""
    path = folder / "state" / "state.npz"
    try:
        found = path.stat()
        return committed_steps(path, found.st_ino, found.st_mtime_ns)
    except FileNotFoundError:
        return -1


@functools.lru_cache(maxsize=1)
def committed_steps(path: Path, *identity: int) -> int:
    """Reads the file when it is another one: a look costs milliseconds, which the life would lack."""
    with np.load(path) as file:
        position = json.loads(str(file["position"]))
    rounds, stage = divmod(position["phase"], 2)
    return rounds * ROUND_STEPS + (2 * stage + position["epoch"]) * EPOCH_STEPS + position["step"]


def kill_after(folder: Path, target: int, delay: float) -> int:
    """Lets a life commit `target` steps and live `delay` seconds more, then kills it; returns what it committed."""
    child = start_life(lambda: train(folder))
    deadline = time.monotonic() + LONGEST_WAIT
    while committed(folder) < target:
        time.sleep(0.01)
        if time.monotonic() > deadline or os.waitpid(child, os.WNOHANG) != (0, 0):
            raise SystemExit(f"step {target} was never committed; the run stands at {committed(folder)}")
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit(f"the run ended before it was killed at step {target}")
    return committed(folder)


def leave_half_a_file(folder: Path) -> None:
    """What a kill in the middle of a write leaves behind, for certain."""
    whole = (folder / "state" / "state.npz").read_bytes()
    for name in (".state.npz.1.partial", ".best-0-0.npz.2.partial"):
        (folder / "state" / name).write_bytes(whole[: len(whole) // 2])


def main(folder: Path, kills: int, seed: int) -> None:
    undisturbed, disturbed = folder / "undisturbed", folder / "disturbed"
    for run in (undisturbed, disturbed):
        run.mkdir()
    reference = start_life(lambda: train(undisturbed))
    rng = np.random.default_rng(seed)
    killed_at = []
    # The last epoch is spared: no life may end before it is killed.
    for target in np.sort(rng.choice(CONFIG.rounds * ROUND_STEPS - EPOCH_STEPS, kills, replace=False)):
        killed_at.append(kill_after(disturbed, int(target), rng.uniform(0, LONGEST_DELAY)))
        if rng.random() < 0.25:
            leave_half_a_file(disturbed)
    report = {
        "killed_at": killed_at,
        "outcome": outcome_of(disturbed, start_life(lambda: train(disturbed))),
        "undisturbed_outcome": outcome_of(undisturbed, reference),
        "steps": committed(disturbed),
        "leftovers": sorted(path.name for path in (disturbed / "state").glob(".*.partial")),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
