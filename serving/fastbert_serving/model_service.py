"""TensorFlow Serving's ModelService."""

from __future__ import annotations

from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from fastbert_serving.errors import UnknownModel
from fastbert_serving.rpc import answers_errors, require_spec
from fastbert_serving.served_model import ServedModel


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus, the readiness check; the other calls stay UNIMPLEMENTED.

    Args:
        model: the model that is served.
    """

    def __init__(self, model: ServedModel) -> None:
        self._model = model

    @answers_errors
    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        require_spec(request)
        name, version = self._model.name, self._model.servable.version
        spec = request.model_spec
        if spec.name != name:
            raise UnknownModel(f"Could not find any versions of model {spec.name}; this server holds {name!r}")
        if spec.HasField("version") and spec.version.value != version:
            raise UnknownModel(f"Could not find version {spec.version.value} of model {name}; it has {version}")
        response = get_model_status_pb2.GetModelStatusResponse()
        status = response.model_version_status.add()
        status.version = version
        status.state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        status.status.error_code = 0  # OK, written out as TensorFlow Serving does
        return response
