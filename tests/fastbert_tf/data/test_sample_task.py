import collections
import re

import numpy as np
import tensorflow as tf

from fastbert_tf.data import load_task, make_sample_task
from fastbert_tf.data.sample_grammar import DIFFICULTIES, review
from fastbert_tokenizers import WordPieceTokenizer

POSITIVE = set(re.findall(r"\w+", "great excellent superb lovely brilliant reliable sturdy perfect love like enjoy"))
NEGATIVE = set(re.findall(r"\w+", "awful terrible poor useless dreadful flimsy faulty horrible hate dislike regret"))
NEGATIONS = {"not", "never", "nothing"}


def polarity(clause):
    """Reads one clause as a person would: the one word of opinion, turned around by a negation."""
    words = re.findall("[a-z]+", clause.lower())
    opinions = [1 if word in POSITIVE else 0 for word in words if word in POSITIVE | NEGATIVE]
    (opinion,) = opinions
    return 1 - opinion if NEGATIONS & set(words) else opinion


def judge(text):
    """Returns (label, difficulty) of a review, worked out without the grammar."""
    sentence = text.split(". ")[-1].lower()
    conjunction = re.search(", but|^although|, although", sentence)
    if conjunction is None:
        return polarity(sentence), "negated" if NEGATIONS & set(re.findall("[a-z]+", sentence)) else "plain"
    first, second = sentence.split(", ", 1)
    verdict, aside = (second, first) if conjunction.group() in (", but", "although") else (first, second)
    assert polarity(aside) == 1 - polarity(verdict)
    negated = NEGATIONS & set(re.findall("[a-z]+", sentence))
    return polarity(verdict), "mixed" if negated else "contrasted"


class SampleTaskTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.task = make_sample_task()

    def test_labels_and_difficulties_are_what_the_texts_say(self):
        for name, part in self.task.parts.items():
            difficulties = self.task.difficulties[name]
            for text, label, difficulty in zip(part.texts, part.labels, difficulties, strict=True):
                self.assertEqual(judge(text), (label, difficulty), text)

    def test_sizes_classes_and_difficulties_are_balanced(self):
        self.assertEqual(
            {name: len(part) for name, part in self.task.parts.items()}, {"train": 3000, "dev": 600, "test": 600}
        )
        for name, part in self.task.parts.items():
            self.assertAllEqual(np.bincount(part.labels), [len(part) // 2] * 2)
            counts = collections.Counter(zip(self.task.difficulties[name], part.labels.tolist(), strict=True))
            shares = {"plain": 0.25, "negated": 0.1, "contrasted": 0.1, "mixed": 0.05}
            self.assertEqual(counts, {(kind, label): shares[kind] * len(part) for kind in shares for label in (0, 1)})

    def test_no_text_twice(self):
        texts = [text for part in self.task.parts.values() for text in part.texts]
        self.assertLen(set(texts), len(texts))

    def test_rows_are_in_random_order(self):
        labels = self.task.train.labels
        self.assertBetween(int((labels[1:] != labels[:-1]).sum()), 1300, 1700)

    def test_the_seed_decides_the_task(self):
        small = [make_sample_task(40, 20, 20, seed=seed) for seed in (1, 1, 2)]
        self.assertEqual(small[0].train.texts, small[1].train.texts)
        self.assertNotEqual(small[0].train.texts, small[2].train.texts)

    def test_words_alone_do_not_decide_contrasted_reviews(self):
        """The clauses of a contrasted review in the other order mean the opposite: the order of words decides."""
        generator = np.random.default_rng(0)
        flipped = 0
        for _ in range(200):
            text = review(generator, "contrasted", 1).split(". ")[-1]
            if ", but " in text:
                first, second = text.lower().rstrip(".").split(", but ")
                other = f"{second}, but {first}"
                self.assertCountEqual(re.findall(r"\w+", text.lower()), re.findall(r"\w+", other))
                self.assertEqual((judge(text)[0], judge(other)[0]), (1, 0))
                flipped += 1
        self.assertGreater(flipped, 20)

    def test_counting_words_decides_plain_reviews_only(self):
        right = collections.defaultdict(list)
        for text, label, kind in zip(
            self.task.test.texts, self.task.test.labels, self.task.difficulties["test"], strict=True
        ):
            words = re.findall("[a-z]+", text.lower())
            balance = sum(word in POSITIVE for word in words) - sum(word in NEGATIVE for word in words)
            right[kind].append(0.5 if balance == 0 else float((balance > 0) == label))
        scores = {kind: np.mean(right[kind]) for kind in DIFFICULTIES}
        self.assertEqual((scores["plain"], scores["negated"], scores["contrasted"]), (1.0, 0.0, 0.5))
        self.assertBetween(scores["mixed"], 0.3, 0.7)

    def test_the_vocabulary_knows_every_word_and_spells_any_other(self):
        tokenizer = WordPieceTokenizer(self.task.vocabulary)
        for part in self.task.parts.values():
            ids = tokenizer.encode(list(part.texts))["token_ids"]
            self.assertNotIn(self.task.vocabulary.unknown_id, ids.flat_values.numpy())
            words = [len(re.findall(r"\w+|[^\w\s]", text)) for text in part.texts]
            self.assertAllEqual(ids.row_lengths(), np.array(words) + 2)  # one token a word
        pieces = tokenizer.encode(["Zyx 2nd?"])["token_ids"].flat_values.numpy()
        self.assertEqual(
            [self.task.vocabulary.tokens[piece] for piece in pieces[1:-1]], ["z", "##y", "##x", "2", "##n", "##d", "?"]
        )
        self.assertLess(len(self.task.vocabulary), 400)

    def test_load_task_needs_no_folder(self):
        self.assertEqual(load_task("sample").train.texts, self.task.train.texts)

    def test_sizes_are_checked(self):
        with self.assertRaisesRegex(ValueError, "dev must be 20 to 20000 rows, received 4"):
            make_sample_task(dev=4)

    def test_the_largest_task_ends(self):
        task = make_sample_task(train=20_000, dev=20_000, test=20_000)
        self.assertLen({text for part in task.parts.values() for text in part.texts}, 60_000)
