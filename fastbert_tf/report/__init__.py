"""Stored runs as one HTML file and as Markdown."""

from fastbert_tf.report.html_page import html_page
from fastbert_tf.report.markdown_page import markdown_page
from fastbert_tf.report.report import report_document
from fastbert_tf.report.run import Run, read_runs
from fastbert_tf.report.write import write_document

__all__ = ["Run", "html_page", "markdown_page", "read_runs", "report_document", "write_document"]
