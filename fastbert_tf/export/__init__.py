"""Export of trained classifiers for serving."""

from fastbert_tf.export.saved_model import export_saved_model
from fastbert_tf.export.version_directory import ExportError

__all__ = ["ExportError", "export_saved_model"]
