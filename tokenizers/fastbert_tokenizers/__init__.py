"""Text to BERT token ids in TensorFlow graph code: the same in training, evaluation and the exported model."""

from fastbert_tokenizers.dual_tokenizer import DualTokenizer, mix_words, require_probability
from fastbert_tokenizers.joint_vocabulary import JointVocabulary
from fastbert_tokenizers.keyed_random import key_of, keyed_uniform
from fastbert_tokenizers.normalization import normalize
from fastbert_tokenizers.segmentation_statistics import SegmentationStatistics, segmentation_statistics
from fastbert_tokenizers.spelling import spell
from fastbert_tokenizers.vocabulary import Vocabulary
from fastbert_tokenizers.vocabulary_error import VocabularyError
from fastbert_tokenizers.word_extents import WordExtents
from fastbert_tokenizers.wordpiece_learner import learn_vocabulary
from fastbert_tokenizers.wordpiece_tokenizer import WordPieceTokenizer
from fastbert_tokenizers.words import WordCounter, split_words

__all__ = [
    "DualTokenizer",
    "JointVocabulary",
    "SegmentationStatistics",
    "Vocabulary",
    "VocabularyError",
    "WordCounter",
    "WordExtents",
    "WordPieceTokenizer",
    "key_of",
    "keyed_uniform",
    "learn_vocabulary",
    "mix_words",
    "normalize",
    "require_probability",
    "segmentation_statistics",
    "spell",
    "split_words",
]
