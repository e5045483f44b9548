"""Lives of a program that a test kills: forks of a process that has imported TensorFlow and not used it yet."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable


def start_life(work: Callable[[], None]) -> int:
    """Returns the process id of a fork that does the work; it costs no import. Its status is 0 where nothing failed."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
