"""What the gRPC port says of its models, and how it takes others."""

import tensorflow as tf
from grpc_door_case import TIMEOUT, Code, GrpcDoorCase
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_management_pb2

from fastbert_serving.backend import VersionState


class ModelServiceTest(GrpcDoorCase):
    def test_metadata(self):
        self.start()
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "films"
        response = self.prediction.GetModelMetadata(request, timeout=TIMEOUT)
        got = get_model_metadata_pb2.SignatureDefMap()
        self.assertTrue(response.metadata["signature_def"].Unpack(got))
        self.assertEqual(dict(got.signature_def), self.backend.served["films"].signature_defs)
        for fields, words in (([], "at least one field"), (["weights"], "Metadata field weights is not supported")):
            request.metadata_field[:] = fields
            self.assert_status(Code.INVALID_ARGUMENT, words, self.prediction.GetModelMetadata, request)

    def test_status(self):
        self.start()
        self.backend.state = VersionState.LOADING
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "films"
        (status,) = self.models.GetModelStatus(request, timeout=TIMEOUT).model_version_status
        self.assertEqual((status.version, status.state), (3, get_model_status_pb2.ModelVersionStatus.LOADING))
        request.model_spec.name = "other"
        self.assert_status(Code.NOT_FOUND, "any versions of model other", self.models.GetModelStatus, request)

    def test_reload_is_off_until_the_owner_allows_it(self):
        self.start()
        request = model_management_pb2.ReloadConfigRequest()
        request.config.model_config_list.config.add(name="films", base_path="/etc")
        self.assert_status(Code.PERMISSION_DENIED, "is off", self.models.HandleReloadConfigRequest, request)
        self.assertEmpty(self.backend.configs)

    def test_reload(self):
        self.start(allow_reload=True)
        request = model_management_pb2.ReloadConfigRequest()
        words = "model_config_list"
        self.assert_status(Code.INVALID_ARGUMENT, words, self.models.HandleReloadConfigRequest, request)
        request.config.model_config_list.config.add(name="films", base_path="/models/films")
        response = self.models.HandleReloadConfigRequest(request, timeout=TIMEOUT)
        self.assertEqual(response.status.error_code, 0)
        self.assertEqual(self.backend.configs, [request.config])


if __name__ == "__main__":
    tf.test.main()
