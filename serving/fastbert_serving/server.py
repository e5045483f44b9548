"""The embedded server: TensorFlow Serving's services over models in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from fastbert_serving.batching.batch_scheduler import BatchScheduler
from fastbert_serving.batching.batching_parameters import BatchingParameters
from fastbert_serving.call import ModelReference
from fastbert_serving.front import Front, OpenedBackend
from fastbert_serving.front_settings import FrontSettings
from fastbert_serving.local_backend import LocalBackend
from fastbert_serving.model_settings import ModelSettings
from fastbert_serving.models.config_watcher import ConfigWatcher
from fastbert_serving.models.graph_threads import GraphThreads
from fastbert_serving.models.load_servable import load_servable
from fastbert_serving.models.model_config import ModelServerConfig
from fastbert_serving.models.model_store import ModelStore
from fastbert_serving.watch.metrics import Metrics


class Server(Front):
    """Serves exported models, and their new versions as they appear.

    Args:
        models: the model's directory, one numbered subdirectory a version; or settings that name several models.
        name: the model name that requests carry; only with a directory.
        settings: any field of `FrontSettings`.

    Raises:
        ValueError: an argument breaks its rule.
    """

    def __init__(self, models: str | os.PathLike[str] | ModelSettings, name: str = "fastbert", **settings: Any) -> None:
        super().__init__(FrontSettings(**settings))
        self.models = models if isinstance(models, ModelSettings) else ModelSettings(models, name)

    def _open(self, metrics: Metrics) -> OpenedBackend:
        models = self.models
        config, parameters = models.model_config(), models.batching_parameters()
        with ExitStack() as opening:  # closes what is open where a later part fails
            threads = GraphThreads((parameters or BatchingParameters()).num_batch_threads)
            opening.callback(threads.close)
            store = self._start_store(config, threads)
            opening.callback(store.close)
            scheduler = BatchScheduler(parameters, [metrics.batch_ran])
            opening.callback(scheduler.close)
            backend = LocalBackend(store, scheduler)
            closers: list[Callable[[float], None]] = [  # in this order
                lambda _: threads.refuse_warm_up(),
                backend.close,
                lambda _: threads.close(),
            ]
            if models.model_config_file and models.model_config_file_poll_wait_seconds:
                watcher = ConfigWatcher(
                    models.model_config_file, config, store.reload, models.model_config_file_poll_wait_seconds
                ).start()
                closers.insert(0, lambda _: watcher.close())
            opening.pop_all()
        self._backend = backend
        return OpenedBackend(backend, lambda: scheduler.queued_rows, closers)

    def _start_store(self, config: ModelServerConfig, threads: GraphThreads) -> ModelStore:
        models = self.models
        return ModelStore(
            config,
            poll_seconds=models.file_system_poll_wait_seconds,
            max_load_retries=models.max_num_load_retries,
            load_retry_seconds=models.load_retry_interval_micros / 1e6,
            allow_version_labels_for_unavailable_models=models.allow_version_labels_for_unavailable_models,
            load=partial(
                load_servable,
                intra_op_threads=models.tensorflow_intra_op_parallelism,
                inter_op_threads=models.tensorflow_inter_op_parallelism,
                threads=threads,
            ),
        ).start()

    def _ready_line(self) -> str:
        served = (self._backend.describe(ModelReference(name)) for name in self._backend.names())
        return "model " + ", ".join(f"{one.name} version {one.version}" for one in served)
