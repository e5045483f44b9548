"""Whole jobs in a page of code each: the functions behind the `fastbert` command."""

from fastbert_tf.recipes.distill_student import distill_student
from fastbert_tf.recipes.evaluate import evaluate_classifier
from fastbert_tf.recipes.export import export_classifier
from fastbert_tf.recipes.predict import Predictor
from fastbert_tf.recipes.pretrain import pretrain
from fastbert_tf.recipes.pretrain_student import pretrain_student
from fastbert_tf.recipes.serve import serve
from fastbert_tf.recipes.task_files import open_task
from fastbert_tf.recipes.task_texts import write_task_texts
from fastbert_tf.recipes.train import train_classifier

__all__ = [
    "Predictor",
    "distill_student",
    "evaluate_classifier",
    "export_classifier",
    "open_task",
    "pretrain",
    "pretrain_student",
    "serve",
    "train_classifier",
    "write_task_texts",
]
