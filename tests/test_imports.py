"""Which room may import which: the table of WORKSPACE.md, enforced on the syntax tree of every file."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"fastbert_tf": "fastbert_tf", "fastbert_tokenizers": "tokenizers", "fastbert_serving": "serving"}
OURS = ("fastbert_tf", "fastbert_tokenizers", "fastbert_serving")

_ROOMS = ("config", "device", "files", "losses", "data", "layers", "models", "checkpoints", "training", "inference")
_ALL_BUT_CLI = [
    f"fastbert_tf.{room}" for room in (*_ROOMS, "compression", "evaluation", "calibration", "report", "export")
]
# Room -> what of ours it may import besides itself.
ALLOWED = {
    "fastbert_tf": [],
    "fastbert_tf.config": [],
    "fastbert_tf.device": [],
    "fastbert_tf.files": [],
    "fastbert_tf.losses": [],
    "fastbert_tokenizers": [],
    "fastbert_serving": [],
    "fastbert_tf.data": ["fastbert_tf.config", "fastbert_tokenizers"],
    "fastbert_tf.layers": ["fastbert_tf.config"],
    "fastbert_tf.models": ["fastbert_tf.config", "fastbert_tf.layers"],
    "fastbert_tf.checkpoints": [
        *(f"fastbert_tf.{room}" for room in ("config", "files", "models")),
        "fastbert_tokenizers",
    ],
    "fastbert_tf.training": [f"fastbert_tf.{room}" for room in ("config", "files", "layers", "models", "losses")],
    "fastbert_tf.inference": [f"fastbert_tf.{room}" for room in ("config", "layers", "models")],
    "fastbert_tf.compression": [f"fastbert_tf.{room}" for room in ("config", "layers", "models", "losses")],
    "fastbert_tf.evaluation": [f"fastbert_tf.{room}" for room in ("config", "files", "models", "inference")],
    "fastbert_tf.calibration": [
        *(f"fastbert_tf.{room}" for room in ("config", "files", "inference", "evaluation")),
        "fastbert_serving.dial",
    ],
    "fastbert_tf.report": [
        f"fastbert_tf.{room}" for room in ("config", "files", "inference", "evaluation", "calibration")
    ],
    "fastbert_tf.export": [
        *(f"fastbert_tf.{room}" for room in ("config", "device", "files", "models", "inference")),
        "fastbert_tokenizers",
        "fastbert_serving.manifest",
        "fastbert_serving.dial",
    ],
    "fastbert_tf.recipes": [*_ALL_BUT_CLI, "fastbert_tokenizers", "fastbert_serving"],
    "fastbert_tf.cli": ["fastbert_tf.recipes", "fastbert_tf.config"],
}
# These rooms also run on Keras' JAX backend.
BACKEND_NEUTRAL = [f"fastbert_tf.{room}" for room in ("config", "files", "layers", "models", "losses", "training")]
TENSORFLOW = ["tensorflow", "tensorflow_text", "tensorflow_serving", "tf_keras"]


def module_name(path: Path) -> str:
    """The dotted name under which a file of this repository is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] in ("tokenizers", "serving"):
        parts = parts[1:]
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> str:
    """The room that a module of ours lies in."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "fastbert_tf" else parts[0]


def imported(source: str, module: str, is_package: bool) -> list[tuple[int, str]]:
    """Every import as (line, full dotted name), relative ones resolved; `from a import b` gives `a.b`."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{prefix}.{alias.name}") for alias in node.names]
    return found


def _within(name: str, prefixes: list[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """What a file imports against the table, as `line: import`."""
    room = room_of(module)
    if room not in ALLOWED:
        return [f"1: the room {room} has no row in the table"]
    allowed = [room, *ALLOWED[room]] if room != "fastbert_tf" else []
    if module.startswith("fastbert_tf"):
        allowed.append("fastbert_tf.__version__")
    forbidden = []
    for line, name in imported(source, module, is_package):
        ours = name.split(".")[0] in OURS and not _within(name, allowed)
        if ours or (room in BACKEND_NEUTRAL and _within(name, TENSORFLOW)):
            forbidden.append(f"{line}: {name}")
    return forbidden


def source_files() -> list[Path]:
    return sorted(path for name, folder in SOURCES.items() for path in (ROOT / folder).rglob("*.py"))


def requirements() -> set[str]:
    """The distributions that setup.py's `install_requires` names."""
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            return {re.split(r"[^\w-]", requirement)[0] for requirement in ast.literal_eval(node.value)}
    raise ValueError("setup.py has no install_requires")


class ImportTableTest(tf.test.TestCase, parameterized.TestCase):
    def test_every_file_keeps_to_the_table(self):
        files = source_files()
        self.assertGreater(len(files), 20)
        wrong = [
            f"{path.relative_to(ROOT)}:{violation}"
            for path in files
            for violation in violations(path.read_text(encoding="utf-8"), module_name(path), path.name == "__init__.py")
        ]
        self.assertEqual(wrong, [])

    def test_workspace_md_prints_the_table(self):
        printed = {}
        for line in (ROOT / "WORKSPACE.md").read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) == 5 and re.fullmatch(r"`fastbert_\S+`", cells[1]):
                names = re.findall(r"`(\S+)`", cells[2])
                if cells[2].startswith("all but"):
                    names = sorted(
                        {room.removeprefix("fastbert_tf.") for room in ALLOWED} - {*names, "fastbert_tf", "recipes"}
                    )
                printed[cells[1].strip("`")] = {
                    name if name.startswith("fastbert_") else f"fastbert_tf.{name}" for name in names
                }
        self.assertEqual(printed, {room: set(allowed) for room, allowed in ALLOWED.items()})

    def test_no_package_shadows_the_folders(self):
        for folder in ("tokenizers", "serving"):
            self.assertFalse(
                (ROOT / folder / "__init__.py").exists(),
                f"{folder}/__init__.py would shadow another package of that name",
            )

    def test_every_folder_is_a_package(self):
        """Else a relative import or the wheel would treat it as something different."""
        folders = {path.parent for path in source_files()}
        self.assertEqual([str(folder) for folder in folders if not (folder / "__init__.py").exists()], [])

    @parameterized.parameters(
        ("fastbert_tf.layers.x", "from fastbert_tf.models import Backbone"),
        ("fastbert_tf.layers.x", "import fastbert_tf.models.backbone as b"),
        ("fastbert_tf.layers.x", "from fastbert_tf import models"),
        ("fastbert_tf.layers.x", "from ..models import Backbone"),
        ("fastbert_tf.layers.x", "from .. import models"),
        ("fastbert_tf.layers.x", "import fastbert_tf"),
        ("fastbert_tf.layers.x", "def f():\n    from fastbert_tf.losses import a"),
        ("fastbert_tf.layers.x", "import tensorflow as tf"),
        ("fastbert_tf.training.x", "from tensorflow.nn import softmax"),
        ("fastbert_tf.losses.x", "from fastbert_tf.config import TrainingConfig"),
        ("fastbert_tf.export.x", "from fastbert_serving import Server"),
        ("fastbert_tf.export.x", "import fastbert_serving"),
        ("fastbert_tf.export.x", "from fastbert_serving.manifesto import a"),
        ("fastbert_tf.export.x", "from fastbert_tf.checkpoints import load_classifier"),
        ("fastbert_tf.cli.x", "from fastbert_tf.models import FastBert"),
        ("fastbert_tf.recipes.x", "from fastbert_tf.cli import main"),
        ("fastbert_serving.x", "from fastbert_tf import __version__"),
        ("fastbert_tokenizers.x", "from fastbert_tf.config import a"),
        ("fastbert_tf.new_room.x", ""),
    )
    def test_finds(self, module, source):
        self.assertLen(violations(source, module), 1)

    @parameterized.parameters(
        ("fastbert_tf.layers.x", "from fastbert_tf.layers.attention import A\nfrom .attention import A\nimport keras"),
        ("fastbert_tf.layers.x", "from fastbert_tf.config import BackboneConfig\nfrom fastbert_tf import config"),
        ("fastbert_tf.export.x", "from fastbert_serving.manifest import M\nfrom fastbert_serving import manifest"),
        ("fastbert_tf.export.x", "from fastbert_tf import __version__\nimport tensorflow as tf"),
        ("fastbert_tf.recipes.x", "from fastbert_serving import Server\nfrom fastbert_tf.export import e"),
    )
    def test_lets_pass(self, module, source):
        self.assertEqual(violations(source, module), [])

    def test_a_package_resolves_relative_imports_from_itself(self):
        source = "from .attention import A"
        self.assertEqual(imported(source, "fastbert_tf.layers", True), [(1, "fastbert_tf.layers.attention.A")])
        self.assertEqual(imported(source, "fastbert_tf.layers.x", False), [(1, "fastbert_tf.layers.attention.A")])


class RequirementsTest(tf.test.TestCase):
    # Import names that differ from the distribution's name.
    DISTRIBUTIONS = {
        "absl": "absl-py",
        "google": "protobuf",
        "grpc": "grpcio",
        "grpc_health": "grpcio-health-checking",
        "tensorflow_text": "tensorflow-text",
        "tensorflow_serving": "tensorflow-serving-api",
    }
    OPTIONAL = {"apache_beam", "jax", "official", "tf_keras"}  # extras

    def test_setup_py_requires_what_the_code_imports_and_nothing_else(self):
        used = set()
        for path in source_files():
            module = module_name(path)
            names = imported(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
            used |= {name.split(".")[0] for _, name in names}
        used -= {*sys.stdlib_module_names, *OURS, *self.OPTIONAL}
        self.assertEqual({self.DISTRIBUTIONS.get(name, name) for name in used}, requirements())


if __name__ == "__main__":
    tf.test.main()
