"""The error of a vocabulary that cannot be used."""


class VocabularyError(ValueError):
    """A vocabulary breaks a rule; the message names the file, the line or token, and the mend."""
