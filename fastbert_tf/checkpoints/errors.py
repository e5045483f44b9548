"""The error of this room."""


class CheckpointError(ValueError):
    """A checkpoint or saved classifier cannot be read or written; the message names the file and the mend."""


def one_line(error: Exception) -> str:
    """Returns an error's words on one line, cut where libraries add a stack of their own."""
    words = " ".join(str(error).split())
    return words if len(words) <= 300 else words[:300] + " ..."
