"""The n-gram baseline, against scikit-learn."""

import tempfile
from pathlib import Path
from unittest import mock

import tensorflow as tf
from harness.reproduction import bag_of_words
from harness.reproduction.bag_of_words import BagOfWords, fit
from harness.reproduction.settings import ENGLISH
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from fastbert_tf.data import make_sample_task


class BagOfWordsTest(tf.test.TestCase):
    def test_against_scikit_learn(self):
        task = make_sample_task(60, 20, 20)
        smaller = mock.patch.object(bag_of_words, "FEATURES", 1024)
        smaller.start()
        self.addCleanup(smaller.stop)
        bag = fit(task.train, task.dev, ENGLISH)
        vectorizer = HashingVectorizer(n_features=1024, alternate_sign=False, ngram_range=(1, 2))
        features = [vectorizer.transform(part.texts) for part in (task.train, task.dev)]
        models = [LogisticRegression(C=strength, max_iter=200).fit(features[0], task.train.labels)
                  for strength in (1.0, 10.0, 100.0)]  # fmt: skip
        best = max(models, key=lambda model: model.score(features[1], task.dev.labels))
        found = bag.answers(task.dev)
        self.assertAllClose(found.probabilities[:, 0], best.predict_proba(features[1]), atol=1e-5)
        self.assertAllEqual(found.labels, task.dev.labels)
        with tempfile.TemporaryDirectory() as name:
            bag.save(Path(name) / "bag.npz")
            again = BagOfWords.load(Path(name) / "bag.npz")
        self.assertEqual(again.digest, bag.digest)
        self.assertAllEqual(again.answers(task.dev).probabilities, found.probabilities)


if __name__ == "__main__":
    tf.test.main()
