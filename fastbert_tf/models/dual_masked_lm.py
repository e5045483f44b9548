"""Teacher and student of two vocabularies, trained together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fastbert_tf.layers import Lift, TiedLogits
from fastbert_tf.models.masked_lm import MaskedLm
from fastbert_tf.models.shared_projections import SharedProjections
from fastbert_tf.models.student_config import checked_layer_map


@keras.saving.register_keras_serializable(package="fastbert_tf")
class DualMaskedLm(keras.Model):
    """A teacher that reads and predicts both vocabularies, and its student ("Extreme Language Model Compression").

    In the teacher, ids below its vocabulary size are its own, and the ones above are the student's, shifted by that
    size. It reads a student piece through the student's own embedding table, lifted to its width by a learned
    projection, and predicts one through the same lifted table with a softmax of its own. So what the teacher learns
    about student pieces is learned by the student's table.

    Input: a dict of `teacher_ids` and `teacher_mask`, int (batch, teacher sequence), `student_ids` and `student_mask`,
    int (batch, student sequence), and where to predict, as row x sequence + column, each int (places,):
    `teacher_places` (the teacher's vocabulary), `lifted_places` (the student's vocabulary in the teacher) and
    `student_places`. The three numbers of places may differ.
    Output: float32 logits (teacher places, teacher vocabulary), (lifted places, student vocabulary) and (student
    places, student vocabulary).

    Args:
        teacher: a masked language model over the teacher's vocabulary; its weights are shared, not copied.
        student: one over the student's vocabulary.
        direction: `down` or `up` adds `SharedProjections`; None has none.
        layer_map: the teacher's layer, counted from 1, for every layer of the student; None maps layer i to layer i.

    Raises:
        ValueError: the layers of teacher and student do not map, or the student is not the narrower one.
    """

    def __init__(
        self,
        teacher: MaskedLm,
        student: MaskedLm,
        direction: str | None = None,
        layer_map: Sequence[int] | None = None,
        name: str = "dual_masked_lm",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        wide, narrow = teacher.config, student.config
        if narrow.hidden_dim >= wide.hidden_dim:
            raise ValueError(
                f"the student must be narrower than the teacher, but is {narrow.hidden_dim} wide and the teacher "
                f"{wide.hidden_dim}; choose a narrower student"
            )
        checked_layer_map(layer_map, wide.num_layers, narrow.num_layers)
        dtype = teacher.backbone.embeddings.dtype_policy
        self.teacher = teacher
        self.student = student
        self.direction = direction
        self.layer_map = None if layer_map is None else tuple(layer_map)
        self.lift = Lift(narrow.hidden_dim, wide.hidden_dim, dtype=dtype, name="lift")
        self.lifted_logits = TiedLogits(narrow.vocabulary_size, dtype=dtype, name="lifted_logits")
        self.lift.build()
        self.lifted_logits.build()
        self.projections = None
        if direction is not None:
            self.projections = SharedProjections(teacher, student, direction, layer_map, name="projections")
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> tuple[Any, Any, Any]:
        hidden = self._encode_mixed(inputs["teacher_ids"], inputs["teacher_mask"], training)
        own = self.teacher.transform(self.teacher.at_places(hidden, inputs["teacher_places"]))
        lifted = self.teacher.transform(self.teacher.at_places(hidden, inputs["lifted_places"]))
        student = {
            "token_ids": inputs["student_ids"],
            "padding_mask": inputs["student_mask"],
            "places": inputs["student_places"],
        }
        return (
            self.teacher.output_logits(own, self.teacher.token_table),
            self.lifted_logits(self.lift(lifted, reverse=True), self.student.token_table),
            self.student(student, training=training),
        )

    def _encode_mixed(self, ids: Any, mask: Any, training: bool | None) -> Any:
        """Returns the teacher's last hidden states (batch, sequence, hidden_dim) for ids of both vocabularies."""
        backbone = self.teacher.backbone
        size = backbone.config.vocabulary_size
        own = backbone.embeddings.token_embedding(ops.minimum(ids, size - 1))  # (batch, sequence, hidden)
        lifted = self.lift(self.student.backbone.embeddings.token_embedding(ops.maximum(ids - size, 0)))
        tokens = ops.where((ids < size)[..., None], own, lifted)
        hidden = backbone.embeddings.complete(tokens, ops.zeros_like(ids), training=training)
        for block in backbone.blocks:
            hidden = block(hidden, mask, training=training)
        return hidden

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "teacher": keras.saving.serialize_keras_object(self.teacher),
            "student": keras.saving.serialize_keras_object(self.student),
            "direction": self.direction,
            "layer_map": None if self.layer_map is None else list(self.layer_map),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> DualMaskedLm:
        models = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects) for name in ("teacher", "student")
        }
        return cls(**{**config, **models})
