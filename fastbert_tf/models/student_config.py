"""The shape of a student, and which of the teacher's layers each of its own belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from fastbert_tf.config import BackboneConfig

INTERMEDIATE_FACTOR = 4
"""The feed-forward layer is this many times as wide as the hidden states (Devlin et al., 2019)."""


def student_config(
    teacher: BackboneConfig,
    hidden_dim: int,
    vocabulary_size: int,
    num_layers: int | None = None,
    num_heads: int | None = None,
) -> BackboneConfig:
    """Returns the student's shape: the teacher's, but for width and vocabulary.

    The paper names width, vocabulary and layers and nothing else; heads stay the teacher's, and the feed-forward layer
    is four times as wide as the hidden states, as in BERT.

    Args:
        teacher: the teacher's shape.
        hidden_dim: the student's width, in units.
        vocabulary_size: entries of its vocabulary.
        num_layers: its layers; None takes the teacher's.
        num_heads: its attention heads; None takes the teacher's.

    Raises:
        ValueError: the student is not narrower than the teacher, or its heads do not divide its width.
    """
    if not 0 < hidden_dim < teacher.hidden_dim:
        raise ValueError(
            f"the student's width must be positive and below the teacher's {teacher.hidden_dim}, but is {hidden_dim}; "
            "choose a narrower one"
        )
    heads = teacher.num_heads if num_heads is None else num_heads
    if heads < 1 or hidden_dim % heads:
        raise ValueError(
            f"a student {hidden_dim} wide cannot have {heads} heads, since they must divide its width; "
            "choose other heads or another width"
        )
    return BackboneConfig(
        vocabulary_size=vocabulary_size,
        num_layers=teacher.num_layers if num_layers is None else num_layers,
        num_heads=heads,
        hidden_dim=hidden_dim,
        intermediate_dim=INTERMEDIATE_FACTOR * hidden_dim,
        max_sequence_length=teacher.max_sequence_length,
        num_segments=teacher.num_segments,
        dropout=teacher.dropout,
        activation=teacher.activation,
        layer_norm_epsilon=teacher.layer_norm_epsilon,
    )


def checked_layer_map(layer_map: Sequence[int] | None, teacher_layers: int, student_layers: int) -> tuple[int, ...]:
    """Returns the teacher's layer, counted from 1, for every layer of the student.

    Args:
        layer_map: the teacher's layers, rising, one for each of the student's; None maps layer i to layer i.
        teacher_layers: layers of the teacher.
        student_layers: layers of the student.

    Raises:
        ValueError: the layers do not map.
    """
    if layer_map is None:
        if teacher_layers != student_layers:
            raise ValueError(
                f"the teacher has {teacher_layers} layers and the student {student_layers}: give a layer map that "
                "names a layer of the teacher for each of the student's"
            )
        return tuple(range(1, teacher_layers + 1))
    layers = tuple(layer_map)
    rising = all(a < b for a, b in zip(layers, layers[1:], strict=False))
    if len(layers) != student_layers or not rising or not all(1 <= layer <= teacher_layers for layer in layers):
        raise ValueError(
            f"the layer map must name {student_layers} of the teacher's layers 1 to {teacher_layers}, rising, but is "
            f"{list(layers)}; correct it"
        )
    return layers
