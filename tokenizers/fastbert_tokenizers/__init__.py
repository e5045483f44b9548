"""Text to BERT token ids in TensorFlow graph code: the same in training, evaluation and the exported model."""

from fastbert_tokenizers.vocabulary import Vocabulary
from fastbert_tokenizers.vocabulary_error import VocabularyError
from fastbert_tokenizers.wordpiece_tokenizer import WordPieceTokenizer

__all__ = ["Vocabulary", "VocabularyError", "WordPieceTokenizer"]
