"""A profile on disk: one JSON file, and the table and picture that are drawn from it."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from fastbert_tf.evaluation.plots import save_figure
from fastbert_tf.evaluation.profile_plot import plot_profile
from fastbert_tf.evaluation.profile_record import Profile
from fastbert_tf.evaluation.profile_table import profile_text

JSON_FILE = "profile.json"
TABLE_FILE = "profile.md"
PICTURE_FILE = "profile.png"


def write_profile(profile: Profile, directory: str | os.PathLike[str]) -> Path:
    """Writes `profile.json`, `profile.md` and `profile.png`, each by one rename; files that are not ours stay.

    Args:
        profile: the results.
        directory: target; made where it does not exist.

    Returns:
        The directory.

    Raises:
        OSError: the target cannot be written.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".profile.", dir=directory) as folder:
        staging = Path(folder)
        values = json.dumps(profile.to_dict(), indent=1, allow_nan=False)
        (staging / JSON_FILE).write_text(values + "\n", encoding="utf-8")
        (staging / TABLE_FILE).write_text(profile_text(profile), encoding="utf-8")
        save_figure(plot_profile(profile), staging / PICTURE_FILE)
        for name in (JSON_FILE, TABLE_FILE, PICTURE_FILE):
            os.replace(staging / name, directory / name)
    return directory


def read_profile(directory: str | os.PathLike[str]) -> Profile:
    """Reads `profile.json`.

    Raises:
        ValueError: the file is missing, no JSON, or of another schema version; the message names it.
    """
    path = Path(directory) / JSON_FILE
    try:
        return Profile.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; name a directory that `write_profile` wrote") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error
