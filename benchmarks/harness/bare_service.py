"""The least that a gRPC service in Python can be: PredictionService.Predict for one text, and nothing besides.

    python bare_service.py VERSION_DIRECTORY

No checks, limits, batches, versions, metrics or deadlines: what a server adds to this is its own.
"""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.session_call import session_call

_FIELDS = {  # by NumPy's kind of type
    "O": (types_pb2.DT_STRING, "string_val"),
    "f": (types_pb2.DT_FLOAT, "float_val"),
    "i": (types_pb2.DT_INT32, "int_val"),
}


class BareService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers requests for one text and its speed.

    Args:
        directory: the version directory.
    """

    def __init__(self, directory: Path) -> None:
        self._call = session_call(directory)

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        del context
        outputs = self._call(request.inputs["text"].string_val[0], request.inputs["speed"].float_val[0])
        response = predict_pb2.PredictResponse()
        for alias, array in outputs.items():
            tensor = response.outputs[alias]
            tensor.dtype, field = _FIELDS[array.dtype.kind]
            for size in array.shape:
                tensor.tensor_shape.dim.add(size=size)
            getattr(tensor, field).extend(array.ravel().tolist())
        return response


def main(directory: str) -> None:
    server = grpc.server(ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(BareService(Path(directory)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    gc.collect()
    gc.freeze()
    server.start()
    print(f"ready on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1])
