"""The engines that `benchmarks/performance.py` compares: one file each, each run by a worker process of its own.

An engine file has one function `load(source, precision, threads)` that returns a `tokens -> probabilities` callable;
`engine.py` says what both are.
"""
