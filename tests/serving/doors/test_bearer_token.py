"""The token that clients show."""

import tensorflow as tf
from absl.testing import parameterized
from grpc_door_case import TIMEOUT, Code, GrpcDoorCase, classification_request, predict_request
from grpc_health.v1 import health_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_management_pb2

from fastbert_serving.doors.bearer_token import BearerToken


class GrpcTokenTest(GrpcDoorCase):
    def test_token(self):
        self.start(token=BearerToken("s3cret"))
        status_request = get_model_status_pb2.GetModelStatusRequest()
        status_request.model_spec.name = "films"
        metadata_request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        metadata_request.model_spec.name = "films"
        reload = model_management_pb2.ReloadConfigRequest()
        for method, request in (
            (self.prediction.Predict, predict_request()),
            (self.prediction.Classify, classification_request(b"a")),
            (self.prediction.GetModelMetadata, metadata_request),
            (self.models.GetModelStatus, status_request),
            (self.models.HandleReloadConfigRequest, reload),
        ):
            for shown in (None, "s3cret", "Bearer", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret"):
                metadata = [] if shown is None else [("authorization", shown)]
                self.assert_status(Code.UNAUTHENTICATED, "no valid token", method, request, metadata=metadata)
            if request is not reload:
                method(request, timeout=TIMEOUT, metadata=[("authorization", "bearer s3cret")])
        self.assertLen(self.backend.calls, 2)
        self.health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)  # probes show no token


class BearerTokenTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("", "two words", "line\n", "é")
    def test_refuses(self, token):
        with self.assertRaisesRegex(ValueError, "printable ASCII"):
            BearerToken(token)

    def test_file(self):
        with self.assertRaisesRegex(ValueError, "cannot be read"):
            BearerToken.read("/nowhere")
        with tf.io.gfile.GFile(f"{self.get_temp_dir()}/token", "w") as file:
            file.write("s3cret\n")
        BearerToken.read(f"{self.get_temp_dir()}/token").check("Bearer s3cret")


if __name__ == "__main__":
    tf.test.main()
