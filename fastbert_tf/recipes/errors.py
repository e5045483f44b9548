"""What a command answers with one line instead of a traceback."""

import tensorflow as tf

from fastbert_serving import ServingError

USER_ERRORS = (ValueError, OSError, LookupError, RuntimeError, ServingError, tf.errors.OpError)
