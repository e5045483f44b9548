"""Readers for tasks, tables of texts and corpora, the built-in sample task, and the pipelines of batches."""

from fastbert_tf.data.batch_pipeline import BatchPipeline
from fastbert_tf.data.dual_pipeline import DualPipeline
from fastbert_tf.data.files import read_lines
from fastbert_tf.data.masked_lm_pipeline import MaskedLmPipeline
from fastbert_tf.data.masking import MaskingConfig
from fastbert_tf.data.sample_task import SampleTask, make_sample_task
from fastbert_tf.data.segmented_corpus import SegmentedCorpus
from fastbert_tf.data.table import read_table
from fastbert_tf.data.task import METRICS, Task
from fastbert_tf.data.tasks import DATA_VARIABLE, TASKS, load_task
from fastbert_tf.data.text_dataset import TextDataset
from fastbert_tf.data.word_counting import count_words, read_word_counts, write_word_counts
from fastbert_tf.data.word_pipeline import WordPipeline

__all__ = [
    "DATA_VARIABLE",
    "METRICS",
    "TASKS",
    "BatchPipeline",
    "DualPipeline",
    "MaskedLmPipeline",
    "MaskingConfig",
    "SampleTask",
    "SegmentedCorpus",
    "Task",
    "TextDataset",
    "WordPipeline",
    "count_words",
    "load_task",
    "make_sample_task",
    "read_lines",
    "read_table",
    "read_word_counts",
    "write_word_counts",
]
