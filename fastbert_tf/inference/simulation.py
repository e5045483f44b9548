"""Adaptive inference replayed from the outputs of all branches."""

from __future__ import annotations

import numpy as np
from keras import ops

from fastbert_tf.inference.policy import ExitPolicy
from fastbert_tf.inference.uncertainty import normalized_entropy


def simulate(policy: ExitPolicy, probabilities: np.ndarray, speed: float | np.ndarray) -> dict[str, np.ndarray]:
    """Answers as the exit loop would, without running the model again.

    Args:
        policy: the exit rule; the loop calls the same object.
        probabilities: float32 (rows, layers, classes), every branch's answer for every row.
        speed: in [0, 1], one for all rows or one a row (rows,).

    Returns:
        `probabilities` float32 (rows, classes), `exit_layer` int32 (rows,) counted from 1, `uncertainty` float32
        (rows,).
    """
    rows, layers, _ = probabilities.shape
    speed = np.broadcast_to(np.asarray(speed, np.float32), (rows,))
    exit_layer = np.zeros(rows, np.int32)  # 0: still running
    for layer in range(layers):
        said = np.where(np.arange(layers)[:, None] <= layer, probabilities, np.float32(0))
        leaves = ops.convert_to_numpy(policy.leaves(ops.convert_to_tensor(said), layer, speed))
        exit_layer[leaves & (exit_layer == 0)] = layer + 1
    answer = probabilities[np.arange(rows), exit_layer - 1]  # (rows, classes)
    uncertainty = ops.convert_to_numpy(normalized_entropy(answer))
    return {"probabilities": answer, "exit_layer": exit_layer, "uncertainty": uncertainty}
