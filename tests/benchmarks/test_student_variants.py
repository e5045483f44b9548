"""Whether the paper's order of the variants holds, and the section that says so, against numbers by hand."""

import math
from pathlib import Path

import numpy as np
import tensorflow as tf
from harness import results_page
from harness.variants import corpora, figure, section
from harness.variants.comparison import DOES_NOT_HOLD, HOLDS, REVERSED, UNDECIDED, compare
from harness.variants.plan import chosen_rate, jobs
from harness.variants.settings import Settings
from harness.variants.store import Job, Store

from fastbert_tf.config import VARIANTS
from fastbert_tf.data import MaskedLmPipeline, SegmentedCorpus
from fastbert_tokenizers import Vocabulary

NO_KD, DUAL, DOWN, UP = VARIANTS


def scores(no_kd, dual, down, up):
    """Two seeds, of which the second adds 0.1 to every variant."""
    values = dict(zip(VARIANTS, (no_kd, dual, down, up), strict=True))
    return {name: {0: first, 7: second + 0.1} for name, (first, second) in values.items()}


class ComparisonTest(tf.test.TestCase):
    def test_limit(self):
        # Residuals are +-0.01 in two variants and, by the seeds' means, none elsewhere.
        found = compare(scores((0.11, 0.09), (0.29, 0.31), (0.4, 0.4), (0.5, 0.5)))
        self.assertEqual(found.seeds, (0, 7))
        self.assertAllClose([found.means[name] for name in VARIANTS], [0.15, 0.35, 0.45, 0.55])
        spread = math.sqrt(4 * 0.01**2 / 3)
        self.assertAlmostEqual(found.limit, 3.182 * spread)  # t of 3 degrees of freedom, and sqrt(2 / 2)
        self.assertEqual(found.order, HOLDS)

    def test_one_step_the_other_way(self):
        found = compare(scores((0.11, 0.09), (0.29, 0.31), (0.6, 0.6), (0.5, 0.5)))
        self.assertEqual([found.step(UP, DOWN), found.step(DOWN, DUAL), found.step(DUAL, NO_KD)],
                         [REVERSED, HOLDS, HOLDS])  # fmt: skip
        self.assertEqual(found.order, DOES_NOT_HOLD)

    def test_one_step_within_the_spread(self):
        found = compare(scores((0.11, 0.09), (0.29, 0.31), (0.5, 0.5), (0.5, 0.5)))
        self.assertEqual(found.step(UP, DOWN), UNDECIDED)
        self.assertEqual(found.order, UNDECIDED)

    def test_one_seed_decides_nothing(self):
        found = compare(
            {name: {0: number, 5: 1.0} if name == UP else {0: number} for number, name in enumerate(VARIANTS)}
        )
        self.assertEqual((found.seeds, found.limit, found.order), ((0,), None, UNDECIDED))

    def test_a_variant_without_scores(self):
        self.assertIsNone(compare({NO_KD: {0: 1.0}}))
        with self.assertRaisesRegex(ValueError, "2 to 10 seeds"):
            compare({name: dict.fromkeys(range(11), 0.5) for name in VARIANTS})


class TokensTest(tf.test.TestCase):
    def test_steps_hold_the_budget(self):
        epochs = [np.array([5, 6, 7]), np.array([1, 1, 9])]  # totals: 6, 13, 29
        self.assertEqual(corpora.steps_for(6, epochs), (1, 6))
        self.assertEqual(corpora.steps_for(7, epochs), (2, 13))
        with self.assertRaisesRegex(ValueError, "hold 29 tokens"):
            corpora.steps_for(30, epochs)

    def test_tokens_are_those_of_the_batches(self):
        file = Path(self.get_temp_dir()) / "texts.txt"
        file.write_text("\n".join("abc"[: 1 + i % 3] * (1 + i % 5) for i in range(40)))
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abc", *(f"##{letter}" for letter in "abc")]
        corpus = SegmentedCorpus(file, [Vocabulary(pieces)], max_sequence_length=16)
        batches = MaskedLmPipeline(corpus, batch_size=6)
        masks = [int(batch["student_mask"].numpy().sum()) for batch in batches.epoch(3)]
        self.assertAllEqual(corpora.student_tokens(batches, 3), masks)


class StoreTest(tf.test.TestCase):
    def test_finished_jobs_are_not_done_again(self):
        store = Store(Path(self.get_temp_dir()))
        with self.assertRaisesRegex(ValueError, "killed"):
            store.run([Job("a-1", lambda: {"value": 1}), Job("a-2", _killed)])
        store.run([Job("a-1", _killed), Job("a-2", lambda: {"value": 2})])
        self.assertEqual(store.all("a-"), [{"value": 1}, {"value": 2}])

    def test_settings_are_remembered(self):
        store = Store(Path(self.get_temp_dir()))
        with self.assertRaisesRegex(ValueError, "no comparison was run there"):
            store.settings()
        settings = Settings("a", "b", "c", "d", seeds=(3,), rates=(0.5,))
        store.remember(settings)
        self.assertEqual(Settings.from_dict(store.settings()), settings)

    def test_settings_that_cannot_work(self):
        with self.assertRaisesRegex(ValueError, "no task"):
            Settings("", "", "", "", tasks=("sst3",))
        with self.assertRaisesRegex(ValueError, "seeds"):
            Settings("", "", "", "", seeds=())
        with self.assertRaisesRegex(ValueError, "config.json is missing"):
            Settings("nowhere", "", "", "").require_files()


class PlanTest(tf.test.TestCase):
    def test_the_most_telling_jobs_come_first(self):
        settings = Settings("", "", "", "", seeds=(0, 7), rates=(0.1, 0.2), tasks=("mrpc",))
        store = Store(Path(self.get_temp_dir()))
        losses = {"tuning-0.1": 5.0, "tuning-0.2": 4.0}
        for name, loss in losses.items():
            result = {"learning_rate": float(name[-3:]), "history": [{"val_loss": loss}]}
            store.run([Job(name, lambda result=result: result)])
        for start in (*VARIANTS, "random"):
            store.run([Job(f"fine_tuning-mrpc-{start}-0", lambda: {"learning_rate": 0.001})])
        fine_tuned = [f"fine_tuning-mrpc-{start}-{seed}" for seed in (0, 7) for start in (*VARIANTS, "random")]
        self.assertEqual(
            [job.name for job in jobs(settings, None, store)],
            [*losses, "head", *(f"pretraining-{seed}-{name}" for seed in (0, 7) for name in VARIANTS), *fine_tuned],
        )

    def test_lowest_held_out_loss_chooses_the_rate(self):
        runs = [{"learning_rate": rate, "history": [{"val_loss": loss}]} for rate, loss in ((0.1, 5.0), (0.2, 4.0))]
        self.assertEqual(chosen_rate(runs), 0.2)


class SectionTest(tf.test.TestCase):
    def test_page_is_written_from_the_stored_results(self):
        path = results_page.RESULTS.parent / "results.md"
        self.assertEqual(results_page.page(), path.read_text(encoding="utf-8"))

    def test_tables(self):
        text = section.section(RESULTS)
        self.assertIn("| 0.04 | 32 | 0.0050 | 6.000 |", text)
        self.assertIn("| SharedProjUp | 0 | 4,000,100 | 1,400 | 3 | 5.000 | 0.5 to 0.25 | 10.0 % |", text)
        self.assertIn("| NoKD | 11.00 (10.00, 12.00) | 21.00 (20.00, 22.00) | 31.00 (30.00, 32.00) | "
                      "21.00 (20.00, 22.00) |", text)  # fmt: skip
        self.assertIn("| MRPC F1 | 1 | +1.00, undecided | +1.00, undecided | +1.00, undecided | no spread yet | "
                      "**undecided** |", text)  # fmt: skip
        # Seeds differ by 2 points alike in all variants: no spread, so every difference is clear.
        self.assertIn("| books_heldout | 2 | +1.00, holds | +1.00, holds | +1.00, holds | 0.00 | **holds** |", text)
        self.assertIn("Not run yet: 5 of 10 fine-tuning runs.", text)

    def test_figure_has_one_line_a_run(self):
        (axes,) = figure.held_out_losses(RESULTS["pretraining"]).axes
        self.assertLen(axes.lines, 8)
        self.assertAllClose(axes.lines[-1].get_xdata(), [2.00005, 4.0001])
        self.assertAllClose(axes.lines[-1].get_ydata(), [6.0, 5.0])


def _killed():
    raise ValueError("killed")


def _run(variant, number, seed):
    losses = ({"epoch": 1, "val_student_loss": 6.0}, {"epoch": 2, "val_student_loss": 5.0})
    ratios = ({"loss_ratio": 0.5}, {"loss_ratio": 0.25}) if variant in (DOWN, UP) else ({}, {})
    common = {"seconds": 90.0, "val_loss": 9.0, "val_teacher_accuracy": 0.1}
    right = 10 + number + 2 * (seed > 0)
    words = {name: {"places": 100, "right": right + more, "nats": 1.0}
             for name, more in (("books_heldout", 0), ("enwiki_heldout", 10), ("WikiText-2", 20))}  # fmt: skip
    return {
        "variant": variant, "seed": seed, "student_tokens": 4_000_100, "steps": 1400, "words": words,
        "history": [{**loss, **ratio, **common} for loss, ratio in zip(losses, ratios, strict=True)],
    }  # fmt: skip


RESULTS = {
    "settings": {**Settings("", "", "", "", tasks=("mrpc",), seeds=(0, 7)).to_dict()},
    "tuning": [{"learning_rate": 0.04, "scaled_learning_rate": 0.005, "student_tokens": 5e5,
                "history": [{"val_loss": 6.0}]}],
    "pretraining": [_run(variant, number, seed) for seed in (0, 7) for number, variant in enumerate(VARIANTS)],
    "fine_tuning": [
        {"task": "mrpc", "start": start, "seed": 0, "scores": {"f1": 0.8 + number / 100}}
        for number, start in enumerate((*VARIANTS, "random"))
    ],
}  # fmt: skip


if __name__ == "__main__":
    tf.test.main()
