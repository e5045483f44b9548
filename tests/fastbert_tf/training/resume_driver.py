"""Kills a training run at random moments; `test_resume.py` runs this in a process of its own.

usage: resume_driver.py FOLDER KILLS SEED MODE

TensorFlow is imported once and never used in this process: each life of the run is a fork of it, so a life costs no
import. MODE `graph` trains as usual; MODE `eager` runs the very same code without tracing, which is what a short life
spends nearly all of its time on. Prints one line of JSON: where the run was killed (committed steps), its last
position, temporary files left over, and digests of the final weights of the undisturbed and of the killed run.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from fastbert_tokenizers import WordPieceTokenizer

from fastbert_tf.config import StageConfig, TrainingConfig
from fastbert_tf.data import BatchPipeline, TextDataset, make_sample_task
from fastbert_tf.models import Backbone, FastBert
from fastbert_tf.training import AlternatingSchedule

CONFIG = TrainingConfig(
    fine_tuning=StageConfig(epochs=2, learning_rate=1e-3),
    distillation=StageConfig(epochs=1, learning_rate=1e-3),
    rounds=2,
    batch_size=8,
    seed=5,
    save_every=2,
)
EPOCH_STEPS = 8
STEPS = 2 * (2 + 1) * EPOCH_STEPS
LONGEST_WAIT = 300  # seconds of one life


def train(folder: Path, mode: str) -> None:
    """One life of the run: dropout on, rows of any length, two rounds, unlabelled rows in stage 2."""
    tf.config.experimental.enable_op_determinism()
    tf.config.run_functions_eagerly(mode == "eager")
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
    AlternatingSchedule(CONFIG, folder / "state", verbose=0).run(model, *pipelines)
    digest = hashlib.sha256(b"".join(np.asarray(variable).tobytes() for variable in model.variables))
    (folder / "digest").write_text(digest.hexdigest())


def start_life(folder: Path, mode: str) -> int:
    """Returns the process id of a fork that trains."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        train(folder, mode)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def finish(folder: Path, mode: str) -> str:
    """Lets a life run to its end; returns the digest of the final weights."""
    _, status = os.waitpid(start_life(folder, mode), 0)
    if status:
        raise SystemExit(f"training failed with status {status}")
    return (folder / "digest").read_text()


def committed(folder: Path) -> int:
    """Returns how many steps of the whole run are committed; -1 before the first commit."""
    try:
        with np.load(folder / "state" / "state.npz") as file:
            position = json.loads(str(file["position"]))
    except FileNotFoundError:
        return -1
    rounds, stage = divmod(position["phase"], 2)
    epochs = rounds * 3 + stage * 2 + position["epoch"]
    return epochs * EPOCH_STEPS + position["step"]


def kill_after(folder: Path, mode: str, target: int, delay: float) -> int:
    """Lets a life commit `target` steps and live `delay` seconds more, then kills it; returns where it was."""
    child = start_life(folder, mode)
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
    for name in ("state.tmp", "best-0-0.tmp"):
        (folder / "state" / name).write_bytes(whole[: len(whole) // 2])


def main(folder: Path, kills: int, seed: int, mode: str) -> None:
    rng = np.random.default_rng(seed)
    start = time.monotonic()
    undisturbed = finish(folder / "undisturbed", mode)
    step_seconds = (time.monotonic() - start) / STEPS
    killed_at = []
    for target in np.sort(rng.choice(np.arange(-1, STEPS - 8), kills, replace=False)):
        killed_at.append(kill_after(folder / "killed", mode, int(target), rng.uniform(0, 3 * step_seconds)))
        if killed_at[-1] >= 0 and rng.random() < 0.25:
            leave_half_a_file(folder / "killed")
    killed = finish(folder / "killed", mode)
    report = {"killed_at": killed_at, "steps": committed(folder / "killed")}
    report["leftovers"] = sorted(path.name for path in (folder / "killed" / "state").glob("*.tmp"))
    print(json.dumps({**report, "undisturbed": undisturbed, "killed": killed}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
