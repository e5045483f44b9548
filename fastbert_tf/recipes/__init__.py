"""Whole jobs in a page of code each: the functions behind the `fastbert` command."""

from fastbert_tf.recipes.evaluate import evaluate_classifier
from fastbert_tf.recipes.export import export_classifier
from fastbert_tf.recipes.predict import Predictor
from fastbert_tf.recipes.serve import serve
from fastbert_tf.recipes.task_files import open_task
from fastbert_tf.recipes.train import train_classifier

__all__ = ["Predictor", "evaluate_classifier", "export_classifier", "open_task", "serve", "train_classifier"]
