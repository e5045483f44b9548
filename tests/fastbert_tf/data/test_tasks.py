import os
import pathlib
import unittest
import unittest.mock

import numpy as np
import tensorflow as tf

from fastbert_tf.data import DATA_VARIABLE, TASKS, Task, TextDataset, load_task

FOLDER = os.environ.get(DATA_VARIABLE)
needs_data = unittest.skipUnless(FOLDER, f"set {DATA_VARIABLE} to the folder of the task files")


@needs_data
class RealTasksTest(tf.test.TestCase):
    # Rows and class counts were counted with grep and awk, not with the readers under test.
    def check(self, name, sizes, first_class, metrics, texts, pairs=None):
        """Checks part sizes, rows of the class with id 0, metrics and the first text (pair) of each part."""
        task = load_task(name)
        self.assertEqual(tuple(len(part) for part in task.parts.values()), sizes)
        self.assertEqual(tuple(int((part.labels == 0).sum()) for part in task.parts.values()), first_class)
        self.assertEqual(task.metrics, metrics)
        self.assertEqual(tuple(part.texts[0] for part in task.parts.values()), texts)
        if pairs is not None:
            self.assertEqual(tuple(part.text_pairs[0] for part in task.parts.values()), pairs)
        self.assertEqual(task.is_pair, pairs is not None)
        return task

    def test_sst2(self):
        texts = ("hide new secretions from the parental units ", "it 's a charming and often affecting journey . ")
        task = self.check("sst2", (67349, 872), (29780, 428), ("accuracy",), texts)
        self.assertEqual([task.label_names[label] for label in task.dev.labels[:2]], ["positive", "negative"])

    def test_mrpc_whose_quotes_are_text_and_whose_dev_file_has_a_mark(self):
        texts = (
            'Amrozi accused his brother , whom he called " the witness " , of deliberately distorting his evidence .',
            "He said the foodservice pie business doesn 't fit the company 's long-term growth strategy .",
        )
        pairs = (
            'Referring to him as only " the witness " , Amrozi accused his brother of deliberately distorting his '
            "evidence .",
            '" The foodservice pie business does not fit our long-term growth strategy .',
        )
        task = self.check("mrpc", (3668, 408), (1194, 129), ("f1", "accuracy"), texts, pairs)
        self.assertEqual(task.label_names[1], "equivalent")  # F1 is that of class 1

    def test_cola(self):
        texts = (
            "Our friends won't buy this analysis, let alone the next one we propose.",
            "The sailors rode the breeze clear of the rocks.",
        )
        self.check("cola", (8551, 1043), (2528, 322), ("matthews", "accuracy"), texts)

    def test_rte(self):
        task = load_task("rte")
        self.assertEqual((len(task.train), len(task.dev), task.test), (2490, 277, None))
        self.assertEqual((int((task.train.labels == 0).sum()), int((task.dev.labels == 0).sum())), (1249, 146))
        self.assertEqual(task.train.text_pairs[0], "Weapons of Mass Destruction Found in Iraq.")
        self.assertEqual(task.label_names[task.train.labels[0]], "not_entailment")

    def test_sick_whose_test_file_has_carriage_returns(self):
        task = load_task("sick")
        self.assertEqual(tuple(len(part) for part in task.parts.values()), (4500, 500, 4927))
        self.assertAllEqual(np.bincount(task.test.labels), [1414, 2793, 720])
        self.assertEqual(task.test.texts[0], "There is no boy playing outdoors and there is no man smiling")
        self.assertTrue(task.is_pair)
        self.assertEqual(task.num_classes, 3)

    def test_ag_news_keeps_its_parts_apart_and_says_so(self):
        task = load_task("ag_news")
        self.assertLen(task.test, 7600)
        self.assertAllEqual(np.bincount(task.test.labels), [1900] * 4)
        train, dev, test = (set(part.texts) for part in task.parts.values())
        self.assertEmpty(train & test)
        self.assertEmpty(dev & test)
        self.assertEmpty(train & dev)
        lines = (pathlib.Path(FOLDER) / "ag_news/train_10k.tsv").read_bytes().decode().split("\n")
        unseen = [line for line in lines if line and line.split("\t")[0] not in test]
        dropped = 10001 - len(unseen)
        self.assertIn(f"dropped {dropped} train rows", task.notes[0])
        self.assertLessEqual(len(unseen) - len(task.train) - len(task.dev), 20)  # repeats between train and dev
        self.assertEqual(len(task.dev), round(0.1 * len(unseen)))
        self.assertEqual(load_task("ag_news").dev.texts, task.dev.texts)
        self.assertEqual(task.label_names, ("World", "Sports", "Business", "Sci/Tech"))

    def test_chinese_reviews(self):
        for name, class_zero in [("book_review", (10219, 5188, 5110)), ("shopping_review", (9447, 4673, 4769))]:
            task = load_task(name)
            self.assertEqual(tuple(len(part) for part in task.parts.values()), (20000, 10000, 10000))
            self.assertEqual(tuple(int((part.labels == 0).sum()) for part in task.parts.values()), class_zero)

    def test_label_names_of_chinese_reviews_say_what_the_reviews_say(self):
        for name in ("book_review", "shopping_review"):
            train = load_task(name).train
            for word, expected in {"很好": "positive", "失望": "negative", "垃圾": "negative"}.items():
                counts = np.bincount(train.labels[[word in text for text in train.texts]], minlength=2)
                self.assertEqual(train.label_names[int(counts.argmax())], expected, (name, word, counts))

    def test_thucnews(self):
        task = load_task("thucnews")
        self.assertEqual(tuple(len(part) for part in task.parts.values()), (33590, 10000, 10000))
        self.assertAllEqual(np.bincount(task.dev.labels), [1000] * 10)
        names = (pathlib.Path(FOLDER) / "thucnews/class.txt").read_text().split()
        self.assertEqual(task.label_names, tuple(names))

    def test_every_task_is_read_here(self):
        tested = {"sst2", "mrpc", "cola", "rte", "sick", "ag_news", "book_review", "shopping_review", "thucnews"}
        self.assertEqual(set(TASKS), tested | {"sample"})


class LoadTaskTest(tf.test.TestCase):
    def test_folder_is_an_argument_or_the_environment_variable(self):
        folder = pathlib.Path(self.get_temp_dir())
        (folder / "glue/SST-2").mkdir(parents=True, exist_ok=True)
        for part in ("train", "dev"):
            (folder / f"glue/SST-2/{part}.tsv").write_text(f"sentence\tlabel\nfine {part}\t1\n")
        self.assertEqual(load_task("sst2", folder).dev.texts, ("fine dev",))
        with unittest.mock.patch.dict(os.environ, {DATA_VARIABLE: str(folder)}):
            self.assertEqual(load_task("sst2").train.texts, ("fine train",))
        with self.assertRaisesRegex(ValueError, "thucnews/train.txt, which does not exist; correct folder or FASTBERT"):
            load_task("thucnews", folder)
        (folder / "glue/SST-2/dev.tsv").unlink()
        with self.assertRaisesRegex(ValueError, "dev.tsv does not exist"):
            load_task("sst2", folder)

    def test_no_folder_and_no_such_task(self):
        with unittest.mock.patch.dict(os.environ):
            os.environ.pop(DATA_VARIABLE, None)
            with self.assertRaisesRegex(
                ValueError, "pass folder or set FASTBERT_DATA to the folder that holds glue/SST-2"
            ):
                load_task("sst2")
        with self.assertRaisesRegex(ValueError, "the tasks are sst2, mrpc.*received 'SST2'"):
            load_task("SST2")


class TaskTest(tf.test.TestCase):
    def test_parts_must_belong_together(self):
        good = TextDataset(["a"], labels=[0], label_names=["x", "y"])
        for part in (
            TextDataset(["a"], label_names=["x", "y"]),
            TextDataset(["a"], labels=[0], label_names=["y", "x"]),
            TextDataset(["a"], ["b"], labels=[0], label_names=["x", "y"]),
        ):
            with self.assertRaisesRegex(ValueError, "every part of task t needs labels.*received dev = TextDataset"):
                Task("t", good, part, None, ("accuracy",), ("x", "y"))
        for metrics in ((), ("accuracy", "speed")):
            with self.assertRaisesRegex(ValueError, "one or more of accuracy, f1, matthews"):
                Task("t", good, good, None, metrics, ("x", "y"))
        three = TextDataset(["a"], labels=[0], label_names=["x", "y", "z"])
        with self.assertRaisesRegex(ValueError, "f1 needs 2 classes, but t has 3"):
            Task("t", three, three, None, ("accuracy", "f1"), ("x", "y", "z"))
