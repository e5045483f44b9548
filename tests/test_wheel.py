"""The built wheel holds what it should, and no folder name of the checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import tensorflow as tf

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("fastbert_tf", "tokenizers", "serving")


def _build_wheel(folder: Path) -> Path:
    """Builds from a copy, since setuptools leaves its build folder in the sources; no network."""
    checkout = folder / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for name in (*SOURCES, "tests"):
        shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout / name)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
        + ["--wheel-dir", str(folder / "dist"), str(checkout)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


class WheelTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.wheel = _build_wheel(folder)
        with zipfile.ZipFile(cls.wheel) as archive:
            archive.extractall(folder / "unpacked")
        cls.unpacked = folder / "unpacked"
        (cls.metadata,) = cls.unpacked.glob("*.dist-info")

    def test_top_level_names(self):
        names = {path.name for path in self.unpacked.iterdir() if path != self.metadata}
        self.assertEqual(names, {"fastbert_tf", "fastbert_tokenizers", "fastbert_serving"})

    def test_holds_every_module(self):
        """A room that is missing in setup.py would work in the checkout and fail for users."""
        expected = set()
        for source in SOURCES:
            base = ROOT if source == "fastbert_tf" else ROOT / source
            expected |= {path.relative_to(base) for path in (ROOT / source).rglob("*.py")}
        packed = {path.relative_to(self.unpacked) for path in self.unpacked.rglob("*.py")}
        self.assertEqual(packed, expected)

    def test_holds_package_data(self):
        data = {str(path.relative_to(self.unpacked)) for path in self.unpacked.rglob("*") if path.is_file()}
        for package in ("fastbert_tf", "fastbert_tokenizers", "fastbert_serving"):
            self.assertIn(f"{package}/py.typed", data)
        schemas = {
            str(path.relative_to(ROOT / "serving")) for path in (ROOT / "serving/fastbert_serving").rglob("*.json")
        }
        self.assertNotEmpty(schemas)
        self.assertLessEqual(schemas, data)

    def test_holds_the_builtin_student(self):
        there = {path.name: path.stat().st_size for path in (ROOT / "fastbert_tf/builtin").glob("*")}
        packed = {path.name: path.stat().st_size for path in (self.unpacked / "fastbert_tf/builtin").glob("*")}
        self.assertEqual(packed, there)
        self.assertIn("MODEL_CARD.md", packed)
        self.assertLess(sum(packed.values()), 8e6)

    def test_metadata(self):
        source = (ROOT / "fastbert_tf/__init__.py").read_text(encoding="utf-8")
        version = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)[1]
        self.assertEqual(self.wheel.name, f"fastbert_tf-{version}-py3-none-any.whl")
        self.assertTrue((self.metadata / "licenses/LICENSE").exists())
        metadata = (self.metadata / "METADATA").read_text(encoding="utf-8")
        for line in ("License-Expression: Apache-2.0", "Requires-Python: >=3.10,<3.14", "Provides-Extra: model-garden"):
            self.assertIn(line, metadata.splitlines())
        entry_points = (self.metadata / "entry_points.txt").read_text(encoding="utf-8")
        self.assertIn("fastbert = fastbert_tf.cli.main:main", entry_points)


if __name__ == "__main__":
    tf.test.main()
