"""Ends a resumable training run in the middle, as a killed process would."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from fastbert_tf.training.training_state import SaveState


class Killed(BaseException):
    """Ends a run as a kill would: nothing catches it."""


@contextlib.contextmanager
def killed_at(batch: int) -> Iterator[None]:
    """Ends the run inside at that batch, counted over all phases, before anything of it is committed."""
    seen, commit = 0, SaveState.on_train_batch_end

    def end(self: SaveState, *arguments: Any, **options: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == batch:
            raise Killed
        commit(self, *arguments, **options)

    with mock.patch.object(SaveState, "on_train_batch_end", end), contextlib.suppress(Killed):
        yield
        raise AssertionError("the run ended before it was killed")
