"""A new public class must be registered, or named here with the reason why no property fits it."""

from __future__ import annotations

import inspect
import types

import registry
import tensorflow as tf
from absl.testing import parameterized

import fastbert_tf.inference
import fastbert_tf.layers
import fastbert_tf.losses
import fastbert_tf.models
import fastbert_tf.training
import fastbert_tokenizers

ROOMS = {
    fastbert_tf.layers: registry.LAYERS,
    fastbert_tf.models: registry.MODELS,
    fastbert_tf.losses: registry.LOSSES,
    fastbert_tf.training: [*registry.STAGES, *registry.SCHEDULES],
    fastbert_tf.inference: [*registry.POLICIES, *registry.STACKS],
    fastbert_tokenizers: [*registry.TOKENIZERS, *registry.VOCABULARIES],
}
ELSEWHERE = {
    "AlternatingSchedule": "runs registered stages; tested with resume in tests/fastbert_tf/training",
    "TrainingState": "files on disk; tested in tests/fastbert_tf/training",
    "ExitLoop": "drives every registered stack with every registered policy",
    "FullDepth": "drives every registered stack",
}


def public_classes(module: types.ModuleType) -> set[str]:
    """The classes of `__all__` that can be instantiated, errors left out."""
    values = [getattr(module, name) for name in module.__all__]
    classes = [value for value in values if inspect.isclass(value) and not issubclass(value, Exception)]
    return {cls.__name__ for cls in classes if not _is_abstract(cls) and not getattr(cls, "_is_protocol", False)}


def _is_abstract(cls: type) -> bool:
    """Like inspect.isabstract, for classes without the metaclass ABCMeta too (Keras layers have their own)."""
    return any(getattr(inspect.getattr_static(cls, name), "__isabstractmethod__", False) for name in dir(cls))


class RegistrationTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters((module.__name__, module, cases) for module, cases in ROOMS.items())
    def test_everything_public_is_registered(self, module, cases):
        registered = {case.cls.__name__ for case in cases}
        missing = public_classes(module) - registered - set(ELSEWHERE)
        self.assertEqual(missing, set(), f"register {missing} in tests/conformance/registry.py")
        self.assertEqual(registered - set(module.__all__), set(), f"not exported by {module.__name__}")

    def test_every_exception_still_exists(self):
        public = set().union(*(public_classes(module) for module in ROOMS))
        self.assertEqual(set(ELSEWHERE) - public, set())

    def test_finds_a_new_class(self):
        module = types.ModuleType("room")
        module.Layer = type("Layer", (), {})
        module.LayerError = type("LayerError", (ValueError,), {})
        module.function = len
        module.__all__ = ["Layer", "LayerError", "function"]
        self.assertEqual(public_classes(module), {"Layer"})


if __name__ == "__main__":
    tf.test.main()
