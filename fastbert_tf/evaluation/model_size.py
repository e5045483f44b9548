"""Parameters, megabytes and FLOPs of students and BERT-base ("Extreme Language Model Compression", table 1)."""

from __future__ import annotations

from fastbert_tf.config import BackboneConfig

BERT_BASE = BackboneConfig(30522, num_layers=12, num_heads=12, hidden_dim=768, intermediate_dim=3072)
"""The paper's teacher."""

PUBLISHED = {
    48: {"parameters": 1_775_910, "megabytes": 6.8, "flops_ratio": 0.013},
    96: {"parameters": 5_665_926, "megabytes": 22.0, "flops_ratio": 0.0132},
    192: {"parameters": 19_169_094, "megabytes": 73.0, "flops_ratio": 0.0449},
    768: {"parameters": 110_106_428, "megabytes": 420.0, "flops_ratio": 1.0},
}
"""Table 1 by width; 768 is BERT-base. The students' counts do not follow from the architecture as described."""

_FLOAT32_BYTES = 4


def parameter_breakdown(config: BackboneConfig) -> dict[str, int]:
    """Counts the parameters of a BERT with its pretraining heads, part by part; d is the width, i the inner width.

    - `token_embeddings`: vocabulary x d.
    - `other_embeddings`: positions x d, segments x d, and 2d of layer normalisation.
    - `layers`: each 4 (d x d + d) of attention, d x i + i and i x d + d of feed-forward, 4d of two normalisations.
    - `pooler`: d x d + d. Our students have none.
    - `masked_lm_head`: d x d + d, 2d of layer normalisation, and a bias for each entry; the table is shared.
    - `next_sentence_head`: 2d + 2. Our students have none.

    Counted together for BERT-base they are the published 110,106,428.
    """
    d, inner = config.hidden_dim, config.intermediate_dim
    layer = 4 * (d * d + d) + (d * inner + inner) + (inner * d + d) + 4 * d
    return {
        "token_embeddings": config.vocabulary_size * d,
        "other_embeddings": (config.max_sequence_length + config.num_segments + 2) * d,
        "layers": config.num_layers * layer,
        "pooler": d * d + d,
        "masked_lm_head": d * d + d + 2 * d + config.vocabulary_size,
        "next_sentence_head": 2 * d + 2,
    }


def encoder_parameters(config: BackboneConfig) -> int:
    """Counts what stays after pretraining: embeddings and layers."""
    parts = parameter_breakdown(config)
    return parts["token_embeddings"] + parts["other_embeddings"] + parts["layers"]


def megabytes(parameters: int, bytes_each: int = _FLOAT32_BYTES) -> float:
    """Returns the size of so many parameters in units of 2^20 bytes, as table 1 counts them."""
    return parameters * bytes_each / 2**20


def encoder_flops(config: BackboneConfig, sequence_length: int = 128) -> int:
    """Counts 2 operations a multiply-add of the layers' matrix products for a row, attention products included.

    Args:
        config: the encoder's shape.
        sequence_length: tokens, at least 1.
    """
    d, inner = config.hidden_dim, config.intermediate_dim
    linear = sequence_length * (4 * d * d + 2 * d * inner)
    attention = 2 * sequence_length * sequence_length * d  # query x key, weights x value, over all heads
    return 2 * config.num_layers * (linear + attention)


def size_table(vocabulary_size: int = 4928, widths: tuple[int, ...] = (48, 96, 192), num_layers: int = 12) -> str:
    """Returns table 1 in Markdown: students of these widths and BERT-base, ours beside the published figures.

    Args:
        vocabulary_size: entries of the students' vocabulary.
        widths: the students' widths, in units.
        num_layers: the students' layers; the paper's have 12.
    """
    students = [
        BackboneConfig(vocabulary_size, num_layers, num_heads=12, hidden_dim=width, intermediate_dim=4 * width)
        for width in widths
    ]
    lines = [
        "| width | parameters with heads | encoder alone | MB (float32) | FLOPs ratio "
        "| published parameters | published MB | published FLOPs ratio |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join(lines + [_row(config) for config in (*students, BERT_BASE)])


def _row(config: BackboneConfig) -> str:
    total = sum(parameter_breakdown(config).values())
    ratio = encoder_flops(config) / encoder_flops(BERT_BASE)
    published = PUBLISHED.get(config.hidden_dim)
    theirs = ["-"] * 3
    if published is not None:
        theirs = [
            f"{published['parameters']:,}", f"{published['megabytes']:g}", f"{100 * published['flops_ratio']:.3g} %"
        ]  # fmt: skip
    ours = [f"{total:,}", f"{encoder_parameters(config):,}", f"{megabytes(total):.1f}", f"{100 * ratio:.3g} %"]
    return "| " + " | ".join([str(config.hidden_dim), *ours, *theirs]) + " |"
