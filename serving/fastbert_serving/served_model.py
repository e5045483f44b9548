"""A model by its name, and the version in service."""

from __future__ import annotations

from pathlib import Path

from tensorflow_serving.apis import model_pb2

from fastbert_serving.errors import InvalidRequest, ModelError, UnknownModel
from fastbert_serving.servable import Servable


class ServedModel:
    """Answers requests for a model name with its loaded version.

    Args:
        name: the name that requests carry.
        servable: the loaded version.
    """

    def __init__(self, name: str, servable: Servable) -> None:
        self.name = name
        self.servable = servable

    def find(self, spec: model_pb2.ModelSpec) -> Servable:
        """Finds the version that a request asks for; codes and words are TensorFlow Serving's.

        Args:
            spec: name, and version or nothing for the latest.

        Raises:
            InvalidRequest: no name, or a version label (this server has none).
            UnknownModel: another name or version.
        """
        if not spec.name:
            raise InvalidRequest(f"ModelSpec has no name specified; this server holds {self.name!r}")
        if spec.version_label:
            raise InvalidRequest(f"Unrecognized servable version label: {spec.version_label}; give a version number")
        wanted = spec.version.value if spec.HasField("version") else self.servable.version
        if (spec.name, wanted) != (self.name, self.servable.version):
            request = f"Specific({spec.name}, {wanted})" if spec.HasField("version") else f"Latest({spec.name})"
            held = f"{self.name!r} version {self.servable.version}"
            raise UnknownModel(f"Servable not found for request: {request}; this server holds {held}")
        return self.servable


def newest_version(model_directory: Path) -> Path:
    """Returns the version directory with the highest number.

    Raises:
        ModelError: the directory is missing or holds no numbered version.
    """
    try:
        versions = [path for path in model_directory.iterdir() if path.name.isdecimal() and path.is_dir()]
    except OSError as error:
        raise ModelError(
            f"model directory {model_directory} cannot be read ({error.strerror}); give one that an export wrote"
        ) from error
    if not versions:
        hint = "give its parent" if (model_directory / "saved_model.pb").exists() else "export a model into it"
        raise ModelError(f"model directory {model_directory} holds no numbered version; {hint}")
    return max(versions, key=lambda path: int(path.name))
