import numpy as np
import tensorflow as tf

from fastbert_tf.data import BatchPipeline, TextDataset
from fastbert_tokenizers import Vocabulary, WordPieceTokenizer

WORDS = [chr(ord("a") + number) for number in range(26)]
VOCABULARY = Vocabulary(["[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "[PAD]"])  # padding is not 0
TOKENIZER = WordPieceTokenizer(VOCABULARY, max_sequence_length=16)
NUMBER = {word: place for place, word in enumerate(WORDS)}


def random_dataset(rows, is_pair=False, labelled=True, seed=0):
    """Texts of 0 to 20 random words, whose labels are row numbers, so that a batch tells which rows it holds."""
    generator = np.random.default_rng(seed)

    def texts():
        return [" ".join(generator.choice(WORDS, generator.integers(0, 21))) for _ in range(rows)]

    labels = range(rows) if labelled else None
    return TextDataset(texts(), texts() if is_pair else None, labels, [str(row) for row in range(rows)])


def ids(text, room):
    return [VOCABULARY.id_of(word) for word in text.split()[:room]]


def rows_of(batches):
    """Returns the row numbers in the order of a labelled data set's batches."""
    return np.concatenate([labels.numpy() for _, labels in batches])


class BatchContentTest(tf.test.TestCase):
    def test_every_batch_holds_its_rows_ids_padded_to_its_longest(self):
        dataset = random_dataset(57)
        for features, labels in BatchPipeline(dataset, TOKENIZER, 8).epoch(seed=1):
            expected = [
                [VOCABULARY.start_id, *ids(dataset.texts[row], 14), VOCABULARY.end_id] for row in labels.numpy()
            ]
            longest = max(map(len, expected))
            self.assertAllEqual(
                features["token_ids"], [row + [VOCABULARY.padding_id] * (longest - len(row)) for row in expected]
            )
            self.assertAllEqual(
                features["padding_mask"], [[1] * len(row) + [0] * (longest - len(row)) for row in expected]
            )
            self.assertAllEqual(features["segment_ids"], np.zeros((len(labels), longest)))

    def test_pairs_carry_their_segments(self):
        dataset = TextDataset(["a b", "c"], text_pairs=["d", "e f g"], labels=[0, 1], label_names=["x", "y"])
        pipeline = BatchPipeline(dataset, TOKENIZER, 2)
        ((features, labels),) = pipeline.ordered()
        start, end, pad = VOCABULARY.start_id, VOCABULARY.end_id, VOCABULARY.padding_id
        a, b, c, d, e, f, g = (VOCABULARY.id_of(word) for word in "abcdefg")
        self.assertAllEqual(labels, [0, 1])
        self.assertAllEqual(features["token_ids"], [[start, a, b, end, d, end, pad], [start, c, end, e, f, g, end]])
        self.assertAllEqual(features["segment_ids"], [[0, 0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1]])
        self.assertAllEqual(features["padding_mask"], [[1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1]])
        self.assertAllEqual(pipeline.lengths, [6, 7])

    def test_equals_the_tokenizer_called_on_the_same_rows(self):
        dataset = random_dataset(40, is_pair=True)
        for features, labels in BatchPipeline(dataset, TOKENIZER, 8).epoch(seed=0):
            rows = dataset.take(labels.numpy())
            expected = TOKENIZER(list(rows.texts), list(rows.text_pairs))
            for name in ("token_ids", "segment_ids", "padding_mask"):
                self.assertAllEqual(features[name], expected[name])

    def test_unlabelled_rows_yield_features_alone(self):
        features = next(iter(BatchPipeline(random_dataset(5, labelled=False), TOKENIZER, 8).epoch(seed=0)))
        self.assertCountEqual(features, ["token_ids", "segment_ids", "padding_mask"])

    def test_types_and_shapes_are_known_before_the_first_batch(self):
        features, labels = BatchPipeline(random_dataset(5), TOKENIZER).epoch(seed=0).element_spec
        for spec in features.values():
            self.assertEqual((spec.shape.as_list(), spec.dtype), ([None, None], tf.int32))
        self.assertEqual((labels.shape.as_list(), labels.dtype), ([None], tf.int32))

    def test_strange_texts_have_batches(self):
        texts = ["", " ", "😀" * 50, "\x00", "a " * 500_000, "é" * 1000]
        (features,) = BatchPipeline(TextDataset(texts), TOKENIZER).ordered()
        self.assertEqual(features["token_ids"].shape, [6, 16])

    def test_many_rows_are_tokenised_in_their_order(self):
        dataset = TextDataset([WORDS[row % 26] for row in range(9000)])  # more than are tokenised at a time
        (features,) = BatchPipeline(dataset, TOKENIZER, 9000).ordered()
        expected = [VOCABULARY.id_of(text) for text in dataset.texts]
        self.assertAllEqual(features["token_ids"][:, 1], expected)

    def test_batch_size_is_checked(self):
        for batch_size in (0, -1, 2.0):
            with self.assertRaisesRegex(ValueError, "batch_size must be an integer of at least 1"):
                BatchPipeline(random_dataset(5), TOKENIZER, batch_size)


class EpochOrderTest(tf.test.TestCase):
    def test_every_row_once_and_all_batches_full_but_one(self):
        for rows, batch_size, steps in [(57, 8, 8), (64, 8, 8), (3, 8, 1), (1000, 8, 125), (1001, 8, 126), (7, 1, 7)]:
            with self.subTest(rows=rows, batch_size=batch_size):
                pipeline = BatchPipeline(random_dataset(rows), TOKENIZER, batch_size)
                batches = list(pipeline.epoch(seed=5))
                self.assertLen(batches, steps)
                self.assertEqual((pipeline.steps_per_epoch, len(pipeline.epoch(seed=5))), (steps, steps))
                self.assertCountEqual(rows_of(batches), range(rows))
                self.assertLessEqual(sum(len(labels) < batch_size for _, labels in batches), 1)

    def test_the_seed_decides_the_order(self):
        pipeline, again = (BatchPipeline(random_dataset(200), TOKENIZER, 8) for _ in range(2))
        self.assertAllEqual(rows_of(pipeline.epoch(seed=1)), rows_of(again.epoch(seed=1)))
        self.assertNotAllEqual(rows_of(pipeline.epoch(seed=1)), rows_of(pipeline.epoch(seed=2)))

    def test_an_epoch_can_be_read_twice(self):
        epoch = BatchPipeline(random_dataset(50), TOKENIZER, 8).epoch(seed=1)
        self.assertAllEqual(rows_of(epoch), rows_of(epoch))

    def test_skip_resumes_at_every_batch(self):
        pipeline = BatchPipeline(random_dataset(57), TOKENIZER, 8)
        whole = list(pipeline.epoch(seed=3))
        for skip in range(pipeline.steps_per_epoch + 1):
            rest = list(pipeline.epoch(seed=3, skip=skip))
            self.assertLen(rest, len(whole) - skip)
            self.assertLen(pipeline.epoch(seed=3, skip=skip), len(whole) - skip)
            for (features, labels), (expected_features, expected_labels) in zip(rest, whole[skip:], strict=True):
                self.assertAllEqual(labels, expected_labels)
                self.assertAllEqual(features["token_ids"], expected_features["token_ids"])
        for skip in (-1, pipeline.steps_per_epoch + 1):
            with self.assertRaisesRegex(ValueError, r"skip must lie in \[0, 8\]"):
                pipeline.epoch(seed=3, skip=skip)

    def test_rows_of_like_length_share_a_batch(self):
        pipeline = BatchPipeline(random_dataset(2000), TOKENIZER, 16)
        padded = sum(int(tf.size(features["token_ids"])) for features, _ in pipeline.epoch(seed=0))
        unsorted = 2000 * 16  # nearly every batch of rows drawn at random holds one of the longest
        needed = int(pipeline.lengths.sum())
        self.assertLess(padded - needed, 0.1 * (unsorted - needed))

    def test_lengths_come_in_no_order(self):
        pipeline = BatchPipeline(random_dataset(4000), TOKENIZER, 8)
        widths = [features["token_ids"].shape[1] for features, _ in pipeline.epoch(seed=0)]
        correlation = np.corrcoef(widths, np.arange(len(widths)))[0, 1]
        self.assertLess(abs(correlation), 0.15)  # 500 batches: 3.4 standard errors
        self.assertGreater(np.std(np.diff(widths)), np.std(widths))  # sorted lengths would hardly differ

    def test_a_row_meets_other_neighbours_in_each_epoch(self):
        dataset = TextDataset(["a"] * 64, labels=range(64), label_names=[str(row) for row in range(64)])
        pipeline = BatchPipeline(dataset, TOKENIZER, 8)
        partners = set()
        for seed in range(5):
            (batch,) = (labels.numpy() for _, labels in pipeline.epoch(seed) if 0 in labels.numpy())
            partners.update(batch)
        self.assertGreater(len(partners), 20)

    def test_the_first_row_changes_with_the_seed(self):
        pipeline = BatchPipeline(random_dataset(8), TOKENIZER, 1)
        self.assertGreater(len({rows_of(pipeline.epoch(seed).take(1))[0] for seed in range(16)}), 4)


class OrderedTest(tf.test.TestCase):
    def test_shortest_first_and_stable(self):
        dataset = random_dataset(100)
        pipeline = BatchPipeline(dataset, TOKENIZER, 8)
        lengths = [min(len(text.split()), 14) + 2 for text in dataset.texts]
        expected = sorted(range(100), key=lambda row: lengths[row])
        self.assertAllEqual(pipeline.lengths, lengths)
        self.assertAllEqual(pipeline.order, expected)
        self.assertAllEqual(rows_of(pipeline.ordered()), expected)
        self.assertLen(pipeline.ordered(), pipeline.steps_per_epoch)
