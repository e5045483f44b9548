import csv
import json
import pathlib

import tensorflow as tf

from fastbert_tf.data import read_table


class TableTestCase(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.get_temp_dir())

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def assert_refused(self, message, path, **columns):
        with self.assertRaisesRegex(ValueError, message) as raised:
            read_table(path, **columns)
        self.assertNotIn("\n", str(raised.exception))


class ReadTsvTest(TableTestCase):
    def test_quotes_are_text_and_a_mark_and_carriage_returns_are_not(self):
        path = self.write("a.tsv", '\ufefflabel\ttext\r\n1\t"open quote\r\n0\tsays "no" , twice\r\n')
        dataset = read_table(path, text="text", label="label", label_names=["no", "yes"])
        self.assertEqual(dataset.texts, ('"open quote', 'says "no" , twice'))
        self.assertAllEqual(dataset.labels, [1, 0])

    def test_columns_by_index_without_header_and_pairs(self):
        path = self.write("a.txt", "first\tyes\tsecond\nthird\tno\tfourth")
        dataset = read_table(path, text=2, text_pair=0, label=1)
        self.assertEqual((dataset.texts, dataset.text_pairs), (("second", "fourth"), ("first", "third")))
        self.assertEqual(dataset.label_names, ("no", "yes"))
        self.assertAllEqual(dataset.labels, [1, 0])

    def test_columns_by_index_below_a_header(self):
        self.assertEqual(read_table(self.write("a.tsv", "text\nfirst\n"), text=0, header=True).texts, ("first",))

    def test_columns_by_name_and_by_index_together(self):
        dataset = read_table(self.write("a.tsv", "text\tlabel\nfirst\tx\nsecond\ty"), text="text", label=1)
        self.assertEqual(dataset.label_names, ("x", "y"))

    def test_empty_text_is_a_row_and_an_empty_line_is_not(self):
        dataset = read_table(self.write("a.tsv", "text\tlabel\n\tx\n\nsecond\ty\n\n"), text="text", label="label")
        self.assertEqual(dataset.texts, ("", "second"))

    def test_a_text_of_a_megabyte(self):
        text = "word " * 200_000
        self.assertEqual(read_table(self.write("a.tsv", text), text=0).texts, (text,))

    def test_missing_columns_name_the_columns_found(self):
        path = self.write("a.tsv", "sentence\tlabel\ta\ta\nx\t0\t1\t2\n")
        self.assert_refused(
            r"a\.tsv has no column 'text'; the columns found are sentence, label, a, a", path, text="text"
        )
        self.assert_refused("no column 4; it has the columns 0 to 3", path, text=4)
        self.assert_refused("more than one column 'a'", path, text="a")

    def test_a_row_of_another_width_is_named(self):
        self.assert_refused(
            r"a\.tsv:3 has 3 columns, the first line has 2", self.write("a.tsv", "a\tb\n1\t2\n1\t2\t3\n"), text="a"
        )
        self.assert_refused(r"a\.tsv:2 has 1 columns, the first line has 2", self.write("a.tsv", "1\t2\n1\n"), text=0)

    def test_files_without_rows(self):
        self.assert_refused("is empty", self.write("a.tsv", ""), text="a")
        self.assert_refused("holds no rows", self.write("b.tsv", "a\tb\n"), text="a")
        self.assert_refused("holds no rows", self.write("c.tsv", "\n\n"), text="a")

    def test_arguments_that_make_no_sense(self):
        path = self.write("a.tsv", "a\tb\n1\t2\n")
        self.assert_refused("received -1", path, text=-1)
        self.assert_refused("received True", path, text=True)
        self.assert_refused("'a' twice", path, text="a", label="a")
        self.assert_refused("needs a header line", path, text="a", header=False)
        self.assert_refused("tsv, csv or jsonl, received '.dat'", self.write("a.dat", "a"), text=0)
        self.assert_refused("received 'xlsx'", path, text=0, file_format="xlsx")
        self.assertEqual(read_table(self.write("b.dat", "x"), text=0, file_format="tsv").texts, ("x",))


class LabelsTest(TableTestCase):
    def labels(self, values, label_names=None):
        path = self.write("labels.tsv", "".join(f"text\t{value}\n" for value in values))
        dataset = read_table(path, text=0, label=1, label_names=label_names)
        return dataset.labels.tolist(), dataset.label_names

    def test_names_or_ids(self):
        self.assertEqual(self.labels(["good", "bad"], ["bad", "good"]), ([1, 0], ("bad", "good")))
        self.assertEqual(self.labels(["1", "0", " 1 "], ["bad", "good"]), ([1, 0, 1], ("bad", "good")))

    def test_names_that_look_like_ids_are_names(self):
        self.assertEqual(self.labels(["1", "2"], ["2", "1"]), ([1, 0], ("2", "1")))

    def test_names_taken_from_the_file_are_sorted_as_words_or_numbers(self):
        self.assertEqual(self.labels(["b", "a", "10"]), ([2, 1, 0], ("10", "a", "b")))
        self.assertEqual(self.labels(["10", "9", "1"]), ([2, 1, 0], ("1", "9", "10")))

    def test_unknown_labels_are_named_with_file_line_and_known_labels(self):
        cases = [
            (["good", "bad", "ugly"], r"labels\.tsv:3 has the unknown label 'ugly'; the 2 known labels are bad, good"),
            (["0", "2"], r"labels\.tsv:2 has the unknown label '2'.*ids 0 to 1"),
            (["good", "0"], r"labels\.tsv:2 has the unknown label '0'"),
            (["-1"], r"labels\.tsv:1 has the unknown label '-1'"),
            (["1.0"], "unknown label '1.0'"),
        ]
        for values, message in cases:
            with self.subTest(values), self.assertRaisesRegex(ValueError, message):
                self.labels(values, ["bad", "good"])
        with self.assertRaisesRegex(ValueError, r"labels\.tsv:2 has an empty label"):
            self.labels(["a", ""])


class ReadCsvTest(TableTestCase):
    def test_reads_what_the_standard_writer_wrote(self):
        rows = [
            ["plain", "a"],
            ['comma, "quotes" and\nline end', "b"],
            ["", "a"],
            ["\u2028 separator", "b"],
            ["x" * 200_000, "a"],
        ]
        path = self.folder / "a.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([["text", "label"], *rows])
        limit = csv.field_size_limit()
        dataset = read_table(path, text="text", label="label")
        self.assertEqual(dataset.texts, tuple(text for text, _ in rows))
        self.assertAllEqual(dataset.labels, [0, 1, 0, 1, 0])
        self.assertEqual(csv.field_size_limit(), limit)

    def test_faults_are_named_with_the_line_where_the_row_begins(self):
        self.assert_refused(
            r"a\.csv:3 is not valid CSV", self.write("a.csv", 'text\nok\n"never closed\nmore\n'), text="text"
        )
        path = self.write("a.csv", 'text,label\n"two\nlines",x\nnext,y\n')
        self.assert_refused(r"a\.csv:4 has the unknown label 'y'", path, text="text", label="label", label_names=["x"])


class ReadJsonLinesTest(TableTestCase):
    def test_names_and_ids_and_columns_in_any_order(self):
        records = [{"label": 1, "a": "tab\tand \u2028", "b": "x"}, {"b": "y", "a": "", "label": 0, "more": None}]
        path = self.write("a.jsonl", "\n".join(json.dumps(record) for record in records) + "\r\n\n")
        dataset = read_table(path, text="a", text_pair="b", label="label", label_names=["no", "yes"])
        self.assertEqual((dataset.texts, dataset.text_pairs), (("tab\tand \u2028", ""), ("x", "y")))
        self.assertAllEqual(dataset.labels, [1, 0])

    def test_faults_are_named_with_the_line(self):
        good = '{"a": "x", "label": "p"}\n'
        for line, message in [
            ("{", r"a\.jsonl:2 is not JSON \(Expecting property name"),
            ("[" * 100_000, r"a\.jsonl:2 is not JSON"),
            ("[1]", r"a\.jsonl:2 must be a JSON object, received list"),
            ('{"text": "x", "label": "p"}', r"a\.jsonl:2 has no column 'a'; the columns found are text, label"),
            ('{"a": null, "label": "p"}', r"a\.jsonl:2: column 'a' must be a string, received NoneType"),
            ('{"a": 3, "label": "p"}', "must be a string, received int"),
            ('{"a": "x", "label": true}', "must be a string, received bool"),
            ('{"a": "\\ud83d", "label": "p"}', r"a\.jsonl:2: column 'a' holds a lone surrogate"),
        ]:
            with self.subTest(message):
                self.assert_refused(message, self.write("a.jsonl", good + line), text="a", label="label")
        self.assert_refused("columns found are a, label", self.write("a.jsonl", good), text=0)
