"""What the call of a TensorFlow session costs by itself: texts go in, their number comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from harness.peers.engine import Answers, Engine
from harness.sessions import quick_callable, session_config


def load_texts(source: Path, threads: int) -> Engine:
    """Builds a graph of one op, called as `graph_tokenizer` is."""
    with tf.Graph().as_default():
        texts = tf.compat.v1.placeholder(tf.string, [None])
        running = tf.compat.v1.Session(config=session_config(threads))
        function = quick_callable(running, [tf.shape(texts).name], [texts.name])

    def call(batch: Sequence[str]) -> Answers:
        function(np.array([text.encode() for text in batch], object))
        return {}

    return call
