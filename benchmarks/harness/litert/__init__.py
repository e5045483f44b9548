"""Parts of `benchmarks/litert.py`."""
