"""The card of the shipped student says what its run and its scores say."""

import json
from pathlib import Path

import registry
import tensorflow as tf
from harness.model_card import Score, model_card

from fastbert_tf.checkpoints import BUILTIN, BUILTIN_FOLDER, ImportedBackbone, ImportReport, import_backbone
from fastbert_tf.config import StageConfig, WordDistillationConfig

ROOT = Path(__file__).parents[2]
HISTORY = [
    {"val_loss": 0.5, "val_embeddings": 0.1, "val_last_layer": 0.4, "val_rows": 0.2, "seconds": 1800.0, "epoch": 1},
    {"val_loss": 0.3, "val_embeddings": 0.08, "val_last_layer": 0.25, "val_rows": 0.125, "seconds": 1800.0, "epoch": 2},
]
FACTS = {
    "distillation": WordDistillationConfig(training=StageConfig(2, 1e-3), epoch_steps=200, seed=4).decisive(),
    "corpus": {"train": [["books.txt.gz", 1], ["wiki.txt.gz", 2]], "max_sequence_length": 96},
    "history": HISTORY,
}
SCORES = [
    Score("pretrained", "sst2", 60000, 2, 3e-4, {1e-4: 0.84, 3e-4: 0.86}, [0.85, 0.87, 0.86]),
    Score("random", "sst2", 60000, 2, 1e-4, {1e-4: 0.8, 3e-4: 0.79}, [0.79, 0.81, 0.8]),
]


class ModelCardTest(tf.test.TestCase):
    def test_figures(self):
        student = ImportedBackbone(registry.make_backbone(), None, True, ImportReport())
        card = " ".join(model_card(student, FACTS, SCORES, "Preliminary weights.").split())
        for words in (
            "2 epochs of 200 steps of 32 rows, 400 steps or 12,800 rows of at most 96 tokens in all",
            "an epoch took 1800 seconds",
            "`books.txt.gz`, `wiki.txt.gz`",
            "epoch 2 was best",
            "8.0% unexplained at the embeddings, 25.0% after the last layer, and 12.5% of that of its means",
            "| pretrained | 0.8400, 0.8600 | 0.0003 | 0.8600 | 0.8500, 0.8700, 0.8600 |",
            "| random | 0.8000, 0.7900 | 0.0001 | 0.8000 | 0.7900, 0.8100, 0.8000 |",
            "2 epochs on 60,000 training rows",
            f"{student.backbone.count_params():,} parameters",
            "Preliminary weights. English, lower-cased. Positions beyond 96",
            "fitted to the teacher's by least squares",
            "peak learning rate 0.001, warm-up 0.1, weight decay 0.01, seed 4",
            "Of the learning rates 0.0001, 0.0003 each start",
        ):
            self.assertIn(words, card)

    def test_the_shipped_card_and_the_readme_say_what_is_stored(self):
        kept = json.loads((ROOT / "docs/results/builtin_student.json").read_text(encoding="utf-8"))
        scores = [Score.from_dict(one) for one in kept["scores"]]
        card = (BUILTIN_FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
        self.assertEqual(card, model_card(import_backbone(BUILTIN), kept["facts"], scores, kept["note"]))
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        self.assertIn(f"right on **{scores[0].mean:.3f}** of dev", readme)
        self.assertIn(f"from random weights on {scores[1].mean:.3f} (means of {len(scores[1].dev)} seeds", readme)


if __name__ == "__main__":
    tf.test.main()
