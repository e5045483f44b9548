"""Makes `small_classifier` importable, which the export tests own: test folders are no packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fastbert_tf" / "export"))
