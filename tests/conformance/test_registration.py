"""A new public class must be registered, or named here with the reason why no property fits it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections.abc import Iterable

import policy_cases
import registry
import stack_cases
import tensorflow as tf
import tokenizer_cases
from absl.testing import parameterized

import fastbert_tf.inference
import fastbert_tf.inference.policies
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
    fastbert_tf.inference: [*policy_cases.POLICIES, *stack_cases.STACKS],
    fastbert_tf.inference.policies: policy_cases.POLICIES,
    fastbert_tokenizers: [*tokenizer_cases.TOKENIZERS, *tokenizer_cases.VOCABULARIES],
}
ELSEWHERE = {
    "AlternatingSchedule": "runs registered stages; tested with resume in tests/fastbert_tf/training",
    "TrainingState": "files on disk; tested in tests/fastbert_tf/training",
    "Position": "a record; round trip tested in tests/fastbert_tf/training",
    "SaveState": "a callback; tested by killed runs in tests/fastbert_tf/training",
    "MaskedLmRun": "runs a registered stage; tested with resume in tests/fastbert_tf/recipes",
    "Pretraining": "runs registered stages; tested with resume in tests/fastbert_tf/training",
    "WordDistillationRun": "runs a registered stage; tested with resume in tests/fastbert_tf/training",
    "Phase": "a record of the schedules",
    "PhaseRunner": "runs the phases of both schedules; tested through them",
    "ShortEpochs": "cuts batches; tested in tests/fastbert_tf/training",
    "PlaceMetrics": "metrics of two registered stages; tested through them in tests/fastbert_tf/training",
    "Lamb": "an optimizer; tested in tests/fastbert_tf/training, and on both backends in backend_outputs.py",
    "SharedProjections": "reads the weights of two models; tested in tests/fastbert_tf/models, trained by DualTraining",
    "WeightPair": "a record of SharedProjections",
    "ExitLoop": "drives every registered stack with every registered policy",
    "FullDepth": "drives every registered stack",
    "SingleRowStack": "takes one row without padding; tested in tests/fastbert_tf/inference and as a LiteRT file",
    "JointVocabulary": "a layout of ids; tested in tests/tokenizers",
    "DualTokenizer": "gives rows of two vocabularies, other than TokenizerCase; tested in tests/tokenizers",
    "WordCounter": "gives counts; tested against Hugging Face in tests/tokenizers",
    "WordExtents": "a record of a batch; tested through DualTokenizer and Masking",
    "SegmentationStatistics": "a record; tested against Hugging Face in tests/tokenizers",
    "ExitSchedule": "settings of the loop; every stack and policy runs with some of them",
}


def public_classes(modules: Iterable[types.ModuleType]) -> set[str]:
    """The classes that modules define and that can be instantiated; private names and errors left out."""
    classes = {
        value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    classes = {cls for cls in classes if not issubclass(cls, Exception)}
    return {cls.__name__ for cls in classes if not _is_abstract(cls) and not getattr(cls, "_is_protocol", False)}


def modules_of(package: types.ModuleType) -> list[types.ModuleType]:
    """Every file of a room, exported or not."""
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def _is_abstract(cls: type) -> bool:
    """Like inspect.isabstract, for classes without the metaclass ABCMeta too (Keras layers have their own)."""
    return any(getattr(inspect.getattr_static(cls, name), "__isabstractmethod__", False) for name in dir(cls))


class RegistrationTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters((module.__name__, module, cases) for module, cases in ROOMS.items())
    def test_everything_public_is_registered(self, module, cases):
        registered = {case.cls.__name__ for case in cases}
        missing = public_classes(modules_of(module)) - registered - set(ELSEWHERE)
        self.assertEqual(missing, set(), f"register {missing} in tests/conformance/registry.py")
        self.assertEqual(registered - set(module.__all__), set(), f"not exported by {module.__name__}")

    def test_every_exception_still_exists(self):
        public = public_classes(file for module in ROOMS for file in modules_of(module))
        self.assertEqual(set(ELSEWHERE) - public, set())

    def test_finds_a_new_class(self):
        module = types.ModuleType("room")
        for name, bases in (("Layer", ()), ("_Helper", ()), ("LayerError", (ValueError,))):
            setattr(module, name, type(name, bases, {"__module__": "room"}))
        module.Imported, module.function = dict, len
        self.assertEqual(public_classes([module]), {"Layer"})


if __name__ == "__main__":
    tf.test.main()
