"""The files that engines load, from a portable model: once a model."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic

from harness.peers.onnx_graph import onnx_model
from harness.peers.portable_model import PortableModel


def prepare(model: PortableModel, directory: Path) -> None:
    """Writes weights, both ONNX graphs and the quantised one, unless all are there already."""
    done = directory / "fused_int8.onnx"  # written last
    if done.exists():
        return
    model.save(directory)
    for name, fused in (("standard", False), ("fused", True)):
        onnx.save(onnx_model(model, fused), directory / f"{name}.onnx")
    quantise(directory / "fused.onnx", done)


def quantise(source: Path, target: Path) -> None:
    """Quantises weights per output channel; inputs are quantised at run time, with one range a tensor."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        written = Path(folder) / target.name
        quantize_dynamic(
            source,
            written,
            per_channel=True,
            reduce_range=False,  # products of 8 by 8 bits do not overflow on processors with VNNI
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},  # behind operators that ONNX itself does not know
        )
        written.replace(target)
