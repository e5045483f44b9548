"""The machine that times are taken on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import tensorflow as tf


def machine() -> str:
    """Returns processors, accelerators and TensorFlow version."""
    accelerators = [device.device_type for device in tf.config.list_physical_devices() if device.device_type != "CPU"]
    parts = [f"{os.cpu_count()} processors ({_processor()})", *accelerators, f"TensorFlow {tf.__version__}"]
    return ", ".join(parts)


def threads() -> dict[str, int]:
    """Returns `intra_op_threads`, of an operation, and `inter_op_threads`, operations at a time; 0 is one a core."""
    threading = tf.config.threading
    return {
        "intra_op_threads": threading.get_intra_op_parallelism_threads(),
        "inter_op_threads": threading.get_inter_op_parallelism_threads(),
    }


def _processor() -> str:
    """Returns its name, where the system tells, and else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
