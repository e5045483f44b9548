"""docs/reproduction.md, from the stored figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastbert_tf.evaluation import DRAWS
from harness.reproduction.plan import parts
from harness.reproduction.sections.ablation import ablation
from harness.reproduction.sections.baselines import baselines
from harness.reproduction.sections.claims_table import claims_table, rules
from harness.reproduction.sections.curves import convergence, curves
from harness.reproduction.sections.policies import policies
from harness.reproduction.sections.variants import variants
from harness.reproduction.stored import RESULTS

PAGE = RESULTS.parents[1] / "reproduction.md"
Summaries = Sequence[dict[str, Any]]

INTRO = f"""# The paper's experiments, made here

Written by `python benchmarks/reproduce_fastbert.py --render` from `docs/results/reproduction/*.json`, which the same
script leaves (`--list` names its parts and how long each takes; it resumes). FastBERT (Liu et al., ACL 2020) has 12
layers of 768; here English tasks start from a pretrained encoder of 6 layers of 384, and Chinese ones from 6 layers
of 192 that this project pretrained itself ([pretraining.md](pretraining.md)). So accuracies are not comparable with
the published ones, differences between ways to train and to leave are. One seed each; intervals are 95 %, from
{DRAWS:,} draws of the rows reported on: they say what other rows would give, not what other seeds would.

Some training rows of each task were held out before anything began; they tune exit policies and do nothing else. The
part that is reported on (test, or dev where test labels are not public) is answered once by each model, after it was
fitted and stored, by code that can neither fit nor choose and that shows it no label. One choice was made there all the
same, long before: SST-2's learning rate is the better one of two on its dev part ([results.md](results.md)), so its
accuracies are a little too good; the rows held out for policies had no part in that."""

NOT_HERE = """## What cannot be tested here

- **The other data sets** of table 2: ChnSentiCorp, LCQMC, Weibo, Amazon, DBpedia, Yahoo and Yelp are not at hand.
  SST-2, MRPC, CoLA and RTE stand beside the rest; the paper has no number for them.
- **BERT-base's own numbers** and speedups of more than 6 times: they need 12 layers, and hours of a GPU.
- **DistilBERT as published** was distilled while it was pretrained, on the corpus of BERT. The students here take
  layers of the fine-tuned model and learn from it on the task alone."""

SECTIONS = (curves, ablation, convergence, baselines, policies, variants)


def page(summaries: Summaries) -> str:
    """Returns the page's text; sections of which nothing is known are left out."""
    made = [text for text in (section(summaries) for section in SECTIONS) if text]
    claims = ["## The claims", claims_table(summaries), rules()]
    return "\n\n".join([INTRO, *claims, *made, NOT_HERE, *_left(summaries)]) + "\n"


def _left(summaries: Summaries) -> Iterator[str]:
    done = {f"{summary['task']}/{kind}" for summary in summaries for kind in summary["done"]}
    missing = [part for part in parts() if part.name not in done]
    if missing:
        hours = sum(part.minutes for part in missing) / 60
        names = ", ".join(f"`{part.name}`" for part in missing)
        yield f"## Not run yet\n\nAbout {hours:.0f} hours on two cores: {names}."
