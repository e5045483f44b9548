"""The pages that show results hold what the stored results say, and nothing older."""

import re
from pathlib import Path

import tensorflow as tf
from harness import results_page as results

from fastbert_tf.evaluation import read_report
from fastbert_tf.evaluation.table import interval_text
from fastbert_tf.recipes.train import default_training

ROOT = Path(__file__).parents[1]


def readme_rows(text):
    """Rows of the README's table of speeds: (speed or `full depth`, accuracy, interval, layer, paper, executed)."""
    cells = (r"(full depth|[\d.]+)", r"([\d.]+)", r"([\d.]+ - [\d.]+)", r"([\d.]+)", r"([\d.]+)x", r"([\d.]+)x")
    return re.findall(r"^\| " + r" \| ".join(cells) + r" \|$", text, re.MULTILINE)


class ResultsPageTest(tf.test.TestCase):
    def test_page_is_written_from_the_stored_results(self):
        self.assertEqual(results.page(), (ROOT / "docs" / "results.md").read_text(encoding="utf-8"))

    def test_every_command_trained_with_the_stored_settings(self):
        self.assertNotEmpty(results.made_runs())
        for name in results.made_runs():
            with self.subTest(name):
                train, _ = results.stored(name, results.COMMANDS_FILE)
                settings = results.stored(name, "settings.json")
                named = re.findall(r"--learning_rate (\S+)", train)
                rate = float(named[0]) if named else default_training("builtin").fine_tuning.learning_rate
                self.assertEqual(rate, settings["training"]["fine_tuning"]["learning_rate"])
                self.assertEqual("--no_self_distillation" in train, not settings["training"]["self_distillation"])
                self.assertIn(f"--task {settings['task']} ", train)

    def test_readme_shows_the_stored_results(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        report = read_report(results.RESULTS / "sst2")
        points = {f"{point.speed:g}": point for point in report.curve.points}
        rows = readme_rows(text)
        self.assertGreaterEqual(len(rows), 5)
        for speed, *shown in rows:
            point = report.curve.full_depth if speed == "full depth" else points[speed]
            self.assertEqual(
                shown,
                [
                    f"{point.metrics['accuracy']:.4f}",
                    interval_text(point, "accuracy"),
                    f"{point.mean_exit_layer:.2f}",
                    f"{point.paper_speedup:.2f}",
                    f"{point.executed_speedup:.2f}",
                ],
            )


if __name__ == "__main__":
    tf.test.main()
