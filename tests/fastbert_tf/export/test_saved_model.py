"""The exported graph: equal through every loader, complete, and runnable by a stock server."""

import json
import re
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text
from absl.testing import parameterized
from google.protobuf import text_format
from loaders import object_call, session_call, strings
from small_classifier import LABELS, TEXTS, eager_loop, small_export, small_model, small_tokenizer
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from fastbert_serving.manifest import Manifest
from fastbert_tf.export import export_saved_model

PAIRS = tuple(reversed(TEXTS))
SPEEDS = np.linspace(0, 1, len(TEXTS)).astype(np.float32)


def examples(**texts):
    rows = zip(*texts.values(), strict=True)
    features = [
        {
            name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            for name, value in zip(texts, row, strict=True)
        }
        for row in rows
    ]
    protos = [tf.train.Example(features=tf.train.Features(feature=feature)) for feature in features]
    return np.array([proto.SerializeToString() for proto in protos], object)


def expected(model, speed, is_pair):
    """Answers of the eager exit loop, with labels."""
    tokens = small_tokenizer()(list(TEXTS), list(PAIRS) if is_pair else None)
    outputs = {name: value.numpy() for name, value in eager_loop(model)(tokens, tf.constant(speed)).items()}
    label_id = outputs["probabilities"].argmax(-1)
    return {**outputs, "label_id": label_id, "label": strings(np.array(LABELS)[label_id])}


class EqualityTest(tf.test.TestCase, parameterized.TestCase):
    def assert_same(self, got, want):
        self.assertCountEqual(got, want)
        for name, value in want.items():
            if value.dtype == object:
                self.assertAllEqual(got[name], value)
            else:
                self.assertAllClose(got[name], value, atol=1e-6, rtol=0, msg=name)

    @parameterized.product(is_pair=[False, True], call=[session_call, object_call])
    def test_every_signature_equals_the_eager_exit_loop(self, is_pair, call):
        model, directory = small_export(is_pair)
        texts = {"text": strings(TEXTS), **({"text_pair": strings(PAIRS)} if is_pair else {})}
        by_default = expected(model, np.full(len(TEXTS), 0.5, np.float32), is_pair)
        by_speed = expected(model, SPEEDS, is_pair)
        self.assertGreater(len(set(by_default["exit_layer"])), 2)  # else the test says little
        tokens = small_tokenizer()(*(list(rows) for rows in (TEXTS, PAIRS)[: len(texts)]))
        tokens = {name: value.numpy() for name, value in tokens.items()}
        self.assert_same(call(directory / "3", "serving_default", texts), by_default)
        self.assert_same(call(directory / "3", "with_speed", {**texts, "speed": SPEEDS}), by_speed)
        self.assert_same(call(directory / "3", "tokenized", {**tokens, "speed": SPEEDS}), by_speed)
        classes = np.tile(strings(LABELS), (len(TEXTS), 1))
        self.assert_same(
            call(directory / "3", "classify", {"inputs": examples(**texts)}),
            {"classes": classes, "scores": by_default["probabilities"]},
        )

    def test_default_speed_is_baked_in(self):
        model = small_model()
        with tempfile.TemporaryDirectory() as folder:
            path = export_saved_model(
                folder, model=model, tokenizer=small_tokenizer(), label_names=LABELS, is_pair=False, default_speed=0.9
            )
            got = session_call(path, "serving_default", {"text": strings(TEXTS)})
        want = expected(model, np.full(len(TEXTS), 0.9, np.float32), is_pair=False)
        self.assertAllEqual(got["exit_layer"], want["exit_layer"])
        self.assertLess(want["exit_layer"].mean(), 2)

    def test_mixed_precision_model_answers_alike_in_both_loaders(self):
        model = small_model(dtype="mixed_bfloat16")
        with tempfile.TemporaryDirectory() as folder:
            path = export_saved_model(
                folder, model=model, tokenizer=small_tokenizer(), label_names=LABELS, is_pair=False
            )
            inputs = {"text": strings(TEXTS), "speed": np.zeros(len(TEXTS), np.float32)}
            got, want = (call(path, "with_speed", inputs) for call in (session_call, object_call))
        self.assertAllClose(got["probabilities"], want["probabilities"], atol=1e-6)

    def test_no_rows_and_one_row(self):
        _, directory = small_export()
        for rows in (0, 1):
            got = session_call(directory / "3", "serving_default", {"text": strings(TEXTS[:rows])})
            self.assertAllEqual({name: value.shape[0] for name, value in got.items()}, dict.fromkeys(got, rows))


class GraphTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.model, self.directory = small_export()
        self.path = self.directory / "3"
        content = saved_model_pb2.SavedModel.FromString((self.path / "saved_model.pb").read_bytes())
        self.meta_graph = content.meta_graphs[0]
        functions = self.meta_graph.graph_def.library.function
        self.nodes = [*self.meta_graph.graph_def.node, *(node for function in functions for node in function.node_def)]

    def test_batch_is_the_first_axis_of_every_input_and_output(self):
        signatures = {k: v for k, v in self.meta_graph.signature_def.items() if not k.startswith("__")}
        self.assertCountEqual(signatures, ["serving_default", "with_speed", "tokenized", "classify"])
        for name, signature in signatures.items():
            for side in (signature.inputs, signature.outputs):
                for alias, info in side.items():
                    self.assertFalse(info.tensor_shape.unknown_rank, f"{name} {alias}")
                    self.assertEqual(info.tensor_shape.dim[0].size, -1, f"{name} {alias}")

    def test_types_and_shapes_of_the_contract(self):
        def shown(side):
            return {
                alias: (tf.dtypes.as_dtype(info.dtype).name, [axis.size for axis in info.tensor_shape.dim])
                for alias, info in side.items()
            }

        answer = {
            "probabilities": ("float32", [-1, 3]),
            "label": ("string", [-1]),
            "label_id": ("int32", [-1]),
            "exit_layer": ("int32", [-1]),
            "uncertainty": ("float32", [-1]),
        }
        text, speed, ids = ("string", [-1]), ("float32", [-1]), ("int32", [-1, -1])
        tokens = dict.fromkeys(("token_ids", "segment_ids", "padding_mask"), ids)
        contract = {
            "serving_default": ({"text": text}, answer),
            "with_speed": ({"text": text, "speed": speed}, answer),
            "tokenized": ({**tokens, "speed": speed}, answer),
            "classify": ({"inputs": text}, {"classes": ("string", [-1, 3]), "scores": ("float32", [-1, 3])}),
        }
        for name, (inputs, outputs) in contract.items():
            definition = self.meta_graph.signature_def[name]
            self.assertEqual((shown(definition.inputs), shown(definition.outputs)), (inputs, outputs), name)

    def test_ops_are_of_tensorflow_core_and_text_alone(self):
        core = {name.lower() for name in dir(tf.raw_ops)}
        functions = {function.signature.name for function in self.meta_graph.graph_def.library.function}
        used = {node.op for node in self.nodes} - functions
        foreign = {op for op in used if op.lower() not in core and not op.startswith("TFText>")}
        # TensorFlow Text's older ops have no prefix; its wrappers name them.
        wrappers = "".join(path.read_text() for path in Path(tensorflow_text.__file__).parent.rglob("gen_*.py"))
        foreign = {op for op in foreign if f'"{op}"' not in wrappers}
        self.assertEmpty(foreign)
        self.assertEmpty({op for op in used if re.search("PyFunc|Xla|PyCall|DataDataset", op)})

    def test_no_xla(self):
        flagged = [
            node.name for node in self.nodes for name in ("_XlaMustCompile", "_xla_compile") if node.attr[name].b
        ]
        flagged += [f.signature.name for f in self.meta_graph.graph_def.library.function if f.attr["_XlaMustCompile"].b]
        self.assertEmpty(flagged)

    def test_weights_are_stored_once(self):
        stored = [shape for name, shape in tf.train.list_variables(str(self.path / "variables" / "variables")) if shape]
        self.assertCountEqual(stored, [list(weight.shape) for weight in self.model.weights])
        floats = [
            np.prod([axis.size for axis in node.attr["value"].tensor.tensor_shape.dim], dtype=int)
            for node in self.nodes
            if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum
        ]
        self.assertLess(max(floats), 64)  # no weight as a constant

    def test_tokenizer_and_loop_are_stored_once(self):
        ops = [node.op for node in self.nodes]
        self.assertEqual(ops.count("While") + ops.count("StatelessWhile"), 1)
        self.assertEqual(len([op for op in ops if "BertTokenize" in op or "WordpieceTokenize" in op]), 1)


class FilesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        _, self.directory = small_export()
        self.path = self.directory / "3"

    def test_nothing_but_the_contract_lies_there(self):
        found = {str(p.relative_to(self.directory)) for p in self.directory.rglob("*") if p.is_file()}
        fixed = {
            "3/saved_model.pb", "3/fingerprint.pb", "3/assets/vocab.txt", "3/assets.extra/manifest.json",
            "3/assets.extra/tf_serving_warmup_requests", "batching_params.pbtxt",
        }  # fmt: skip
        self.assertEqual({f for f in found if "/variables/" not in f}, fixed)

    def test_files_are_readable_by_a_server_of_another_user(self):
        for path in self.directory.rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o444, 0o444, path)
        self.assertEqual(self.path.stat().st_mode & 0o555, 0o555)

    def test_vocabulary(self):
        lines = (self.path / "assets" / "vocab.txt").read_text(encoding="utf-8").split("\n")
        self.assertEqual(lines, [*small_tokenizer().vocabulary.tokens, ""])

    def test_manifest(self):
        values = json.loads((self.path / "assets.extra" / "manifest.json").read_text(encoding="utf-8"))
        self.assertEqual(values["labels"], list(LABELS))
        self.assertEqual((values["num_layers"], values["default_speed"], values["is_pair"]), (4, 0.5, False))
        self.assertEqual(values["tokenizer"]["max_sequence_length"], 24)
        self.assertEqual(values["versions"]["tensorflow"], tf.__version__)
        self.assertEqual(Manifest.read(self.path).to_dict(), values)

    def test_curve_goes_into_the_manifest(self):
        curve = {"points": [{"speed": 0.5, "metrics": {"accuracy": 0.9}}], "rows": 10}
        with tempfile.TemporaryDirectory() as folder:
            path = export_saved_model(
                folder, model=small_model(), tokenizer=small_tokenizer(), label_names=LABELS, is_pair=False, curve=curve
            )
            self.assertEqual(Manifest.read(path).curve, curve)

    def test_batching_parameters(self):
        text = (self.directory / "batching_params.pbtxt").read_text()
        sizes = [int(size) for size in re.findall(r"^allowed_batch_sizes: (\d+)$", text, re.MULTILINE)]
        wrapped = dict(re.findall(r"^(\w+) \{ value: (\d+) \}$", text, re.MULTILINE))
        self.assertEqual(sizes, sorted(set(sizes)))
        self.assertEqual(sizes[-1], int(wrapped["max_batch_size"]))
        self.assertLen(text.splitlines(), len(sizes) + len(wrapped))  # nothing else
        self.assertNotIn("pad_variable_length_inputs", text)

    def test_warm_up_requests_cover_signatures_lengths_and_batches(self):
        for is_pair in (False, True):
            _, directory = small_export(is_pair)
            path = directory / "3" / "assets.extra" / "tf_serving_warmup_requests"
            seen = []
            for record in tf.data.TFRecordDataset(str(path)):
                log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
                request = log.predict_log.request
                inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
                outputs = session_call(directory / "3", request.model_spec.signature_name, inputs)
                rows = {len(value) for value in (*inputs.values(), *outputs.values())}
                self.assertLen(rows, 1, text_format.MessageToString(request))
                seen.append((request.model_spec.signature_name, rows.pop()))
            self.assertEqual({name for name, _ in seen}, {"serving_default", "with_speed", "tokenized", "classify"})
            self.assertGreater(len({rows for _, rows in seen}), 1)
            self.assertGreater(seen.count(("with_speed", 1)), 1)  # several lengths
            self.assertLessEqual(len(seen), 1000)


if __name__ == "__main__":
    tf.test.main()
