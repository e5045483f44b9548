"""ONNX Runtime with its own fused operators; int8 weights with inputs quantised at run time."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from harness.peers.engine import Answers, Engine, Tokens

FILES = {"float32": "fused.onnx", "int8": "fused_int8.onnx"}


def load(source: Path, precision: str, threads: int) -> Engine:
    """Loads one of the model's two ONNX files."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Threads spin inside a call, which is faster, and stop with it, so that they disturb nobody.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(source / FILES[precision], options, providers=["CPUExecutionProvider"])

    def call(tokens: Tokens) -> Answers:
        return {"probabilities": session.run(None, tokens)[0]}

    return call
