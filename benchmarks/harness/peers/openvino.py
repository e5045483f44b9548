"""OpenVINO on the standard ONNX graph."""

from __future__ import annotations

from pathlib import Path

import openvino

from harness.peers.engine import Answers, Engine, Tokens

TYPES = {"float32": "f32", "bfloat16": "bf16"}


def load(source: Path, precision: str, threads: int) -> Engine:
    """Compiles the graph for the lowest latency of one call at a time, with one stream of all threads."""
    settings = {
        "INFERENCE_PRECISION_HINT": TYPES[precision],
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
    }
    request = openvino.Core().compile_model(source / "standard.onnx", "CPU", settings).create_infer_request()

    def call(tokens: Tokens) -> Answers:
        return {"probabilities": request.infer(tokens, share_inputs=True)[0]}

    return call
