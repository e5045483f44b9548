"""Which models the embedded server holds, and how it runs them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from fastbert_serving.batching.batching_parameters import BatchingParameters
from fastbert_serving.models.model_config import read_model_config, single_model_config


@dataclass(frozen=True)
class ModelSettings:
    """The flags of `tensorflow_model_server` that concern models; fields are named as they are.

    Raises:
        ValueError: a field breaks its rule.
    """

    model_base_path: str | os.PathLike[str] | None = None
    """Directory of the one model, one numbered subdirectory a version."""
    model_name: str = "fastbert"
    """Its name."""
    model_config_file: str | None = None
    """Or a text-proto of several models."""
    model_config_file_poll_wait_seconds: float = 0
    """Seconds between two looks at that file; 0 looks once."""
    file_system_poll_wait_seconds: float = 1
    """Seconds between two looks for new versions; 0 looks once."""
    max_num_load_retries: int = 5
    """Attempts to load a version after the first that failed."""
    load_retry_interval_micros: int = 60_000_000
    """Time between two attempts, in microseconds."""
    allow_version_labels_for_unavailable_models: bool = False
    """Whether a new label may be given to a version that is not available."""
    enable_batching: bool = False
    """Whether requests share batches."""
    batching_parameters_file: str | None = None
    """Text-proto that says how; None for TensorFlow Serving's defaults."""
    tensorflow_intra_op_parallelism: int = 1
    """Threads within an operation of a graph; 0 for one a processor."""
    tensorflow_inter_op_parallelism: int = -1
    """Operations of a graph at the same time; 0 for one a processor, -1 for the calling thread alone."""

    def __post_init__(self) -> None:
        if (self.model_base_path is None) == (self.model_config_file is None):
            raise ValueError("name a model_base_path or a model_config_file, exactly one of them")
        if self.batching_parameters_file is not None and not self.enable_batching:
            raise ValueError("batching_parameters_file needs enable_batching; add it")
        for name, lowest in (("tensorflow_intra_op_parallelism", 0), ("tensorflow_inter_op_parallelism", -1)):
            if getattr(self, name) < lowest:
                raise ValueError(f"{name} must be at least {lowest}, but is {getattr(self, name)}")

    def model_config(self) -> ModelServerConfig:
        """Returns the models.

        Raises:
            ValueError: the config file cannot be read, or breaks a rule.
        """
        if self.model_config_file is not None:
            return read_model_config(self.model_config_file)
        return single_model_config(self.model_name, self.model_base_path or "")

    def batching_parameters(self) -> BatchingParameters | None:
        """Returns how requests share batches; None where they do not.

        Raises:
            ValueError: the file cannot be read, or breaks a rule.
        """
        if not self.enable_batching:
            return None
        path = self.batching_parameters_file
        return BatchingParameters() if path is None else BatchingParameters.read(path)
