"""The `fastbert` command in the tests' own process."""

import contextlib
import io

from fastbert_tf.cli.main import _run, parse


def fastbert(*words):
    """Runs a command in this process and returns (exit code, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = _run(parse(["fastbert", *map(str, words)]))
        except SystemExit as ended:
            code = ended.code
    return code, out.getvalue(), err.getvalue()
