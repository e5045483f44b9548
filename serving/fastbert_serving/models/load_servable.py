"""From a version directory to a version that answers."""

from __future__ import annotations

from pathlib import Path

from fastbert_serving.models.graph_threads import GraphThreads
from fastbert_serving.models.servable import Servable
from fastbert_serving.models.warmup import warm_up


def load_servable(
    directory: Path, intra_op_threads: int = 1, inter_op_threads: int = -1, threads: GraphThreads | None = None
) -> Servable:
    """Loads a version and warms it up.

    Args:
        directory: the version directory, named by its number.
        intra_op_threads: as `Servable`.
        inter_op_threads: as `Servable`.
        threads: as `Servable`.

    Raises:
        ModelError: it cannot be loaded, or a warm-up request fails.
        ManifestError: its manifest is broken.
        ServerUnavailable: the server is stopping.
    """
    servable = Servable(directory, intra_op_threads, inter_op_threads, threads)
    try:
        warm_up(servable)
    except BaseException:
        servable.close()
        raise
    return servable
