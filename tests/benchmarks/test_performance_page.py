"""docs/performance.md holds what the stored results say."""

import tensorflow as tf
from harness.performance import figures, page
from harness.performance.sections.chosen import chosen_table

from fastbert_tf.config import BackboneConfig, FastBertConfig

CONFIG = FastBertConfig(BackboneConfig(10, 1, 2, 8, 16), 2)

ABOUT = {
    "machine": {"cores": 2, "processor": "chip", "instructions": ["avx2"], "packages": {"tensorflow": "2.20.0"}},
    "threads": 2,
    "turns": 5,
    "commit": "abc1234",
    "minutes": 1.5,
}


class PageTest(tf.test.TestCase):
    def test_page_is_written_from_the_stored_results(self):
        self.assertEqual(page.page(), page.PAGE.read_text(encoding="utf-8"))

    def test_dense_section_has_one_line_an_engine(self):
        rows = [
            {"engine": engine, "batch_size": size, "ms_per_row": time, "gops": 22000 / time}
            for engine, times in {"a": (110.0, 100.0), "b": (44.0, 40.0)}.items()
            for size, time in zip((1, 8), times, strict=True)
        ]
        text = page.dense_section({**ABOUT, "rows": rows, "gflop_per_row": 22.0, "peaks": {"int8": 800.0}})
        self.assertIn("| a | 110.0 | 100.0 | 200 | 220 |", text)
        self.assertIn("| b | 44.0 | 40.0 | 500 | 550 |", text)
        self.assertIn("800 in int8", text)
        self.assertIn("2 threads, chip (2 cores; avx2), 5 turns, 1.5 minutes; tensorflow 2.20.0; commit abc1234.", text)

    def test_real_section_has_one_table_a_task(self):
        rows = [
            {"task": "sst2", "engine": "a", "batch_size": size, "from": source, "ms_per_row": time}
            for size, source, time in ((1, "tokens", 4.0), (1, "texts", 4.5), (32, "tokens", 2.0), (32, "texts", 2.25))
        ]
        answers = {"a": {"accuracy": 0.91, "largest_difference": 2e-7}}
        tasks = {"sst2": {"rows": 872, "mean_tokens": 25.2, "engines": answers}}
        text = page.real_section({**ABOUT, "rows": rows, "tasks": tasks})
        self.assertIn("sst2: 872 rows of 25.2 tokens", text)
        self.assertIn("| a | 4.00 | 4.50 | 2.00 | 2.25 | 0.9100 | 2e-07 |", text)

    def test_profile_section_shows_shares_of_the_call(self):
        part = {"layer": None, "parameters": 1, "bytes": 1, "paper_flops": 0, "executed_flops": 0}
        parts = [
            {**part, "part": "embeddings", "milliseconds": 0.5},
            {**part, "part": "feed_forward", "layer": 1, "milliseconds": 1.0, "executed_flops": 3e8},
        ]
        profile = {
            "schema_version": 1, "config": CONFIG.to_dict(), "batch_size": 1, "length": 25, "parts": parts,
            "idle_ms": 0.5, "whole_ms": 1.75, "steps": [], "repeats": 5, "machine": "chip", "intra_op_threads": 1,
            "inter_op_threads": 1,
        }  # fmt: skip
        text = page.profile_section({**ABOUT, "profiles": [profile]})
        self.assertIn("| embeddings | 0.500 | 25% |  |", text)
        self.assertIn("| feed forward | 1.000 | 50% | 300 |", text)
        self.assertIn("| no operation runs | 0.500 | 25% |  |", text)
        self.assertIn("Batch 1 takes 1.75 ms a row without the profiler.", text)

    def test_adaptive_section_shows_which_share_of_saved_work_is_saved_time(self):
        speed = {
            "stack": "packed int8", "batch_size": 32, "speed": 0.5, "mean_exit_layer": 2.0, "dense_ms_per_row": 3.0,
            "ms_per_row": 1.25, "speedup": 2.4, "executed_speedup": 3.0,
        }  # fmt: skip
        prediction = {
            "export": "auto", "batch_size": 1, "speed": 0.5, "what": "no_exit_ms", "predicted_ms": 2.0,
            "measured_ms": 2.5,
        }  # fmt: skip
        never = {
            "shape": "BERT-base", "exits": "all", "batch_size": 8, "dense_ms_per_row": 40.0, "ms_per_row": 41.0,
            "slower": 0.025,
        }  # fmt: skip
        schedule = {"speed": 0.5, "layers": [2, 4, 6]}
        result = {"speeds": [speed], "never": [never], "predicted": [prediction], "schedule": schedule}
        text = page.adaptive_section({**ABOUT, **result})
        self.assertIn("the exits 2, 4, 6 of", text)
        self.assertIn("| packed int8 | 32 | 0.5 | 2.00 | 3.00 | 1.25 | 2.40x | 3.00x | 0.80 |", text)
        self.assertIn("| auto | 1 | 0.5 | no exit | 2.00 | 2.50 | 1.25 |", text)
        self.assertIn("| BERT-base | all | 8 | 40.00 | 41.00 | +2.5 % |", text)
        self.assertNotIn("on one thread", text)  # as results of older versions were not
        text = page.adaptive_section({**ABOUT, **result, "predicted": [{**prediction, "threads": 1}]})
        self.assertIn("(held-out ones; an export's are those of its evaluation), a batch on one thread, as", text)

    def test_accuracy_section_has_one_column_a_task_and_speed(self):
        rows = [
            {"task": task, "engine": "a", "speed": speed, "accuracy": accuracy}
            for task, speed, accuracy in (("sst2", 0.0, 0.9), ("sst2", 0.5, 0.89), ("mrpc", 0.0, 0.8))
        ]
        rows.append({"task": "sst2", "engine": "theirs", "speed": None, "accuracy": 0.7})
        facts = {"rows": 872, "held_out_rows": 2000}
        tasks = {"sst2": {**facts, "speed": 0.5}, "mrpc": {**facts, "speed": 0.0}}
        text = page.accuracy_section({**ABOUT, "rows": rows, "tasks": tasks, "megabytes": {"a": 28.04}})
        self.assertIn("| engine | sst2, full depth | sst2, speed 0.5 | mrpc, full depth | SST-2's model, MB |", text)
        self.assertIn("| a | 0.9000 | 0.8900 | 0.8000 | 28.0 |", text)
        self.assertIn("| theirs | 0.7000 |  |  |  |", text)

    def test_chosen_table_leaves_out_what_was_not_measured(self):
        times = [
            {"engine": "ours", "batch_size": 1, "from": "tokens", "clients": 1, "ms_per_row": 0.5},
            {"engine": "ours", "batch_size": 1, "from": "tokens", "clients": 2, "ms_per_row": 0.25},
            {"engine": "theirs", "batch_size": 1, "from": "texts", "clients": 1, "ms_per_row": 9.0},
            {"engine": "theirs", "batch_size": 1, "from": "tokens", "clients": 2, "ms_per_row": 1.0},
        ]
        reported = {"ours": {"accuracy": 0.9, "mean_exit_layer": 2.5}, "theirs": {"accuracy": 0.91}}
        held_out = {"ours": {"accuracy": 0.95}}
        result = {"reported": {"accuracy": reported}, "held_out": {"accuracy": held_out}, "times": times}
        text = chosen_table(result)
        self.assertIn("| ours | 2.50 | 0.9500 | 0.9000 | 0.50 | 0.25 |  |", text)
        self.assertIn("| theirs | full depth |  | 0.9100 |  | 1.00 | 9.00 |", text)

    def test_tokenization_counts_texts(self):
        times = {
            "graph_tokenizer": 0.01,
            "empty_graph": 0.002,
            "hugging_face_tokenizer": 0.05,
            "hugging_face_encode": 0.02,
        }
        rows = [{"task": "sst2", "batch_size": 32, "engine": name, "ms_per_row": ms} for name, ms in times.items()]
        text = page.tokenization_section({**ABOUT, "rows": rows})
        self.assertIn("| sst2 | 32 | 100.0 | 20.0 | 50.0 | 5.00x | 2.00x | 64 of 320 |", text)
        self.assertIn("1 thread, chip", text)


class FiguresTest(tf.test.TestCase):
    def test_bars_are_milliseconds(self):
        rows = [
            {"engine": engine, "batch_size": size, "ms_per_row": time}
            for engine, times in {"a": (9.0, 5.0), "b": (4.0, 3.0)}.items()
            for size, time in zip((1, 32), times, strict=True)
        ]
        (axes,) = figures.bars(rows, "title").axes
        self.assertEqual([bar.get_width() for bar in axes.patches], [9.0, 4.0, 5.0, 3.0])
        self.assertEqual([label.get_text() for label in axes.get_yticklabels()], ["a", "b"])

    def test_one_line_a_stack_and_batch_size_and_the_diagonal(self):
        rows = [
            {"stack": "int8", "batch_size": size, "speedup": gain, "executed_speedup": saved}
            for size, gain, saved in ((1, 0.9, 1.0), (1, 1.8, 2.0), (32, 0.95, 1.0))
        ]
        (axes,) = figures.speedups(rows).axes
        single, _, diagonal = axes.lines
        self.assertAllEqual(single.get_xydata(), [[1.0, 0.9], [2.0, 1.8]])
        self.assertAllEqual(diagonal.get_xydata(), [[0.0, 0.0], [2.0, 2.0]])


if __name__ == "__main__":
    tf.test.main()
