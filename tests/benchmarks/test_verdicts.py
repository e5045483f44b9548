"""What the first table of docs/performance.md makes of stored results."""

import tensorflow as tf
from harness.performance import verdicts


def times(**milliseconds):
    """Rows of one task and kind, by engine."""
    return [
        {"task": "sst2", "batch_size": 32, "from": "tokens", "engine": name.replace("_", " "), "ms_per_row": ms}
        for name, ms in milliseconds.items()
    ]


class VerdictTest(tf.test.TestCase):
    def test_parts_that_were_not_run_are_not_measured(self):
        parts = ("dense", "real", "adaptive", "chosen", "accuracy", "tokenization")
        table = verdicts.verdict_table(dict.fromkeys(parts))
        self.assertEqual(table.count("not measured"), 6)
        self.assertIn("| 4. part `chosen` |  | not measured |", table)

    def test_every_ratio_must_reach_the_limit(self):
        self.assertEqual(verdicts.at_least("a", 2.5, {"x": 2.5, "y": 3.0}), ("a", "2.50x (x), 3.00x (y)", "reached"))
        self.assertEqual(verdicts.at_least("a", 2.5, {"x": 2.499, "y": 3.0})[2], "missed")
        self.assertEqual(verdicts.at_least("a", 2.5, {})[2], "not measured")

    def test_dense_compares_speeds_and_the_share_of_the_peak(self):
        milliseconds = {
            "onnxruntime int8": {1: 40.0, 8: 40.0, 32: 44.0},
            "packed int8": {1: 90.0, 8: 40.0, 32: 40.0},
            "packed int8, shared operations": {1: 50.0, 8: 41.0},
        }
        rows = [
            {"engine": engine, "batch_size": size, "ms_per_row": ms, "gops": 22000 / ms}
            for engine, of_size in milliseconds.items()
            for size, ms in of_size.items()
        ]
        peaks = {"float32": 200.0, "bfloat16": 400.0, "int8": 800.0}
        found = list(verdicts.dense({"rows": rows, "peaks": peaks}))
        self.assertEqual(found[0].verdict, "not measured")
        self.assertEqual(found[2][1:], ("1.00x (batch 8), 1.10x (batch 32)", "reached"))
        self.assertEqual(found[3][1:], ("0.80x (batch 1)", "reached"))
        self.assertIn("550 GOP/s, 69% (batch 32)", found[6].measured)

    def test_real_judges_sorted_rows_and_rows_as_they_come(self):
        result = {
            "rows": times(padded_float32=5.0, packed_int8=2.0),
            "arrival": times(padded_float32=8.0, packed_int8=2.0),
        }
        in_order, as_they_come = verdicts.real(result)
        self.assertEqual(in_order[1:], ("2.50x (sst2, batch 32)", "missed"))
        self.assertEqual(as_they_come[1:], ("4.00x (sst2, batch 32)", "reached"))
        self.assertEqual([row.verdict for row in verdicts.real({"rows": []})], ["not measured"] * 2)

    def test_adaptive_judges_speeds_at_which_rows_stay_for_two_layers(self):
        rows = [
            {"stack": "packed int8", "batch_size": 32, "speed": speed, "mean_exit_layer": layer, "speedup": gain,
             "executed_speedup": saved}
            for speed, layer, gain, saved in ((0.2, 3.0, 1.9, 2.0), (0.4, 2.0, 2.7, 3.0), (0.8, 1.5, 1.0, 4.0))
        ]  # fmt: skip
        never = [
            {"shape": "BERT-base", "exits": exits, "batch_size": 1, "slower": slower}
            for exits, slower in (("all", 0.031), ("the scheduler's: 4, 12", -0.01))
        ]
        found = list(verdicts.adaptive({"speeds": rows, "never": never}))
        self.assertEqual(found[0][1:], ("lowest 0.90 (at speed 0.4) of 2 speeds", "reached"))
        self.assertEqual(found[1].verdict, "not measured")
        self.assertEqual(
            [row[1:] for row in found[2:4]], [("+3.1 % (batch 1)", "missed"), ("-1.0 % (batch 1)", "reached")]
        )
        self.assertIn("the scheduler's: 4, 12", found[3].asked)

    def test_chosen_judges_accuracy_and_both_rivals(self):
        engines = {
            "packed int8": 1.0,
            verdicts.SCHEDULED: 0.8,
            "onnxruntime int8": 2.4,
            "onnxruntime int8, rows split": 2.5,
        }
        rows = [
            {"engine": name, "batch_size": size, "from": source, "clients": clients, "ms_per_row": ms / clients}
            for name, ms in engines.items()
            for size in (1, 32)
            for source in ("tokens", "texts")
            for clients in (1, 2)
        ]
        rows.append({"engine": "fastbert package", "batch_size": 1, "from": "texts", "clients": 1, "ms_per_row": 9.0})
        accuracy = {"padded float32": 0.91, "packed int8": 0.905, verdicts.SCHEDULED: 0.904}
        reported = {"accuracy": {name: {"accuracy": value} for name, value in accuracy.items()}}
        found = list(verdicts.chosen({"speed": 0.3, "reported": reported, "times": rows}))
        self.assertEqual([row.verdict for row in found[:4]], ["reached", "missed", "missed", "missed"])
        self.assertEqual([row.verdict for row in found[4:]], ["missed", "reached", "reached", "reached"])
        self.assertStartsWith(found[5].measured, "3.00x (batch 1; 3.00x with one call at a time), 3.00x (batch 32")
        self.assertEqual(found[7].measured, "11.25x (batch 1)")

    def test_accuracy_may_fall_by_half_a_point_and_rise_by_anything(self):
        rows = [
            {"task": "sst2", "engine": engine, "speed": speed, "accuracy": value}
            for speed, values in ((0.0, (0.92, 0.93, 0.915)), (0.4, (0.91, 0.904, 0.91)))
            for engine, value in zip(("packed float32", "packed int8", "packed bfloat16"), values, strict=True)
        ]
        found = list(
            verdicts.accuracy({"rows": rows, "tasks": {"sst2": {"speed": 0.4}}, "megabytes": {"packed int8": 29.99}})
        )
        self.assertEqual([row.verdict for row in found], ["reached", "missed", "reached", "reached", "reached"])
        self.assertEqual(found[1].measured, "-0.60 points (sst2, speed 0.4)")

    def test_tokenization_is_compared_with_and_without_arrays(self):
        milliseconds = {"graph_tokenizer": 2.0, "hugging_face_tokenizer": 3.0, "hugging_face_encode": 1.0}
        rows = [{"task": "a", "batch_size": 1, "engine": name, "ms_per_row": ms} for name, ms in milliseconds.items()]
        with_arrays, without = verdicts.tokenization({"rows": rows})
        self.assertEqual(with_arrays[1:], ("1.50x (a, batch 1)", "reached"))
        self.assertEqual(without[1:], ("0.50x (a, batch 1)", "missed"))


if __name__ == "__main__":
    tf.test.main()
