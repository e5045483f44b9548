"""The parts of `benchmarks/performance.py`: one file each, and what they share."""
