"""Numbers that must not depend on Keras' backend. Run as a program, it computes them for `test_backends.py`:

KERAS_BACKEND=jax python backend_outputs.py WEIGHTS.npz OUTPUTS.npz
"""

from __future__ import annotations

import sys

import keras
import numpy as np
import policy_cases
import registry

from fastbert_tf import training


def weights() -> registry.Arrays:
    """The weights of every registered network and stage; drawn once, since backends draw different random numbers."""
    arrays = {}
    for name, case in registry.named([*registry.LAYERS, *registry.MODELS]):
        arrays |= _named(name, registry.built(case).get_weights())
    for name, case in registry.named(registry.STAGES):
        arrays |= _named(name, registry.built_stage(case)[0].network.get_weights())
    return arrays


def _named(name: str, values: list[np.ndarray]) -> registry.Arrays:
    return {f"{name}/{i}": value for i, value in enumerate(values)}


def outputs(arrays: registry.Arrays) -> registry.Arrays:
    """Forward passes, losses, policies, schedules and the losses of three training steps, by name."""
    results = {}
    for name, case in registry.named([*registry.LAYERS, *registry.MODELS]):
        network = registry.built(case)
        network.set_weights(_of(name, arrays))
        results |= {f"{name}/{i}": output for i, output in enumerate(case.call(network, case.inputs()))}
    for name, case in registry.named(registry.LOSSES):
        results[f"{name}/loss"] = case.make()(*case.inputs())
    for name, case in registry.named(registry.SCHEDULES):
        results[f"{name}/rates"] = keras.ops.stack([case.make()(step) for step in range(60)])
    probabilities = policy_cases.branch_probabilities()
    speed = np.linspace(0, 1, len(probabilities)).astype(np.float32)
    for name, case in registry.named(policy_cases.POLICIES):
        for exit in range(registry.DEPTH):
            said = policy_cases.said_until(probabilities, exit)
            results[f"{name}/{exit}"] = case.make().wants_exit(said, speed, exit + 1)
            results[f"{name}/{exit}/doubt"] = case.make().doubt(said, exit + 1)
    # JAX as it trains, compiled; TensorFlow as the reference, without the time for compilation.
    mode = {"jit_compile": True} if keras.backend.backend() == "jax" else {"run_eagerly": True}
    for name, case in registry.named(registry.STAGES):
        stage, inputs, labels = registry.built_stage(case, dropout=0.0)
        stage.network.set_weights(_of(name, arrays))
        stage.compile(optimizer=keras.optimizers.SGD(0.05), **mode)
        results[f"{name}/losses"] = np.array([stage.train_on_batch(inputs, labels) for _ in range(3)], np.float32)
    results["Lamb/weights"] = _lamb_weights()
    return {name: keras.ops.convert_to_numpy(value) for name, value in results.items()}


def _lamb_weights() -> keras.Variable:
    """A weight after two steps, each of two accumulated gradients, and one gradient more that waits."""
    weight = keras.Variable(np.arange(6, dtype=np.float32).reshape(2, 3) - 2, name="kernel")
    optimizer = training.Lamb(0.1, gradient_accumulation_steps=2)
    for gradient in np.random.default_rng(8).normal(size=(5, 2, 3)).astype(np.float32):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    return weight


def _of(name: str, arrays: registry.Arrays) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}/") for key in arrays)
    return [arrays[f"{name}/{i}"] for i in range(count)]


if __name__ == "__main__":
    with np.load(sys.argv[1]) as file:
        computed = outputs(dict(file))
    np.savez(sys.argv[2], backend=np.array(keras.backend.backend()), **computed)
