"""The LAMB optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="fastbert_tf")
class Lamb(keras.optimizers.Lamb):
    """LAMB with the weight decay inside the layer-wise step (You et al., 2019, algorithm 2).

    Adam's step r = m / (sqrt(v) + epsilon), bias corrected, becomes u = r + decay x w, and the weights change by
    learning rate x |w| / |u| x u. Keras' own LAMB takes decay x learning rate x w off the weights beside that step, so
    that decay is not scaled as the paper scales it. As in the authors' implementation, biases and layer normalisation
    take neither decay nor the ratio of norms: at 0 they have no norm to speak of.

    Args:
        learning_rate: a number or a Keras schedule; it counts calls of `apply`, each accumulated gradient included.
        decay: weight decay, at least 0.
        beta_1: decay of the first moment, in [0, 1).
        beta_2: decay of the second moment, in [0, 1).
        epsilon: added to the root of the second moment.
        plain: names of variables that take Adam's step instead.
        **kwargs: as in `keras.optimizers.Lamb`, such as `gradient_accumulation_steps`.

    Raises:
        ValueError: the decay is negative, or `weight_decay`, Keras' own, is asked for.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        decay: float = 0.01,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        plain: Sequence[str] = ("bias", "gamma", "beta"),
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("weight_decay", None) is not None:
            raise ValueError("weight_decay is decay beside the step, which is not LAMB's; give decay instead")
        if decay < 0:
            raise ValueError(f"decay must be at least 0, but is {decay}")
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **kwargs)
        self.decay = decay
        self.plain = tuple(plain)

    def build(self, var_list: Sequence[Any]) -> None:
        super().build(var_list)
        # By index: under TensorFlow `update_step` gets the variables inside Keras', which have other names.
        self._takes_plain_step = [variable.name in self.plain for variable in var_list]

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        # Gradients of look-ups are sparse under TensorFlow; norms and accumulators want all rows.
        dense = [None if gradient is None else ops.convert_to_tensor(gradient) for gradient in grads]
        super().apply(dense, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)
        self.assign_add(momentum, (gradient - momentum) * (1 - self.beta_1))
        self.assign_add(velocity, (ops.square(gradient) - velocity) * (1 - self.beta_2))
        first = momentum / (1 - ops.power(ops.cast(self.beta_1, variable.dtype), step))
        second = velocity / (1 - ops.power(ops.cast(self.beta_2, variable.dtype), step))
        update = first / (ops.sqrt(second) + self.epsilon)
        if self._takes_plain_step[index]:
            self.assign_sub(variable, rate * update)
            return
        update = update + self.decay * variable
        weight_norm, update_norm = (ops.sqrt(ops.sum(ops.square(x))) for x in (variable, update))
        is_defined = ops.logical_and(weight_norm > 0, update_norm > 0)
        ratio = ops.where(is_defined, weight_norm / ops.where(is_defined, update_norm, 1.0), 1.0)
        self.assign_sub(variable, rate * ratio * update)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "decay": self.decay, "plain": list(self.plain)}
