"""The example in docs/tokenization.md runs and gives what its comments say."""

import ast
import re
from pathlib import Path

import tensorflow as tf

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "tokenization.md"


class TokenizationDocsTest(tf.test.TestCase):
    def test_example(self):
        (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
        names: dict = {}
        exec(code, names)
        claims = re.findall(r"^(\w+\[.*?\])\s+# (\[\[.*\]\])$", code, flags=re.MULTILINE)
        self.assertLen(claims, 5)
        for expression, claimed in claims:
            self.assertAllEqual(eval(expression, names), ast.literal_eval(claimed))
        (batch,) = names["data"]
        self.assertAllEqual(batch["token_ids"], [[2, 5, 7, 3], [2, 6, 3, 0]])


if __name__ == "__main__":
    tf.test.main()
