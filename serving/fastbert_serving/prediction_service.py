"""TensorFlow Serving's PredictionService."""

from __future__ import annotations

from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from fastbert_serving.errors import InvalidRequest
from fastbert_serving.rpc import answers_errors, require_spec
from fastbert_serving.servable import DEFAULT_SIGNATURE, Servable
from fastbert_serving.served_model import ServedModel
from fastbert_serving.tensor_codec import to_array, to_proto

SIGNATURE_FIELD = "signature_def"


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other calls stay UNIMPLEMENTED.

    Args:
        model: the model that is served.
        max_rows: largest number of rows in a request.
    """

    def __init__(self, model: ServedModel, max_rows: int) -> None:
        self._model = model
        self._max_rows = max_rows

    @answers_errors
    def Predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        require_spec(request)
        response = answer(self._model.find(request.model_spec), request, self._max_rows)
        response.model_spec.name = self._model.name
        return response

    @answers_errors
    def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        require_spec(request)
        if not request.metadata_field:
            raise InvalidRequest(f"metadata_field must name at least one field; name {SIGNATURE_FIELD!r}")
        for field in request.metadata_field:
            if field != SIGNATURE_FIELD:
                raise InvalidRequest(f"Metadata field {field} is not supported; name {SIGNATURE_FIELD!r}")
        servable = self._model.find(request.model_spec)
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signature_defs)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = self._model.name
        response.model_spec.version.value = servable.version
        response.metadata[SIGNATURE_FIELD].Pack(signatures)
        return response


def answer(
    servable: Servable, request: predict_pb2.PredictRequest, max_rows: int | None = None
) -> predict_pb2.PredictResponse:
    """Runs a request on a loaded version.

    Args:
        servable: the version.
        request: inputs by name, the batch first.
        max_rows: largest number of rows; None for any.

    Raises:
        ServingError: the request breaks a rule, or the graph fails.
    """
    inputs = {}
    for alias, proto in request.inputs.items():
        try:
            inputs[alias] = to_array(proto)
        except ValueError as error:
            raise InvalidRequest(f"input {alias!r} {error}") from error
        rows = len(inputs[alias]) if inputs[alias].ndim else 1  # the signature will refuse a scalar
        if max_rows is not None and rows > max_rows:
            raise InvalidRequest(
                f"input {alias!r} must have at most {max_rows} rows, but has {rows}; send fewer rows a request"
            )
    outputs = servable.predict(request.model_spec.signature_name, inputs, request.output_filter)
    response = predict_pb2.PredictResponse()
    response.model_spec.version.value = servable.version
    response.model_spec.signature_name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    for alias, array in outputs.items():
        response.outputs[alias].CopyFrom(to_proto(array))
    return response
