"""Ways to damage an export: functions of its version directory."""

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from fastbert_serving.manifest import Manifest


def edited_graph(edit):
    """An edit of the version directory that changes the graph's proto."""

    def apply(directory):
        file = directory / "saved_model.pb"
        saved_model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
        edit(saved_model.meta_graphs[0])
        file.write_bytes(saved_model.SerializeToString())

    return apply


def a_node(graph, op):
    """The first node with an op, in any function."""
    return next(node for function in graph.graph_def.library.function for node in function.node_def if node.op == op)


def with_op(op):
    return edited_graph(lambda graph: setattr(a_node(graph, "Tanh"), "op", op))


def with_attribute(op, name):
    return edited_graph(lambda graph: setattr(a_node(graph, op).attr[name], "s", b"x"))


def with_shape(side, signature, alias, sizes):
    def edit(graph):
        shape = getattr(graph.signature_def[signature], side)[alias].tensor_shape
        shape.Clear()
        shape.unknown_rank = sizes is None
        for size in sizes or ():
            shape.dim.add(size=size)

    return edited_graph(edit)


def must_compile(value):
    def edit(graph):
        graph.graph_def.library.function[0].attr["_XlaMustCompile"].b = value

    return edited_graph(edit)


def node_must_compile(graph):
    a_node(graph, "StatefulPartitionedCall").attr["_XlaMustCompile"].b = True


def without_signature(name):
    return edited_graph(lambda graph: graph.signature_def.pop(name))


def with_float_label(graph):
    graph.signature_def["with_speed"].outputs["label"].dtype = tf.float32.as_datatype_enum


def outside_asset(graph):
    graph.asset_file_def[0].filename = "../../../etc/passwd"


def both(*edits):
    return lambda directory: [edit(directory) for edit in edits]


def removed(name):
    return lambda directory: (directory / name).unlink()


def written(name, content):
    return lambda directory: (directory / name).write_bytes(content)


def cut_weights(directory):
    file = next((directory / "variables").glob("*.data-*"))
    file.write_bytes(file.read_bytes()[:-20])


def flipped_weights(directory):
    file = next((directory / "variables").glob("*.data-*"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)


def with_manifest(**changes):
    def apply(directory):
        Manifest.from_dict({**Manifest.read(directory).to_dict(), **changes}).write(directory)

    return apply


def with_vocabulary_size(directory):
    tokenizer = {**Manifest.read(directory).to_dict()["tokenizer"], "vocabulary_size": 5}
    with_manifest(tokenizer=tokenizer)(directory)


def batching(text):
    return lambda directory: (directory.parent / "batching_params.pbtxt").write_text(text)


def with_warmup(edit, copies=1):
    """Rewrites the warm-up file from its first record, which `edit` changes."""

    def apply(directory):
        file = directory / "assets.extra" / "tf_serving_warmup_requests"
        log = prediction_log_pb2.PredictionLog()
        log.ParseFromString(next(iter(tf.data.TFRecordDataset(str(file)))).numpy())
        edit(log.predict_log.request)
        with tf.io.TFRecordWriter(str(file)) as writer:
            for _ in range(copies):
                writer.write(log.SerializeToString())

    return apply


def rename_signature(request):
    request.model_spec.signature_name = "nothing"


def number_as_text(request):
    request.inputs["text"].CopyFrom(tf.make_tensor_proto([1.5]))


def many_rows(request):
    request.inputs["text"].CopyFrom(tf.make_tensor_proto([b"a"] * 321))


def unchanged(_):
    pass


no_warmup = removed("assets.extra/tf_serving_warmup_requests")
