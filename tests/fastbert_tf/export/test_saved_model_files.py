"""What lies in an exported directory, and that a stock server can run it."""

import json
import re
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text
from small_classifier import LABELS, small_export, small_model, small_tokenizer
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from fastbert_serving.manifest import Manifest
from fastbert_tf.export import export_saved_model


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
        libraries = Path(tensorflow_text.__file__).parent.rglob("ops/_*.so")
        text = {name.lower() for library in libraries for name in dir(tf.load_op_library(str(library)))}
        self.assertIn("normalizeutf8", text)
        self.assertEmpty({op for op in used if op.lower() not in core | text})
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
        self.assertNotIn("While", ops)
        names = [function.signature.name for function in self.meta_graph.graph_def.library.function]
        self.assertLen([name for name in names if "keep_open" in name], 1)  # whichever exit rows leave at
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
            "3/assets.extra/tf_serving_warmup_requests", "3/assets.extra/golden.json", "batching_params.pbtxt",
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

    def test_curve_and_lowest_accuracy_go_into_the_manifest(self):
        curve = {"points": [{"speed": 0.5, "metrics": {"accuracy": 0.9}}], "rows": 10}
        with tempfile.TemporaryDirectory() as folder:
            path = export_saved_model(
                folder,
                model=small_model(),
                tokenizer=small_tokenizer(),
                label_names=LABELS,
                is_pair=False,
                curve=curve,
                lowest_accuracy=0.87,
            )
            manifest = Manifest.read(path)
        self.assertEqual((manifest.curve, manifest.lowest_accuracy), (curve, 0.87))

    def test_batching_parameters(self):
        text = (self.directory / "batching_params.pbtxt").read_text()
        wrapped = dict(re.findall(r"^(\w+) \{ value: (\w+) \}$", text, re.MULTILINE))
        self.assertLen(text.splitlines(), len(wrapped))  # nothing else: no sizes, no padding
        self.assertEqual(wrapped["enable_large_batch_splitting"], "true")
        rows, batches = int(wrapped["max_execution_batch_size"]), int(wrapped["max_enqueued_batches"])
        self.assertEqual(int(wrapped["max_batch_size"]), rows * batches)

    def test_warm_up_requests_cover_signatures_lengths_and_batches(self):
        """That they run is tested with the server, which replays them."""
        for is_pair in (False, True):
            path = small_export(is_pair)[1] / "3" / "assets.extra" / "tf_serving_warmup_requests"
            seen, longest, spreads = [], set(), set()
            for record in tf.data.TFRecordDataset(str(path)):
                request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
                rows = {len(tf.make_ndarray(proto)) for proto in request.inputs.values()}
                self.assertLen(rows, 1, request)
                seen.append((request.model_spec.signature_name, rows.pop()))
                if "token_ids" in request.inputs:
                    longest.add((seen[-1][0], tf.make_ndarray(request.inputs["token_ids"]).shape[1]))
                if "speed" in request.inputs:
                    speeds = tf.make_ndarray(request.inputs["speed"])
                    spreads.add((speeds.min(), speeds.max()))
                takes_text = seen[-1][0] in ("serving_default", "with_speed")
                self.assertEqual("text_pair" in request.inputs, is_pair and takes_text)
            self.assertEqual({name for name, _ in seen}, {"serving_default", "with_speed", "tokenized", "classify"})
            self.assertGreater(len({rows for _, rows in seen}), 1)
            self.assertGreater(seen.count(("with_speed", 1)), 1)  # several lengths
            # Rows of 1 to 24 tokens are filled up to one of these (see `LayoutTest`).
            self.assertContainsSubset({("tokenized", length) for length in (4, 8, 12, 16, 20, 24)}, longest)
            self.assertIn((0, 1), spreads)  # all layers, and an early exit
            self.assertLessEqual(len(seen), 1000)


if __name__ == "__main__":
    tf.test.main()
