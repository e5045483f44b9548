"""Import of pretrained encoders, and the directories in which encoders and classifiers are saved."""

from fastbert_tf.checkpoints.builtin import BUILTIN, BUILTIN_FOLDER
from fastbert_tf.checkpoints.classifier_files import load_classifier, save_classifier
from fastbert_tf.checkpoints.errors import CheckpointError
from fastbert_tf.checkpoints.google import import_google
from fastbert_tf.checkpoints.hugging_face import import_hugging_face
from fastbert_tf.checkpoints.hugging_face_files import save_backbone
from fastbert_tf.checkpoints.import_backbone import import_backbone
from fastbert_tf.checkpoints.import_report import ImportReport
from fastbert_tf.checkpoints.imported_backbone import ImportedBackbone
from fastbert_tf.checkpoints.masked_lm_files import ImportedMaskedLm, import_masked_lm, save_masked_lm
from fastbert_tf.checkpoints.model_garden import import_model_garden
from fastbert_tf.checkpoints.saved_classifier import SavedClassifier
from fastbert_tf.checkpoints.text_settings import check_vocabulary_fits

__all__ = [
    "BUILTIN",
    "BUILTIN_FOLDER",
    "CheckpointError",
    "ImportReport",
    "ImportedBackbone",
    "ImportedMaskedLm",
    "SavedClassifier",
    "check_vocabulary_fits",
    "import_backbone",
    "import_google",
    "import_hugging_face",
    "import_masked_lm",
    "import_model_garden",
    "load_classifier",
    "save_backbone",
    "save_classifier",
    "save_masked_lm",
]
