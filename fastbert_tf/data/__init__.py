"""Readers for tasks and tables of texts, the built-in sample task, and the batch pipeline."""

from fastbert_tf.data.batch_pipeline import BatchPipeline
from fastbert_tf.data.files import read_lines
from fastbert_tf.data.sample_task import SampleTask, make_sample_task
from fastbert_tf.data.table import read_table
from fastbert_tf.data.task import METRICS, Task
from fastbert_tf.data.tasks import DATA_VARIABLE, TASKS, load_task
from fastbert_tf.data.text_dataset import TextDataset

__all__ = [
    "DATA_VARIABLE",
    "METRICS",
    "TASKS",
    "BatchPipeline",
    "SampleTask",
    "Task",
    "TextDataset",
    "load_task",
    "make_sample_task",
    "read_lines",
    "read_table",
]
