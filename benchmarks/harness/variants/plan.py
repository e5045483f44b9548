"""The jobs of the comparison, the most telling first."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import keras

from fastbert_tf.config import VARIANTS
from harness.variants.corpora import Corpora
from harness.variants.fine_tuning import fine_tune
from harness.variants.pretraining import held_out_loss, pretrain, tune, warm_up_head
from harness.variants.settings import STARTS, Settings
from harness.variants.store import Job, Store

HEAD = "head"


def jobs(settings: Settings, corpora: Corpora, store: Store) -> Iterator[Job]:
    """Yields the learning rate's runs, the teacher's head, all variants seed by seed, then fine-tuning seed by seed."""
    for rate in settings.rates:
        yield _job(f"tuning-{rate:g}", tune, settings, corpora, rate)
    rate = chosen_rate(store.all("tuning-"))
    yield _job(HEAD, warm_up_head, settings, corpora)
    for seed in settings.seeds:
        for variant in VARIANTS:
            yield _job(f"pretraining-{seed}-{variant}", pretrain, settings, corpora, variant, seed, rate)
    for seed in settings.seeds:
        for task in settings.tasks:
            for start in STARTS:
                yield _fine_tuning_job(settings, store, task, start, seed)


def chosen_rate(tuning: list[dict[str, Any]]) -> float:
    """Returns the learning rate whose run ends with the lowest held-out loss."""
    return min(tuning, key=held_out_loss)["learning_rate"]


def _fine_tuning_job(settings: Settings, store: Store, task: str, start: str, seed: int) -> Job:
    """The first seed chooses the learning rate of a start and a task, the others take it."""
    first = f"fine_tuning-{task}-{start}-{settings.seeds[0]}"
    rates = settings.task_rates if seed == settings.seeds[0] else (store.read(first)["learning_rate"],)
    return _job(f"fine_tuning-{task}-{start}-{seed}", fine_tune, settings, task, start, seed, rates)


def _job(name: str, make: Any, *arguments: Any) -> Job:
    def run() -> dict[str, Any]:
        keras.backend.clear_session()
        gc.collect()
        return make(*arguments)

    return Job(name, run)
