"""A full disk and a read-only folder, also for root."""

import contextlib
import os
import resource

import pytest

NOBODY = 65534


@pytest.fixture
def file_size_limit():
    """`with file_size_limit(size):` lets writes beyond `size` bytes fail."""
    return _file_size_limit


@pytest.fixture
def unprivileged():
    """`with unprivileged(folder):` gives up the rights of root."""
    return _unprivileged


@contextlib.contextmanager
def _file_size_limit(size):
    """Lets writes beyond `size` bytes fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def _unprivileged(folder):
    """Gives up the rights of root, which may write everywhere; `folder` stays reachable."""
    if os.geteuid() != 0:
        yield
        return
    modes = {parent: parent.stat().st_mode for parent in folder.parents if parent.stat().st_mode & 0o011 != 0o011}
    for parent, mode in modes.items():
        parent.chmod(mode | 0o011)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent, mode in modes.items():
            parent.chmod(mode)
