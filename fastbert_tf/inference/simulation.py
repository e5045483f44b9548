"""Adaptive inference replayed from the outputs of all branches."""

from __future__ import annotations

import numpy as np
from keras import ops

from fastbert_tf.inference.exit_schedule import ExitSchedule
from fastbert_tf.inference.policies import ExitPolicy
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
        ValueError: the schedule or the policy is another model's.
    """
    rows, layers, _ = probabilities.shape
    schedule = schedule or ExitSchedule.every_layer(layers)
    exit_layer = exit_layers(doubts(policy, probabilities, schedule), speed, schedule)
    answer = probabilities[np.arange(rows), exit_layer - 1]  # (rows, classes)
    uncertainty = ops.convert_to_numpy(normalized_entropy(answer))
    return {"probabilities": answer, "exit_layer": exit_layer, "uncertainty": uncertainty}


def doubts(policy: ExitPolicy, probabilities: np.ndarray, schedule: ExitSchedule | None = None) -> np.ndarray:
    """Asks the policy at every exit but the last, where every row leaves: all that it will ever decide by.

    Args:
        policy: the exit rule; the loop calls the same object.
        probabilities: float32 (rows, layers, classes), every branch's answer for every row.
        schedule: the branches that are asked; None for all.

    Returns:
        float32 (rows, exits but the last), in [0, 1]: a row whose doubt is below its speed leaves.

    Raises:
        ValueError: the schedule or the policy is another model's.
    """
    rows, layers, _ = probabilities.shape
    exits = (schedule or ExitSchedule.every_layer(layers)).check(layers).exits
    policy.check(layers)
    found = np.zeros((rows, len(exits) - 1), np.float32)
    for number in range(len(exits) - 1):
        heard = exits[max(number - policy.memory, 0) : number + 1]
        said = [ops.convert_to_tensor(probabilities[:, layer - 1]) for layer in heard]  # each (rows, classes)
        found[:, number] = ops.convert_to_numpy(policy.doubt(said, exits[number]))
    return found


def exit_layers(doubts: np.ndarray, speed: float | np.ndarray, schedule: ExitSchedule) -> np.ndarray:
    """Says where rows leave.

    Args:
        doubts: float32 (rows, exits but the last), of the function of that name.
        speed: in [0, 1], one for all rows or one a row (rows,); at 0, or NaN, no row leaves early.
        schedule: the branches that are asked.

    Returns:
        int32 (rows,), counted from 1.
    """
    speed = np.broadcast_to(np.asarray(speed, np.float32), len(doubts))[:, None]  # (rows, 1)
    leaves = (doubts < speed) & (speed > 0)  # (rows, exits but the last)
    leaves = np.pad(leaves, ((0, 0), (0, 1)), constant_values=True)  # whoever is left leaves with the teacher's answer
    return np.array(schedule.exits, np.int32)[leaves.argmax(axis=1)]
