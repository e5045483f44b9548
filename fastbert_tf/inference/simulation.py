"""Adaptive inference replayed from the outputs of all branches."""

from __future__ import annotations

import numpy as np
from keras import ops

from fastbert_tf.inference.exit_schedule import ExitSchedule
from fastbert_tf.inference.policy import ExitPolicy
from fastbert_tf.inference.uncertainty import normalized_entropy


def simulate(
    policy: ExitPolicy, probabilities: np.ndarray, speed: float | np.ndarray, schedule: ExitSchedule | None = None
) -> dict[str, np.ndarray]:
    """Answers as the exit loop would, without running the model again.

    Args:
        policy: the exit rule; the loop calls the same object.
        probabilities: float32 (rows, layers, classes), every branch's answer for every row.
        speed: in [0, 1], one for all rows or one a row (rows,).
        schedule: the branches that are asked; None for all.

    Returns:
        `probabilities` float32 (rows, classes), `exit_layer` int32 (rows,) counted from 1, `uncertainty` float32
        (rows,).

    Raises:
        ValueError: the schedule is another model's.
    """
    rows, layers, _ = probabilities.shape
    exits = (schedule or ExitSchedule.every_layer(layers)).check(layers).exits
    speed = np.broadcast_to(np.asarray(speed, np.float32), (rows,))
    exit_layer = np.full(rows, layers, np.int32)  # whoever has not left before leaves with the teacher's answer
    for number in reversed(range(len(exits) - 1)):  # so that the earliest exit stands
        heard = exits[max(number - policy.memory, 0) : number + 1]
        said = [ops.convert_to_tensor(probabilities[:, layer - 1]) for layer in heard]  # each (rows, classes)
        wants_exit = ops.convert_to_numpy(policy.wants_exit(said, ops.convert_to_tensor(speed)))
        exit_layer[wants_exit & (speed > 0)] = exits[number]
    answer = probabilities[np.arange(rows), exit_layer - 1]  # (rows, classes)
    uncertainty = ops.convert_to_numpy(normalized_entropy(answer))
    return {"probabilities": answer, "exit_layer": exit_layer, "uncertainty": uncertainty}
