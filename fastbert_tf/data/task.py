"""A labelled task: its parts, its label names and how it is scored."""

from __future__ import annotations

import dataclasses

from fastbert_tf.data.text_dataset import TextDataset

METRICS = ("accuracy", "f1", "matthews")


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """The parts of a labelled data set.

    Args:
        name: the task's name.
        train: rows to train on.
        dev: rows to report on where there is no test part; to select models on where there is one.
        test: rows to report on, or None: GLUE's test labels are not public.
        metrics: names from `METRICS`; the first one is the headline. F1 is that of the class with id 1.
        label_names: the label names in the order of their ids; every part uses these.
        notes: what loading changed in the published data, one sentence each.

    Raises:
        ValueError: for an unknown metric, F1 of other than 2 classes, or parts that differ in their labels or in
            being pairs.
    """

    name: str
    train: TextDataset
    dev: TextDataset
    test: TextDataset | None
    metrics: tuple[str, ...]
    label_names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [metric for metric in self.metrics if metric not in METRICS]
        if unknown or not self.metrics:
            raise ValueError(f"metrics are one or more of {', '.join(METRICS)}, received {self.metrics}; correct them")
        if "f1" in self.metrics and self.num_classes != 2:
            raise ValueError(f"f1 needs 2 classes, but {self.name} has {self.num_classes}; use accuracy or matthews")
        for part, rows in self.parts.items():
            if rows.labels is None or rows.label_names != self.label_names or rows.is_pair != self.is_pair:
                raise ValueError(
                    f"every part of task {self.name} needs labels from {self.label_names} and as many texts a row "
                    f"as the train part, received {part} = {rows}; read it with the same columns and label_names"
                )

    @property
    def parts(self) -> dict[str, TextDataset]:
        """The parts that exist, by name."""
        parts = {"train": self.train, "dev": self.dev, "test": self.test}
        return {name: rows for name, rows in parts.items() if rows is not None}

    @property
    def is_pair(self) -> bool:
        """Whether each row has two texts."""
        return self.train.is_pair

    @property
    def num_classes(self) -> int:
        """How many labels there are."""
        return len(self.label_names)
