"""The parts of docs/performance.md, a file each."""
