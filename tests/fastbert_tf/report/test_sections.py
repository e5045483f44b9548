"""What a report says about answers that were made up by hand."""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from command_line import fastbert
from matplotlib.figure import Figure
from stored_run import EVIL, certificate, outputs, write_run

from fastbert_tf.calibration import write_certificate
from fastbert_tf.cli.main import parse
from fastbert_tf.evaluation import metric_intervals
from fastbert_tf.inference import Patience
from fastbert_tf.recipes.policies import policy_of
from fastbert_tf.report import read_runs, report_document, sections
from fastbert_tf.report.commands import evaluate_command
from fastbert_tf.report.document import Missing, Paragraph, Picture, Table
from fastbert_tf.report.drawing import picture


def flat(block):
    """All blocks below a section."""
    return [found for one in block.blocks for found in ([one] if not hasattr(one, "blocks") else flat(one))]


def kind(section, wanted):
    return [block for block in flat(section) if isinstance(block, wanted)]


def by_first(table):
    """Rows of a table by their first cell."""
    return {row[0]: dict(zip(table.header[1:], row[1:], strict=True)) for row in table.rows}


class RunsCase(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def run_of(self, name="whole", **words):
        (run,) = read_runs([write_run(self.folder / name, **words)])
        return run


class SectionsTest(RunsCase):
    def test_who_left_first_and_who_needed_all(self):
        section = sections.examples(self.run_of())
        (said,), (first, last) = kind(section, Paragraph), kind(section, Table)
        self.assertEqual(
            said.text,
            "At the certified speed 0.25, 20 (50.0 %) left at layer 1 (10.5 tokens on average, the plain encoder is "
            "right on 95.0 %), and 10 (25.0 %) needed all 3 layers (35.5 tokens on average, the plain encoder is right "
            "on 100.0 %).",
        )
        self.assertEqual(first.header, ("text", "label", "answer", "probability", "tokens"))
        self.assertEqual(first.rows[0], (EVIL, "bad", "bad", "0.999", "1"))  # the surest of all
        self.assertEqual([row[0] for row in last.rows], [f"text {number}" for number in range(30, 38)])

    def test_where_answers_differ(self):
        section = sections.disagreement(self.run_of())
        counts, shown = kind(section, Table)
        self.assertEqual(kind(section, Paragraph)[0].text, "At speed 0.25, 2 (5.0 %) of the answers differ.")
        self.assertEqual(counts.rows[0], ("1", "20", "2", "1", "1", "0"))
        self.assertEqual(counts.rows[-1], ("all", "40", "2", "1", "1", "0"))
        self.assertEqual([row[:5] for row in shown.rows],
                         [(EVIL, "bad", "bad", "good", "1"), ("text 1", "good", "bad", "good", "1")])  # fmt: skip

    def test_cost_with_paired_intervals_and_the_clock(self):
        (table,) = kind(sections.cost(self.run_of()), Table)
        rows = {row[0]: row for row in table.rows}
        self.assertEqual(table.header[-2:], ("batch 1, ms", "batch 32, ms"))
        self.assertEqual(rows["plain encoder"][-2:], ("4.00 (1.00x)", "4.00 (1.00x)"))
        self.assertEqual(rows["0.5"][-2:], ("2.00 (2.00x)", "2.00 (2.00x)"))
        self.assertEqual(rows["0.1"][-1], "")  # not timed
        said = outputs()
        early = said.predictions[:, -1].copy()
        early[:2] = 0
        low, high = metric_intervals(("accuracy",), said.labels, early, said.predictions[:, -1], draws=50)["accuracy"]
        self.assertEqual(rows["0.5"][3:5], ("+0.0", f"{100 * low:+.1f} to {100 * high:+.1f}"))
        self.assertLess(low, high)
        self.assertEqual(rows["0"][4], "")  # the same answers: nothing to draw

    def test_tables_1_and_2(self):
        run = self.run_of()
        operations = {(row[0], row[2]): row[3] for row in kind(sections.operations([run]), Table)[0].rows}
        self.assertEqual(operations["paper", "feed-forward"], "0.262M")  # 2 x 128 tokens x 2 x 16 x 32
        (table,) = kind(sections.comparison([run]), Table)
        self.assertEqual(
            [row[1] for row in table.rows],
            ["plain encoder", "FastBERT, speed 0.1", "FastBERT, speed 0.5", "FastBERT, speed 0.8"],
        )
        self.assertEqual(table.rows[0][3], "0.9750")  # 39 of 40

    def test_ablation_is_found_among_the_runs(self):
        run, other = self.run_of(), self.run_of("other", distilled=False)
        (table,) = kind(sections.ablation([run, other]), Table)
        self.assertEqual(
            [row[0].split(" (")[0].split(",")[0] for row in table.rows],
            ["FastBERT", "without self-distillation", "without adaptive inference"] * 2,
        )
        self.assertEqual(table.rows[0][1:], table.rows[1][1:])  # the same answers
        self.assertEmpty(kind(sections.ablation([run, other]), Missing))
        (missing,) = kind(sections.ablation([run]), Missing)
        self.assertIn("--no_self_distillation", missing.command)

    def test_policies_on_one_half(self):
        section = sections.policies(self.run_of())
        (table,) = kind(section, Table)
        self.assertContainsSubset(["normalized_entropy", "patience", "learned_exit"], by_first(table))
        self.assertRegex(
            by_first(table)["normalized_entropy"]["0.3"], r"^\d\.\d\dx \d\.\d{3} \(\d\.\d{3} - \d\.\d{3}\)$"
        )
        self.assertIn("one half of the rows (20)", kind(section, Paragraph)[0].text)

    def test_certificate_in_words(self):
        section = sections.guarantee(self.run_of())
        promise = kind(section, Paragraph)[0].text
        self.assertStartsWith(promise, "With 90 % confidence, at speed 0.25 at most 5 % of rows like")
        self.assertIn("2.50 times less work", promise)
        self.assertEqual(by_first(kind(section, Table)[0])["of them lost"], {"value": "11"})
        self.assertEmpty(kind(section, Missing))

    def test_certificate_of_another_classifier(self):
        folder = write_run(self.folder / "run")
        write_certificate(certificate("other"), folder / "calibration")
        (run,) = read_runs([folder])
        self.assertEqual((run.is_certified, run.shown_speed), (False, 0.5))
        self.assertIn("another classifier", kind(sections.guarantee(run), Missing)[0].text)

    def test_certificate_of_nothing_faster(self):
        folder = write_run(self.folder / "run")
        write_certificate(certificate(speed=0.0), folder / "calibration")
        (run,) = read_runs([folder])
        self.assertStartsWith(kind(sections.guarantee(run), Paragraph)[0].text, "No speed above 0 was shown")
        self.assertEqual(run.shown_speed, 0.5)

    def test_model_card(self):
        card = by_first(kind(sections.model_card(self.run_of()), Table)[0])
        said = {name: cell["value"] for name, cell in card.items()}
        self.assertEqual((said["labels"], said["training rows"], said["seed"]), ("2: bad, good", "1,234", "7"))
        self.assertEqual(said["time of training"], "3 minutes, 2 epochs")
        self.assertRegex(said["accuracy of the plain encoder"], r"^0\.9750 \(95 %: 0\.\d+ to 1\.000\)$")


class ReportTest(RunsCase):
    def test_what_is_not_stored_is_left_out_with_a_command(self):
        run = self.run_of("older", whole=False, classifier=True)
        document = report_document([run])
        missing = [block for section in document.sections for block in kind(section, Missing)]
        commands = [block.command for block in missing if block.command]
        self.assertGreaterEqual(len(commands), 6)
        for command in commands:
            parse(shlex.split(command))  # ends the process where it is not understood
        self.assertTrue(any("--store_texts" in command for command in commands))
        self.assertTrue(any("fastbert calibrate" in command for command in commands))
        self.assertNotIn("None", " ".join(block.text for block in missing))

    def test_unlabelled_rows(self):
        run = self.run_of(labelled=False)
        document = report_document([run])
        captions = [block.caption for section in document.sections for block in kind(section, Picture)]
        self.assertFalse(any("Figure 4" in caption or "Figure 3 a" in caption for caption in captions))
        (table,) = [block for block in kind(sections.disagreement(run), Table) if block.header[0] == "layer"]
        self.assertEqual(table.header, ("layer", "left here", "differ"))

    def test_every_table_and_figure_of_the_paper(self):
        document = report_document([self.run_of(), self.run_of("other", distilled=False)])
        words = [section.title for section in document.sections]
        for section in document.sections:
            words += [block.caption for block in kind(section, (Picture, Table))]
        for name in ("Table 1", "Table 2", "Table 3", "Figure 3 a", "Figure 3 b", "Figure 3 c", "Figure 4", "Figure 5",
                     "Figure 6", "Figure 7"):  # fmt: skip
            self.assertTrue(any(text.startswith(name) for text in words), name)
        names = [block.name for section in document.sections for block in kind(section, Picture)]
        self.assertLen(set(names), len(names))

    def test_epochs_that_were_not_observed(self):
        run = self.run_of()
        epochs = [{name: value for name, value in epoch.items() if name != "observed"} for epoch in run.history or []]
        older = replace(run, history=epochs)
        (missing,) = kind(sections.convergence(older), Missing)
        self.assertIn("--observe_speed", missing.text)
        self.assertLen(kind(sections.convergence(older), Picture), 1)  # the losses

    def test_intervals_are_drawn_later_where_answers_are_stored(self):
        folder = write_run(self.folder / "run")
        (run,) = read_runs([folder])
        stored = folder / "evaluation" / "evaluation.json"
        older = replace(run.report, curve=replace(run.curve, draws=0))

        stored.write_text(json.dumps(older.to_dict()))
        (again,) = read_runs([folder])
        self.assertEqual(again.curve.draws, 2000)
        np.testing.assert_allclose(again.curve.full_depth.intervals["accuracy"][1], 1)

    def test_command(self):
        code, out, _ = fastbert("report", write_run(self.folder / "run"), "--output", self.folder / "out")
        self.assertEqual(code, 0)
        self.assertEqual(out.strip(), str(self.folder / "out" / "report.html"))
        page = (self.folder / "out" / "report.html").read_text(encoding="utf-8")
        self.assertNotIn("<script", page)
        self.assertIn("&lt;script&gt;alert", page)
        markdown = (self.folder / "out" / "report.md").read_text(encoding="utf-8")
        for name in re.findall(r"\]\((figures/[^)]+)\)", markdown):
            self.assertTrue((self.folder / "out" / name).is_file(), name)

    def test_bad_folders(self):
        code, _, err = fastbert("report", self.folder / "none", "--output", self.folder / "out")
        self.assertEqual(code, 1)
        self.assertIn("holds no evaluation", err)
        folder = write_run(self.folder / "run")
        (folder / "history.json").write_text("{")
        code, _, err = fastbert("report", folder, "--output", self.folder / "out")
        self.assertEqual(code, 1)
        self.assertIn("history.json is damaged", err)
        self.assertFalse((self.folder / "out").exists())

    def test_commands_evaluate_as_before(self):
        run = self.run_of(classifier=True)
        self.assertEndsWith(evaluate_command(run, "--store_texts"), "/evaluation --store_texts")
        self.assertEqual(evaluate_command(replace(run, classifier=None)), "")  # nothing to evaluate
        curve = replace(run.curve, exit_policy=Patience(1).to_dict(), points=run.curve.points[:2])
        other = replace(run, report=replace(run.report, precision="int8", curve=curve), settings=None)
        command = evaluate_command(other)
        parse(shlex.split(command))
        for words in ("--data FILE", "--precision int8", "--calibration FILE", "--speeds 0,0.1"):
            self.assertIn(words, command)
        said = shlex.split(command)
        self.assertEqual(policy_of(said[said.index("--policy") + 1], 3), Patience(1))

    def test_one_layer(self):
        section = sections.policies(replace(self.run_of(), outputs=outputs().take(np.arange(1))))
        self.assertIn("two rows", kind(section, Missing)[0].text)

    def test_who_was_not_told_to_be_self_distilled(self):
        section = sections.ablation([replace(self.run_of(), settings=None)])
        self.assertEmpty(kind(section, Table))

    def test_names_of_pictures_differ_where_runs_do(self):
        figure = Figure()
        names = {picture(name, figure, "").name for name in ("a.b", "a b", "模", "型")}
        self.assertLen(names, 4)
        self.assertTrue(all(re.fullmatch(r"[\w-]+", name, re.ASCII) for name in names))

    def test_a_run_named_twice(self):
        folder = write_run(self.folder / "run")
        with self.assertRaisesRegex(ValueError, "named twice"):
            read_runs([folder, self.folder / "x" / ".." / "run"])

    def test_runs_of_the_same_name(self):
        folders = [write_run(self.folder / part / "run", whole=False) for part in ("a", "b")]
        self.assertEqual([run.name for run in read_runs(folders)], [str(folder) for folder in folders])
        self.assertEqual(read_runs([folders[0] / "evaluation"])[0].name, "evaluation")


if __name__ == "__main__":
    tf.test.main()
