"""docs/reproduction.md, from the stored figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastbert_tf.evaluation import SpeedCurve
from harness.performance.markdown import table
from harness.reproduction import published
from harness.reproduction.claims import CLAIMS, in_points, verdict
from harness.reproduction.figures import CONVERGENCE, CURVES
from harness.reproduction.plan import parts
from harness.reproduction.settings import JUDGED_DROP
from harness.reproduction.stored import RESULTS

PAGE = RESULTS.parents[1] / "reproduction.md"
Summaries = Sequence[dict[str, Any]]

INTRO = """# The paper's experiments, made here

Written by `python benchmarks/reproduce_fastbert.py --render` from `docs/results/reproduction/*.json`, which the same
script leaves (`--list` names its parts and how long each takes; it resumes). FastBERT (Liu et al., ACL 2020) has 12
layers of 768; here English tasks start from a pretrained encoder of 6 layers of 384, and Chinese ones from 6 layers
of 192 that this project pretrained itself ([pretraining.md](pretraining.md)). So accuracies are not comparable with
the published ones, differences between ways to train and to leave are. One seed each; intervals are 95 %, from 1,000
draws of the rows reported on: they say what other rows would give, not what other seeds would.

Some training rows of each task were held out before anything began; they tune exit policies and do nothing else. The
part that is reported on (test, or dev where test labels are not public) is answered once by each model, by code that
can neither fit nor choose."""

NOT_HERE = """## What cannot be tested here

- **The other data sets** of table 2: ChnSentiCorp, LCQMC, Weibo, Amazon, DBpedia, Yahoo and Yelp are not at hand.
  SST-2, MRPC, CoLA and RTE stand beside the rest; the paper has no number for them.
- **BERT-base's own numbers** and speedups of more than 6 times: they need 12 layers, and hours of a GPU.
- **DistilBERT as published** was distilled while it was pretrained, on the corpus of BERT. The students here take
  layers of the fine-tuned model and learn from it on the task alone."""


def page(summaries: Summaries) -> str:
    """Returns the page's text."""
    left = _left(summaries)
    sections = [INTRO, *left, "## The claims", claims_table(summaries), _rules()]
    if any("curve" in summary for summary in summaries):
        sections += [
            "## Accuracy and speedup",
            f"![Accuracy over speedup](results/reproduction/{CURVES})",
            *(_task(summary) for summary in summaries if "curve" in summary),
            "## Convergence (figure 7)",
            f"![Accuracy and FLOPs over epochs](results/reproduction/{CONVERGENCE})",
            "After each epoch, on rows that select the epoch, at speed 0.5; the line parts fine-tuning from "
            "self-distillation.",
            "## Ablation (table 3, Book review)",
            published_ablation(),
        ]
    sections += [part for part in (_baselines(summaries), _policies(summaries), _variants(summaries)) if part]
    return "\n\n".join([*sections, NOT_HERE]) + "\n"


def claims_table(summaries: Summaries) -> str:
    """One line a claim, then one line for each task that says something of it."""
    rows = []
    for claim in CLAIMS:
        rows.append([f"**{claim.text}**", published.CLAIMS[claim.name], "", f"**{verdict(claim, summaries)}**"])
        for summary in summaries:
            finding = claim.judge(summary)
            rows.append([f"- {summary['title']}", "", finding.measured, finding.verdict])
    return table(["claim", "published", "here", "verdict"], rows)


def _rules() -> str:
    return "The rules, fixed in `benchmarks/harness/reproduction/claims.py`:\n\n" + "\n".join(
        f"- *{claim.text}*: {claim.rule}." for claim in CLAIMS
    )


def _left(summaries: Summaries) -> Iterator[str]:
    done = {f"{summary['task']}/{kind}" for summary in summaries for kind in _done(summary)}
    missing = [part for part in parts() if part.name not in done]
    if missing:
        hours = sum(part.minutes for part in missing) / 60
        names = ", ".join(f"`{part.name}`" for part in missing)
        yield f"Not run yet, about {hours:.0f} hours on two cores: {names}."


def _done(summary: dict[str, Any]) -> list[str]:
    known = {"bag_of_words": summary.get("bag_of_words"), "times": summary.get("times")}
    return [*summary.get("minutes", {}), *(kind for kind, found in known.items() if found)]


# === Sections ===


def _task(summary: dict[str, Any]) -> str:
    curve = SpeedCurve.from_dict(summary["curve"])
    named = [("full depth", curve.full_depth), *((f"{point.speed:g}", point) for point in curve.points)]
    rows = [
        [name, *(f"{point.metrics[metric]:.4f}" for metric in curve.metric_names), f"{point.mean_exit_layer:.2f}",
         f"{point.paper_speedup:.2f}x", f"{point.executed_speedup:.2f}x"]
        for name, point in named
    ]  # fmt: skip
    text = (
        f"### {summary['title']}\n\n{summary['rows']:,} rows; {summary['calibration_rows']:,} training rows held out."
    )
    minutes = ", ".join(f"`{kind}` {taken:g}" for kind, taken in summary["minutes"].items())
    text += f" Minutes of training: {minutes}.\n\n"
    text += table(["speed", *curve.metric_names, "mean layer", "paper speedup", "executed speedup"], rows)
    known = published.TABLE_2.get(summary["task"])
    if known:
        text += (
            "\n\nPublished: "
            + ", ".join(f"{name} {one.accuracy} ({one.speedup}x)" for name, one in known.items())
            + "."
        )
    return text


def published_ablation() -> str:
    """The paper's table 3; ours is in the claims' table, at equal speedup."""
    return table(
        ["published", "accuracy", "speedup"],
        [[name, f"{one.accuracy}", f"{one.speedup}x"] for name, one in published.TABLE_3.items()],
    )


def _baselines(summaries: Summaries) -> str | None:
    rows = []
    for summary in summaries:
        bag = summary.get("bag_of_words")
        if bag:
            times = (summary.get("times") or {}).get("batch 1")
            speed = "" if times is None else f"{times['full_depth_ms'] / times['bag_of_words_ms']:.0f}x by the clock"
            rows.append([summary["title"], "n-grams, linear (scikit-learn)", f"{100 * bag['accuracy']:.2f}", speed, ""])
        for kind, one in summary.get("baselines", {}).items():
            name, depth = kind.split("_")
            title = f"{'first layers, fine-tuned' if name == 'cut' else 'distilled student'}, {depth}"
            accuracy = in_points(one["accuracy"]).lstrip("+").replace("[+", "[").replace(", +", ", ")
            rows.append([summary["title"], title, accuracy, f"{one['speedup']:.2f}x", in_points(one["difference"])])
    if not rows:
        return None
    heads = ["task", "model", "accuracy, %", "speedup (executed)", "adaptive at that cost, points more"]
    return "## Baselines\n\n" + table(heads, rows)


def _policies(summaries: Summaries) -> str | None:
    rows = []
    for summary in summaries:
        for drop, found in summary.get("policies", {}).items():
            for one in found["policies"]:
                change = 100 * (one["accuracy"] - found["full_depth_accuracy"])
                rows.append(
                    [
                        summary["title"],
                        drop,
                        one["name"],
                        f"{one['saved']:.1%}",
                        f"{one['saved_on_test']:.1%}",
                        f"{change:+.2f}",
                    ]
                )
    if not rows:
        return None
    heads = ["task", "lost rows", "policy", "saved, calibration rows", "saved, reported rows", "accuracy, points"]
    return (
        "## Policies\n\nThe speed of each policy, and what can be learned of it, comes from held-out training rows: "
        "30 % learn, 70 % choose the speed of least executed work whose share of lost rows is at most the one in the "
        "second column "
        f"(the verdict is about {JUDGED_DROP:g}). Saved: of the executed work of the full depth.\n\n"
        + table(heads, rows)
    )


def _variants(summaries: Summaries) -> str | None:
    titles = {
        "reverse": "KL(student || teacher), eq. 5, less KL(teacher || student)",
        "unlabelled": "as much unlabelled text again, less training texts alone",
        "longer": "training texts for as many steps, less the usual 5 epochs",
    }
    rows = [
        [summary["title"], title, *(in_points(one) for one in summary[kind].values())]
        for summary in summaries
        for kind, title in titles.items()
        if kind in summary
    ]
    if not rows:
        return None
    heads = ["task", "self-distillation", "2x", "3x", "4x", "mean"]
    return "## Other ways to self-distil\n\nAccuracy at equal executed speedup, in points.\n\n" + table(heads, rows)
