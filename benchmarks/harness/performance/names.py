"""Names of engines, as results store them, and constants of several parts; light, so that pages need no engine."""

from __future__ import annotations

PADDED, FLOAT32, BFLOAT16, INT8 = "padded float32", "packed float32", "packed bfloat16", "packed int8"
PACKED = (FLOAT32, BFLOAT16, INT8)
STACKS = (PADDED, *PACKED)
"""Padded to the longest row of the batch, as plain TensorFlow is; or real tokens alone."""
SCHEDULED = f"{INT8}, the scheduler's exits"

ONNX_FLOAT32, ONNX_INT8, OPENVINO_BFLOAT16 = "onnxruntime float32", "onnxruntime int8", "openvino bfloat16"
JUDGED = (ONNX_FLOAT32, ONNX_INT8, OPENVINO_BFLOAT16)
"""Peers that ours are held against: module and precision."""
PACKAGE = "fastbert package"

SHARED = ", shared operations"
"""Ends the name of one of ours whose threads share every operation; in others each runs a part of a call's rows."""
ROWS_SPLIT = ", rows split"
"""Ends the name of a peer whose threads each have a part of a call's rows; else they share every operation."""

MOST_LOSS = 0.005
"""Half a point of accuracy: what exits and int8 may cost, against the float32 teacher."""
ROUNDING = 1e-9
"""A loss of just half a point is allowed, whatever its binary fraction."""

TASKS = {
    "dense": ("sst2",),
    "real": ("sst2", "book_review"),
    "adaptive": ("sst2",),
    "chosen": ("sst2",),
    "profile": ("sst2",),
    "accuracy": ("sst2", "mrpc", "ag_news"),
    "tokenization": ("sst2", "ag_news", "book_review"),
}
"""Classifiers that each part reads; `dense` takes a tokenizer of them alone."""
