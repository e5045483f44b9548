"""JSON bodies: the formats of TensorFlow Serving, and what is neither."""

import json

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from fastbert_serving.doors.json_answer import encode, predict_answer
from fastbert_serving.doors.json_body import examples, predict_inputs, read_body, signature_name
from fastbert_serving.errors import InvalidRequest, ServingError
from fastbert_serving.signature import Signature, TensorRule

STRING, FLOAT, INT = (TensorRule(dtype, (None,)) for dtype in ("string", "float32", "int32"))
TEXT = Signature("text", {"text": STRING}, {})
SPEED = Signature("with_speed", {"text": STRING, "speed": FLOAT}, {})
MATRIX = Signature("matrix", {"x": TensorRule("int32", (None, None))}, {})


def inputs(body, signature=SPEED):
    arrays, is_rows = predict_inputs(read_body(body if isinstance(body, bytes) else body.encode()), signature)
    return {name: array.tolist() for name, array in arrays.items()}, is_rows


class BodyTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ('{"instances": ["a", {"b64": "/w=="}, "\\u00e9"]}', [b"a", b"\xff", "é".encode()], True),
        ('{"instances": [{"text": "a"}, {"text": {"b64": "_"}}]}', None, True),
        ('{"instances": [{"text": "a"}, {"text": {"b64": "YQ"}}]}', [b"a", b"a"], True),  # as absl, without padding
        ('{"inputs": ["a", "b"]}', [b"a", b"b"], False),
        ('{"inputs": {"text": ["a"]}}', [b"a"], False),
        ('{"inputs": "a"}', b"a", False),  # a scalar, which the signature will refuse
        ('{"inputs": {"b64": "YQ=="}}', b"a", False),
        ('{"inputs": []}', [], False),
        ('{"instances": ["\\ud800"]}', [b"\xed\xa0\x80"], True),
    )
    def test_one_input(self, body, want, is_rows):
        if want is None:
            with self.assertRaisesRegex(InvalidRequest, "'text' holds a 'b64' that is no base64"):
                inputs(body, TEXT)
        else:
            self.assertEqual(inputs(body, TEXT), ({"text": want}, is_rows))

    def test_several_inputs(self):
        want = {"text": [b"a", b"b"], "speed": [0.5, 1.0]}
        rows = '{"instances": [{"text": "a", "speed": 0.5}, {"speed": 1, "text": "b"}], "signature_name": "with_speed"}'
        self.assertEqual(inputs(rows), (want, True))
        self.assertEqual(inputs('{"inputs": {"text": ["a", "b"], "speed": [0.5, 1]}}'), (want, False))
        self.assertEqual(inputs("\ufeff" + rows), (want, True))  # a byte order mark

    def test_nested_lists(self):
        self.assertEqual(
            inputs('{"inputs": [[1, 2], [3, 4], [5, 6]]}', MATRIX), ({"x": [[1, 2], [3, 4], [5, 6]]}, False)
        )
        self.assertEqual(inputs('{"instances": [[1], [2]]}', MATRIX), ({"x": [[1], [2]]}, True))

    def test_numbers_that_are_none_in_strict_json(self):
        """TensorFlow Serving takes them, too; the graph refuses a speed that is none."""
        speeds = inputs('{"inputs": {"text": ["a"], "speed": [NaN, Infinity, -Infinity]}}')[0]["speed"]
        self.assertAllEqual(np.isnan(speeds), [True, False, False])
        self.assertEqual(speeds[1:], [np.inf, -np.inf])

    @parameterized.parameters(
        (b"", "JSON Parse error"),
        (b"{", "JSON Parse error"),
        (b'{"inputs": ["a"]', "JSON Parse error"),
        (b'{"inputs": ["\xff"]}', "byte 13 is no UTF-8"),
        (b'{"inputs": [1' + b"0" * 10_000 + b"]}", "JSON Parse error"),
        (b'["a"]', "must be a JSON object, but is a list"),
        (b"null", "must be a JSON object, but is null"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'{"inputs": ' + b"[" * 50 + b"]" * 50 + b"}", "more than 8 lists deep"),
        (b'{"inputs": ["a"], "inputs": ["b"]}', "names a key twice"),
        (b'{"instances": [{"text": "a", "text": "b"}]}', "names a key twice"),
        (b"{}", "one of the keys 'instances' .rows. and 'inputs'"),
        (b'{"instances": ["a"], "inputs": ["a"]}', "one of the keys"),
        (b'{"instances": []}', "at least one row"),
        (b'{"instances": {"text": "a"}}', "at least one row"),
        (b'{"instances": null}', "at least one row"),
        (b'{"instances": ["a", {"text": "a"}]}', "but not both"),
        (b'{"instances": [{"text": "a"}, "a"]}', "but not both"),
        (b'{"instances": ["a", 1]}', "'text' must be string, but holds a number"),
        (b'{"instances": ["a", null]}', "'text' must be string, but holds null"),
        (b'{"instances": ["a", ["b"]]}', "'text' must be string, but holds a list"),
        (b'{"instances": [["a"], "b"]}', "lists of one length at each level"),
        (b'{"instances": [["a"], ["b", "c"]]}', "lists of one length at each level"),
        (b'{"instances": [{"b64": 1}]}', "element: 0 of 'instances'"),
        (b'{"instances": [{"b64": "a", "x": 1}]}', "element: 0 of 'instances'"),
        (b'{"instances": [{"text": {"b64": "*"}}]}', "no base64"),
        (b'{"instances": [{"text": {"b64": "\xc3\xa9"}}]}', "no base64"),
        (b'{"instances": [{"text": "a"}, {"txet": "a"}]}', "element: 1 .* keys must be equal to: text$"),
        (b'{"inputs": {"text": ["a"], "more": [1]}}', "'more' is unknown; signature 'text' takes text"),
    )
    def test_refuses(self, body, words):
        with self.assertRaisesRegex(InvalidRequest, words) as caught:
            inputs(body, TEXT)
        self.assertLen(str(caught.exception).splitlines(), 1)

    @parameterized.parameters(
        ('{"instances": ["a"]}', "'instances' holds plain values, .* 'with_speed' takes text, speed"),
        ('{"inputs": ["a"]}', "'inputs' holds plain values"),
        ('{"instances": [{"text": "a"}]}', "keys must be equal to: text,speed"),
        ('{"inputs": {"text": ["a"], "speed": ["fast"]}}', "'speed' must be float32, but holds a string"),
        ('{"inputs": {"text": ["a"], "speed": [true]}}', "'speed' must be float32, but holds a boolean"),
        ('{"inputs": {"text": ["a"], "speed": [{"b64": "YQ=="}]}}', "'speed' must be float32, but holds an object"),
        ('{"inputs": {"text": ["a"], "speed": [1e39]}}', "'speed' holds a number that float32 cannot"),
        ('{"inputs": {"text": ["a"], "speed": [1%s]}}' % ("0" * 400), "'speed' holds a number that float32 cannot"),
    )
    def test_refuses_speeds(self, body, words):
        with self.assertRaisesRegex(InvalidRequest, words):
            inputs(body)

    @parameterized.parameters(
        ("[[1.0]]", "must be int32, but holds a number"),
        ("[[true]]", "must be int32, but holds a boolean"),
        ("[[2147483648]]", "holds a number that int32 cannot"),
        ("[[1], 2]", "one length"),
    )
    def test_refuses_integers(self, values, words):
        with self.assertRaisesRegex(InvalidRequest, words):
            inputs(f'{{"inputs": {values}}}', MATRIX)

    def test_type_that_json_cannot_carry(self):
        with self.assertRaisesRegex(InvalidRequest, "'x' is complex64, which JSON cannot carry; use gRPC"):
            inputs('{"inputs": [1]}', Signature("odd", {"x": TensorRule("complex64", (None,))}, {}))

    def test_signature_name(self):
        self.assertEqual(signature_name({"signature_name": "x"}, "default"), "x")
        self.assertEqual(signature_name({}, "default"), "default")
        self.assertEqual(signature_name({"signature_name": ""}, "default"), "default")
        with self.assertRaisesRegex(InvalidRequest, "'signature_name' key must be a string value, but is a number"):
            signature_name({"signature_name": 1}, "default")


class ExamplesTest(tf.test.TestCase, parameterized.TestCase):
    def test_features(self):
        body = """{"context": {"s": "shared"},
                   "examples": [{"text": "a", "n": [1, true]}, {"s": {"b64": "/w=="}, "f": 0.5}]}"""
        first, second = examples(read_body(body.encode()))
        self.assertEqual(first.features.feature["text"].bytes_list.value, [b"a"])
        self.assertEqual(first.features.feature["s"].bytes_list.value, [b"shared"])
        self.assertEqual(first.features.feature["n"].int64_list.value, [1, 1])
        self.assertEqual(second.features.feature["s"].bytes_list.value, [b"\xff"])
        self.assertEqual(second.features.feature["f"].float_list.value, [0.5])

    @parameterized.parameters(
        ({}, "'examples' is expected"),
        ({"examples": []}, "'examples' is expected"),
        ({"examples": "a"}, "'examples' is expected"),
        ({"examples": ["a"]}, "Example must be JSON object but got a string"),
        ({"examples": [{}], "context": [1]}, "Example must be JSON object but got a list"),
        ({"examples": [{"text": None}]}, "'text' must hold strings or numbers, but has null"),
        ({"examples": [{"text": ["a", 1]}]}, "'text' must hold values of one type, but has a number"),
        ({"examples": [{"text": [["a"]]}]}, "but has a list"),
        ({"examples": [{"text": {"a": 1}}]}, "'text' must be string, but holds an object"),
        ({"examples": [{"n": 2**63}]}, "'n' holds a number that int64 cannot"),
        ({"examples": [{"\ud800": 1}]}, "name of a feature"),
        ({"examples": [{}] * 2000, "context": {"text": "a" * 10_000}}, "2000 examples share 100.. bytes"),
        ({"examples": [{"text": "a"}], "context": {"n": None}}, "'n' must hold strings or numbers, but has null"),
    )
    def test_refuses(self, content, words):
        with self.assertRaisesRegex(InvalidRequest, words):
            examples(content)


class AnswerTest(tf.test.TestCase):
    def test_rows_and_columns(self):
        outputs = {"label": np.array([b"x", b"y"], object), "score": np.float32([0.1, 1])}
        self.assertEqual(
            predict_answer(outputs, True), {"predictions": [{"label": "x", "score": 0.1}, {"label": "y", "score": 1.0}]}
        )
        self.assertEqual(predict_answer(outputs, False), {"outputs": {"label": ["x", "y"], "score": [0.1, 1.0]}})

    def test_single_output_goes_without_its_name(self):
        outputs = {"score": np.float32([[0.1, 0.2], [0.3, 0.4]])}
        self.assertEqual(predict_answer(outputs, True), {"predictions": [[0.1, 0.2], [0.3, 0.4]]})
        self.assertEqual(predict_answer(outputs, False), {"outputs": [[0.1, 0.2], [0.3, 0.4]]})

    def test_bytes_and_words(self):
        outputs = {"raw_bytes": np.array([b"\xff"], object), "label": np.array([b"\xff \xc3\xa9"], object)}
        self.assertEqual(
            predict_answer(outputs, True), {"predictions": [{"raw_bytes": {"b64": "/w=="}, "label": "\ufffd é"}]}
        )

    def test_no_rows(self):
        self.assertEqual(predict_answer({"a": np.int32([]), "b": np.array([], object)}, True), {"predictions": []})

    def test_floats_have_the_fewest_digits(self):
        values = np.random.default_rng(0).random(1000).astype(np.float32)
        text = encode(predict_answer({"x": values}, True))
        self.assertAllEqual(np.float32(json.loads(text)["predictions"]), values)
        self.assertLess(len(text), 12.5 * len(values))
        odd = encode(predict_answer({"x": np.float32([np.nan, np.inf, -np.inf, 0.1])}, True))
        self.assertEqual(odd, b'{"predictions": [NaN, Infinity, -Infinity, 0.1]}')

    def test_outputs_without_a_common_batch(self):
        for shapes in (((2,), (3,)), ((), (2,)), ((),)):
            outputs = {str(index): np.zeros(shape, np.int32) for index, shape in enumerate(shapes)}
            with self.assertRaisesRegex(ServingError, "no common batch size"):
                predict_answer(outputs, True)
            self.assertIn("outputs", predict_answer(outputs, False))

    def test_what_is_no_unicode_is_escaped(self):
        self.assertEqual(encode({"error": "é \ud800"}), b'{"error": "\xc3\xa9 \\ud800"}')


if __name__ == "__main__":
    tf.test.main()
