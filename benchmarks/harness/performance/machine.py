"""What a result was measured on."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("tensorflow", "onnxruntime", "openvino", "torch", "tokenizers", "fastbert")


def machine() -> dict[str, Any]:
    """Returns cores, the processor's name and instruction sets that matter, and package versions."""
    name, flags = _processor()
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "avx_vnni")
    return {
        "cores": os.cpu_count(),
        "processor": name,
        "instructions": [flag for flag in wanted if flag in flags],
        "packages": {package: version(package) for package in PACKAGES},
    }


def _processor() -> tuple[str, set[str]]:
    """Reads what Linux says of the first core."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").split("\n\n")[0].splitlines() if file.exists() else []
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return values.get("model name", "unknown"), set(values.get("flags", "").split())
