"""The same weights give the same numbers on Keras' TensorFlow and JAX backends."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import backend_outputs
import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed: pip install .[jax]")
class BackendsTest(tf.test.TestCase):
    def test_jax_equals_tensorflow(self):
        weights = backend_outputs.weights()
        expected = backend_outputs.outputs(weights)
        actual = self._in_another_process("jax", weights)
        self.assertEqual(str(actual.pop("backend")), "jax")
        self.assertEqual(actual.keys(), expected.keys())
        for name, value in expected.items():
            self.assertAllClose(actual[name], value, atol=1e-4, rtol=1e-4, msg=name)

    def _in_another_process(self, backend, weights):
        """One process for everything registered: its start costs more than the work. Only this choice is inherited."""
        folder = Path(self.get_temp_dir())
        np.savez(folder / "weights.npz", **weights)
        finished = subprocess.run(
            [sys.executable, backend_outputs.__file__, folder / "weights.npz", folder / "outputs.npz"],
            env={
                **os.environ,
                "KERAS_BACKEND": backend,
                "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # every op is compiled for one or two calls
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        self.assertEqual(finished.returncode, 0, finished.stderr[-3000:])
        with np.load(folder / "outputs.npz") as file:
            return dict(file)


if __name__ == "__main__":
    tf.test.main()
