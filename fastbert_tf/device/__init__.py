"""What runs on a small device: WordPiece in plain Python, and a LiteRT model with its exits.

The folder is copied into every LiteRT export, so it imports nothing of the rest, and never TensorFlow unless that is
the only interpreter there is.
"""

from .classifier import DeviceAnswer, DeviceClassifier
from .interpreter import InterpreterMissing
from .wordpiece import WordPiece

__all__ = ["DeviceAnswer", "DeviceClassifier", "InterpreterMissing", "WordPiece"]
