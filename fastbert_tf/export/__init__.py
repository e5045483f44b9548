"""Export of trained classifiers for serving."""

from fastbert_tf.export.litert import check_litert, export_litert
from fastbert_tf.export.saved_model import check_export, export_saved_model
from fastbert_tf.export.version_directory import ExportError

__all__ = ["ExportError", "check_export", "check_litert", "export_litert", "export_saved_model"]
