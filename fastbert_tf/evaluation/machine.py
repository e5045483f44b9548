"""What a measurement ran on."""

from __future__ import annotations

import os

import tensorflow as tf


def machine_in_words() -> str:
    """Returns processors, accelerators and TensorFlow's version, for the results beside a measured time."""
    accelerators = [device.device_type for device in tf.config.list_physical_devices() if device.device_type != "CPU"]
    parts = [f"{os.cpu_count()} processors", *accelerators, f"TensorFlow {tf.__version__}"]
    return ", ".join(parts)
