"""The error of this room."""


class CheckpointError(ValueError):
    """A checkpoint or saved classifier cannot be read or written; the message names the file and the mend."""
