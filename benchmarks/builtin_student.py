"""What pretraining is worth to a student, and the package data that ships it.

    python benchmarks/builtin_student.py --run runs/student                 # fine-tunes and prints
    python benchmarks/builtin_student.py --run runs/student --store         # also writes fastbert_tf/builtin

`--run` is the folder of a finished `fastbert distill_student`. The student is stored as float16 first, and what is
measured is what was stored. It and a student of the same shape from random weights are fine-tuned on the same rows of
SST-2, for the same epochs, with every learning rate; rows held out of the training rows choose the rate of each, and
dev is reported for it over the seeds. No branches: the last classifier alone is trained. A run that was stopped goes on
with the same command; finished fine-tunings are read from `--work`. Of a `distill_student` that is still running, the
best epoch so far is taken, with `--vocabulary` as it was given there.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
from absl import app, flags
from harness.model_card import Score, model_card

from fastbert_tf.checkpoints import BUILTIN_FOLDER, ImportedBackbone, import_backbone, save_backbone
from fastbert_tf.config import BackboneConfig, StageConfig, TrainingConfig, WordDistillationConfig
from fastbert_tf.data import BatchPipeline, Task, TextDataset, load_task
from fastbert_tf.files import file_swap
from fastbert_tf.models import Backbone, FastBert
from fastbert_tf.recipes.digest import weights_digest
from fastbert_tf.recipes.distill_student import build_student
from fastbert_tf.training import AlternatingSchedule, TrainingState
from fastbert_tf.training.fine_tuning import FineTuning
from fastbert_tf.training.training_state import Position
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

_RUN = flags.DEFINE_string("run", None, "folder of a `fastbert distill_student`", required=True)
_VOCABULARY = flags.DEFINE_string("vocabulary", None, "the student's vocabulary, for a run that is not finished")
_WORK = flags.DEFINE_string("work", "runs/builtin_student", "where results are kept")
_TASK = flags.DEFINE_string("task", "sst2", "the task")
_RATES = flags.DEFINE_multi_float("learning_rate", [1e-4, 3e-4, 1e-3], "highest learning rates to choose from")
_EPOCHS = flags.DEFINE_integer("epochs", 2, "epochs of fine-tuning", lower_bound=1)
_ROWS = flags.DEFINE_integer("rows", None, "training rows to take; none: all", lower_bound=100)
_HELD_OUT = flags.DEFINE_integer("held_out", 3000, "training rows that choose the learning rate", lower_bound=1)
_SEEDS = flags.DEFINE_integer("seeds", 3, "fine-tunings of the chosen rate", lower_bound=1)
_DROPOUT = flags.DEFINE_float("dropout", 0.1, "of the stored student, in fine-tuning", lower_bound=0.0)
_STORE = flags.DEFINE_bool("store", False, "whether to write the package data and its card")
_NOTE = flags.DEFINE_string("note", "", "first sentence of the card's limits, such as that the weights are preliminary")

STARTS = ("pretrained", "random")
CARD_FACTS = Path(__file__).resolve().parents[1] / "docs" / "results" / "builtin_student.json"
"""All that the card says comes from here."""
BRANCH_DIM, BRANCH_HEADS = 64, 2


def stored_student(folder: Path, card: str | None = None) -> ImportedBackbone:
    """Stores the run's student as it ships, and returns what comes back from there."""
    trained, vocabulary, lower_case = finished() if is_finished() else unfinished()
    backbone = Backbone(**replace(trained.config, dropout=_DROPOUT.value).to_dict())
    backbone.set_weights(trained.get_weights())
    save_backbone(backbone, vocabulary, lower_case, folder, "float16", card)
    return import_backbone(folder)


def is_finished() -> bool:
    return (Path(_RUN.value) / "student").is_dir()


def finished() -> tuple[Backbone, Vocabulary, bool]:
    imported = import_backbone(Path(_RUN.value) / "student")
    assert imported.vocabulary is not None
    return imported.backbone, imported.vocabulary, imported.lower_case


def unfinished() -> tuple[Backbone, Vocabulary, bool]:
    """Returns the best epoch so far of a run that goes on."""
    if _VOCABULARY.value is None:
        raise app.UsageError("name the --vocabulary of the run, which is not finished")
    vocabulary, run = Vocabulary.load(_VOCABULARY.value), facts()
    config = WordDistillationConfig.from_dict(run["distillation"])
    student = build_student(BackboneConfig.from_dict(run["teacher"]["config"]), len(vocabulary), config)
    state, position = state_of(config)
    state.restore_best(position, student)
    return student.backbone, vocabulary, True


def state_of(config: WordDistillationConfig) -> tuple[TrainingState, Position]:
    folder = Path(_WORK.value) / "state"  # a copy: the run must not lose what it is just writing
    shutil.copytree(Path(_RUN.value) / "state", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    state = TrainingState(folder, {**config.decisive(), "steps_per_epoch": [config.epoch_steps]})
    position = state.position()
    if position is None or position.best_epoch is None:
        raise app.UsageError(f"{_RUN.value} has not finished an epoch; wait for it")
    return state, position


def fine_tuned(
    student: ImportedBackbone, start: str, rate: float, seed: int, parts: dict[str, TextDataset], work: Path
) -> dict[str, float]:
    """Returns the accuracy on the held-out rows and on dev after fine-tuning, from the work folder if it is there."""
    path = work / f"{start}_{rate:g}_{seed}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    keras.utils.set_random_seed(seed)
    backbone = Backbone(**student.backbone.config.to_dict())
    if start == "pretrained":
        backbone.set_weights(student.backbone.get_weights())
    model = FastBert(backbone, len(parts["train"].label_names), BRANCH_DIM, BRANCH_HEADS)
    assert student.vocabulary is not None
    tokenizer = WordPieceTokenizer(student.vocabulary, student.lower_case)
    pipelines = {name: BatchPipeline(part, tokenizer) for name, part in parts.items()}
    config = TrainingConfig(StageConfig(_EPOCHS.value, rate), StageConfig(0, rate), seed=seed)
    schedule = AlternatingSchedule(config, path.with_suffix(".state"), verbose=2)
    schedule.run(model, pipelines["train"], pipelines["held_out"])
    stage = FineTuning(model)
    stage.compile(metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")], jit_compile=False)
    result = {
        name: stage.evaluate(pipelines[name].ordered(), verbose=0, return_dict=True)["accuracy"]
        for name in ("held_out", "dev")
    }
    with file_swap(path) as partial:
        partial.write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(f"{start}, learning rate {rate:g}, seed {seed}: held out {result['held_out']:.4f}", flush=True)
    return result


def measured(student: ImportedBackbone, task: Task) -> list[Score]:
    """Tunes and scores both starts."""
    train, held_out = task.train.split(_HELD_OUT.value, 0)
    if _ROWS.value is not None:
        _, train = train.split(_ROWS.value, 1)
    parts = {"train": train, "held_out": held_out, "dev": task.dev}
    settings = f"{weights_digest(student.backbone)}_{task.name}_{len(train)}_{_EPOCHS.value}_{_DROPOUT.value:g}"
    work = Path(_WORK.value) / settings
    work.mkdir(parents=True, exist_ok=True)
    scores = []
    for start in STARTS:
        tuned = {rate: fine_tuned(student, start, rate, 0, parts, work)["held_out"] for rate in _RATES.value}
        best = max(tuned, key=tuned.__getitem__)
        found = [fine_tuned(student, start, best, seed, parts, work)["dev"] for seed in range(_SEEDS.value)]
        scores.append(Score(start, task.name, len(train), _EPOCHS.value, best, tuned, found))
        print(scores[-1].line(), flush=True)
    return scores


def facts() -> dict[str, Any]:
    """What the run says about itself."""
    run = Path(_RUN.value)
    settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
    if is_finished():
        return {**settings, "history": json.loads((run / "history.json").read_text(encoding="utf-8"))}
    _, position = state_of(WordDistillationConfig.from_dict(settings["distillation"]))
    return {**settings, "history": list(position.history)}


def main(_: list[str]) -> None:
    if not is_finished() and _VOCABULARY.value is None:
        raise app.UsageError(f"{_RUN.value} holds no finished student; let it finish, or give --vocabulary")
    work = Path(_WORK.value)
    work.mkdir(parents=True, exist_ok=True)
    student, found = stored_student(work / "stored"), facts()
    scores = measured(student, load_task(_TASK.value))
    gain = scores[0].mean - scores[1].mean
    print(f"pretraining is worth {100 * gain:.1f} points of accuracy")
    if _STORE.value:
        if not math.isfinite(gain) or gain <= 0:
            raise app.UsageError("a student that is no better than random weights is not worth shipping")
        stored_student(BUILTIN_FOLDER, model_card(student, found, scores, _NOTE.value))
        kept = {"facts": found, "scores": [asdict(score) for score in scores], "note": _NOTE.value}
        CARD_FACTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        size = sum(path.stat().st_size for path in BUILTIN_FOLDER.iterdir())
        print(f"written to {BUILTIN_FOLDER}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    app.run(main)
