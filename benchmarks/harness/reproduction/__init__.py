"""The experiments of the FastBERT paper that can be made here, their baselines and their verdicts."""
