"""Does a certificate keep its promise? Counts over many draws of calibration rows, and where rows are of another kind.

    python benchmarks/validity.py --runs runs --work validity     branch outputs once, then arrays alone
    python benchmarks/validity.py --render                        the tables of docs/guarantees.md from the results

Needs the classifiers of `benchmarks/results.py` (ag_news, book_review, sst2). What is there is not computed again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from harness.validity import LEARNED, Drawing, Pool, dial_errors, validity
from harness.validity_page import PAGE, RESULTS, rendered

from fastbert_tf.checkpoints import load_classifier
from fastbert_tf.config import FastBertConfig
from fastbert_tf.data import BatchPipeline, TextDataset, load_task
from fastbert_tf.evaluation import BranchOutputs, predict_branches, read_outputs, write_outputs
from fastbert_tf.files import file_swap
from fastbert_tf.inference import policy_class
from fastbert_tf.recipes.stacks import stack_of
from fastbert_tf.recipes.train import selection_split

_RUNS = flags.DEFINE_string("runs", None, "Folder of the runs, each with its classifier.")
_WORK = flags.DEFINE_string("work", "validity", "Folder for branch outputs.")
_DRAWS = flags.DEFINE_integer("draws", 1000, "Draws of calibration rows.", lower_bound=1)
_ROWS = flags.DEFINE_integer("rows", 2000, "Calibration rows of a draw.", lower_bound=1)
_RENDER = flags.DEFINE_boolean("render", False, "Write the tables of docs/guarantees.md from the stored results.")

CONFIDENCE = 0.95
MOST_ROWS = 10_000
"""Rows of a pool, drawn with a fixed seed where there are more."""
BOUNDS = (0.01, 0.02)
MOST_DIALS = 200
"""Draws of dials, at most: each is compared at 20 places."""
POLICIES = ("normalized_entropy", "maximum_probability", "margin", "patience", "agreement_entropy")
"""Those with default parameters."""
POOLS = {
    "ag_news": ("ag_news", "ag_news", "plain"),
    "ag_news_short": ("ag_news", "ag_news", "short"),
    "book_review": ("book_review", "book_review", "plain"),
    "shopping_review": ("book_review", "shopping_review", "flipped"),
    "sst2_phrases": ("sst2", "sst2", "selection"),
    "sst2_sentences": ("sst2", "sst2", "plain"),
}
"""Classifier, task and what is done to its rows, by name."""
SHIFTS = (
    ("ag_news", "ag_news_short"),
    ("book_review", "shopping_review"),
    ("sst2_phrases", "sst2_sentences"),
)
"""Where calibration rows come from, and where the promise is checked."""


def shortened(rows: TextDataset) -> TextDataset:
    """Returns the rows with the first third of their words alone."""
    texts = [" ".join(words[: max(len(words) // 3, 1)]) for words in map(str.split, rows.texts)]
    return TextDataset(texts, None, rows.labels, rows.label_names)


def outputs_of(name: str, runs: Path, work: Path) -> tuple[BranchOutputs, FastBertConfig]:
    """Returns what all branches say about a pool in int8, predicted at most once."""
    run, task_name, how = POOLS[name]
    folder, told = work / name, runs / run / "classifier"
    config = FastBertConfig.from_dict(json.loads((told / "config.json").read_text())["model"])
    outputs = read_outputs(folder, name)
    if outputs is None:
        classifier, task = load_classifier(told), load_task(task_name)
        rows = task.dev if task.test is None else task.test
        if how == "selection":
            count = json.loads((runs / run / "settings.json").read_text())["selection_rows"]["count"]
            rows = selection_split(task, count, seed=0)[1]
        elif how == "short":
            rows = shortened(rows)
        elif how == "flipped":  # there 1 is a bad review
            rows = TextDataset(rows.texts, None, 1 - np.asarray(rows.labels), rows.label_names)
        rows = rows.take(np.sort(np.random.default_rng(0).permutation(len(rows))[:MOST_ROWS]))
        stack = stack_of(classifier, "int8", load_task(run).train)
        outputs = predict_branches(stack, BatchPipeline(rows, classifier.tokenizer).ordered(), True)
        folder.mkdir(parents=True, exist_ok=True)
        write_outputs(outputs, folder, name)
    return outputs, config


def pool_of(name: str, labelled: bool = True) -> Pool:
    """Returns a pool with all policies that need no learning."""
    outputs, config = outputs_of(name, Path(str(_RUNS.value)), Path(str(_WORK.value)))
    layers = config.backbone.num_layers
    return Pool.of(outputs, config, {one: policy_class(one).default(layers) for one in POLICIES}, labelled)


def experiments() -> list[dict[str, Any]]:
    """Lists what is drawn: policies alone, with labels and without, all together, learned, and of other rows."""
    listed: list[dict[str, Any]] = []
    common = {"labelled": True, "disjoint": False, "shifted": None}
    places = [{**common, "pool": pool, "bound": bound} for pool in ("ag_news", "book_review") for bound in BOUNDS]
    for place in places:
        listed += [{**place, "policies": [policy]} for policy in POLICIES]
        listed += [{**place, "policies": list(POLICIES)}]
        listed += [{**place, "policies": [POLICIES[0]], "labelled": False}]
        listed += [{**place, "policies": [POLICIES[0]], "disjoint": True}]
    for pool, shifted in SHIFTS:
        listed.append({**common, "pool": pool, "bound": 0.01, "shifted": shifted, "policies": [POLICIES[0]]})
    return listed + [{**place, "policies": [policy]} for place in reversed(places) for policy in LEARNED]


def dials() -> list[dict[str, Any]]:
    """Lists the dials that are learned."""
    smooth = ("normalized_entropy", "maximum_probability", "margin")
    listed = [
        {"dial": policy, "pool": pool, "shifted": None} for pool in ("ag_news", "book_review") for policy in smooth
    ]
    return listed + [{"dial": smooth[0], "pool": pool, "shifted": shifted} for pool, shifted in SHIFTS]


def found_in(asked: dict[str, Any]) -> dict[str, Any]:
    """Makes one experiment."""
    pool = pool_of(asked["pool"], asked.get("labelled", True))
    shifted = None if asked["shifted"] is None else pool_of(asked["shifted"])
    drawing = Drawing(asked["rows"], asked["draws"], disjoint=asked.get("disjoint", True))
    if "dial" in asked:
        return dial_errors(pool, asked["dial"], drawing, shifted)
    return validity(pool, asked["policies"], asked["bound"], asked["confidence"], drawing, shifted)


def main(_: list[str]) -> None:
    """Experiments, renders, or both."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    done = [one["asked"] for one in results]
    size = {"rows": _ROWS.value, "draws": _DRAWS.value}
    few = {**size, "draws": min(_DRAWS.value, MOST_DIALS)}
    wanted = [{**one, **few} for one in dials()] + [{"confidence": CONFIDENCE, **size, **one} for one in experiments()]
    wanted.sort(key=lambda asked: (asked["shifted"] is None) + 2 * (asked.get("policies", [""])[0] in LEARNED))
    for asked in wanted if _RUNS.value else ():
        if asked in done:
            continue
        results.append({"asked": asked, "found": found_in(asked)})
        with file_swap(RESULTS) as unfinished:
            unfinished.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(results[-1]), flush=True)
    if _RENDER.value:
        PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
