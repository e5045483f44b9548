"""The one loop of adaptive inference."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from fastbert_tf.inference.exit_schedule import ExitSchedule
from fastbert_tf.inference.full_depth import FullDepth
from fastbert_tf.inference.policies import ExitPolicy
from fastbert_tf.inference.stack import Stack
from fastbert_tf.inference.uncertainty import normalized_entropy

_ANSWERED = -1.0  # in place of the speed of a row that has its answer, but is still in the batch


class ExitLoop:
    """Runs a stack from exit to exit; rows leave as soon as the policy lets them, and the batch shrinks (section 3.3).

    The loop is unrolled: a step ends with a `tf.cond` that holds all later steps and is skipped once no row is left.
    That costs less than `tf.while_loop` over `tf.switch_case`, which takes the operations of all layers through every
    step, dead or alive; weights are read in place all the same. Nothing is done for rows that cannot leave: no branch
    where no row has a speed above 0, no copy where no row leaves. With the teacher as the only exit the graph is the
    plain encoder.

    Args:
        stack: the model, as four calls.
        policy: the exit rule.
        schedule: the branches that are on; None for all of them.

    Raises:
        ValueError: the schedule or the policy is another model's.
    """

    def __init__(self, stack: Stack, policy: ExitPolicy, schedule: ExitSchedule | None = None) -> None:
        self.stack = stack
        self.policy = policy.check(stack.num_layers)
        self.schedule = (schedule or ExitSchedule.every_layer(stack.num_layers)).check(stack.num_layers)
        # A function that is called, not inlined: where no row leaves, one dead operation instead of all of these.
        self._keep_open_called = tf.function(
            self._keep_open, autograph=False, reduce_retracing=True, experimental_attributes={"_noinline": True}
        )

    def __call__(self, inputs: dict[str, tf.Tensor], speed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers every row.

        Args:
            inputs: int32 (rows, sequence) `token_ids`, `segment_ids` and `padding_mask`.
            speed: float32 (rows,), in [0, 1]; 0 sends every row through all layers.

        Returns:
            `probabilities` float32 (rows, classes), `exit_layer` int32 (rows,) counted from 1, `uncertainty`
            float32 (rows,).
        """
        inputs = {name: tf.cast(value, tf.int32) for name, value in inputs.items()}
        if len(self.schedule.exits) == 1:
            probabilities = FullDepth(self.stack)(inputs)
            answers = _Answers(probabilities, tf.fill(tf.shape(speed), self.stack.num_layers))
        else:
            answers = self._adaptive(inputs, tf.maximum(tf.cast(speed, tf.float32), 0.0))  # `_ANSWERED` is ours
        return {**answers._asdict(), "uncertainty": normalized_entropy(answers.probabilities)}

    def _adaptive(self, inputs: dict[str, tf.Tensor], speed: tf.Tensor) -> _Answers:
        rows, classes = tf.shape(speed)[0], self.stack.num_classes
        unsaid = tf.zeros([rows, classes])
        batch = _Batch(self.stack.start(inputs), tf.range(rows), speed, (unsaid,) * self.policy.memory)
        return self._steps(tuple(self.schedule.steps()), 0, batch, _Answers(unsaid, tf.zeros([rows], tf.int32)))

    def _steps(self, steps: tuple[range, ...], number: int, batch: _Batch, answers: _Answers) -> _Answers:
        """Runs the step `number` and, if a row is left, those after it."""
        layers = steps[number]
        for index in layers:
            batch = batch._replace(state=self.stack.layer(index, batch.state))
        if number == len(steps) - 1:
            return self._finish(layers[-1], batch, answers)
        ask = partial(self._ask, number, layers[-1], batch, answers)
        spare = (batch.speed, batch.said, answers)  # no row can leave
        speed, said, answers = _if(tf.reduce_any(batch.speed > 0), ask, spare)
        batch = batch._replace(speed=speed, said=said)
        go_on = partial(self._go_on, steps, number + 1, batch, answers)
        return _if(tf.reduce_any(batch.is_open), go_on, answers)

    def _ask(self, number: int, index: int, batch: _Batch, answers: _Answers) -> tuple[tf.Tensor, tuple, _Answers]:
        """Asks the branch of a layer.

        Returns:
            Speeds, with the mark of those that leave; what has been said, as far as the policy remembers; all answers.
        """
        newest = self.stack.classify(index, batch.state)
        said = (*batch.said, newest)
        heard = said[-1 - min(number, self.policy.memory) :]
        leaves = self.policy.wants_exit(heard, batch.speed, index + 1) & (batch.speed > 0)
        leaving = tf.where(leaves)[:, 0]
        answers = answers.written(tf.gather(batch.row, leaving), tf.gather(newest, leaving), index + 1)
        return tf.where(leaves, _ANSWERED, batch.speed), said[1:], answers

    def _go_on(self, steps: tuple[range, ...], number: int, batch: _Batch, answers: _Answers) -> _Answers:
        """Takes rows out, if that pays, and runs the step `number`."""
        waiting = ~batch.is_open
        pays = tf.reduce_any(waiting)
        if self.schedule.shrink_share > 0:
            pays &= tf.reduce_mean(tf.cast(waiting, tf.float32)) >= self.schedule.shrink_share
        batch = _if(pays, partial(self._shrink, batch), batch)
        return self._steps(steps, number, batch, answers)

    def _shrink(self, batch: _Batch) -> _Batch:
        # Optimisers do not look into a call: without ranks they would fuse nothing behind it.
        return tf.nest.map_structure(lambda x: tf.ensure_shape(x, x.shape), self._keep_open_called(batch))

    def _keep_open(self, batch: _Batch) -> _Batch:
        kept = tf.where(batch.is_open)[:, 0]
        row, speed, said = tf.nest.map_structure(lambda x: tf.gather(x, kept), (batch.row, batch.speed, batch.said))
        return _Batch(self.stack.keep(batch.state, kept), row, speed, said)

    def _finish(self, index: int, batch: _Batch, answers: _Answers) -> _Answers:
        """All rows that have no answer yet get the teacher's."""
        newest, row = self.stack.classify(index, batch.state), batch.row
        if self.schedule.shrink_share > 0:  # some may be waiting
            is_open = tf.where(batch.is_open)[:, 0]
            newest, row = tf.gather(newest, is_open), tf.gather(row, is_open)
        return answers.written(row, newest, index + 1)


class _Batch(NamedTuple):
    """The rows that are still computed."""

    state: Any
    """The stack's."""
    row: tf.Tensor
    """int32 (rows,), their places in the request."""
    speed: tf.Tensor
    """float32 (rows,)."""
    said: tuple[tf.Tensor, ...]
    """As many earlier answers as the policy remembers, each float32 (rows, classes), the newest last."""

    @property
    def is_open(self) -> tf.Tensor:
        """Bool (rows,): whether a row has no answer yet. NaN, a speed at which no row leaves, is open, too."""
        return tf.not_equal(self.speed, _ANSWERED)


class _Answers(NamedTuple):
    """What is known of the rows of the request."""

    probabilities: tf.Tensor
    """float32 (rows, classes)."""
    exit_layer: tf.Tensor
    """int32 (rows,), counted from 1."""

    def written(self, row: tf.Tensor, newest: tf.Tensor, layer: int) -> _Answers:
        """Adds the newest answers (leaving, classes) of some rows of the request (leaving,)."""
        place = row[:, None]
        return _Answers(
            tf.tensor_scatter_nd_update(self.probabilities, place, newest),
            tf.tensor_scatter_nd_update(self.exit_layer, place, tf.fill(tf.shape(row), layer)),
        )


def _if(condition: tf.Tensor, then: Callable[[], Any], otherwise: Any) -> Any:
    return tf.cond(condition, then, lambda: otherwise)
