"""Configurations round-trip through JSON, hold the paper's defaults, and refuse what breaks a rule."""

from __future__ import annotations

import dataclasses
import json

import tensorflow as tf
from absl.testing import parameterized

from fastbert_tf.config import (
    BackboneConfig,
    FastBertConfig,
    MaskedLmConfig,
    PretrainingConfig,
    StageConfig,
    TrainingConfig,
)

BACKBONE = {
    "vocabulary_size": 100, "num_layers": 3, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16,
}  # fmt: skip
CONFIGS = [
    BackboneConfig(**BACKBONE, dropout=0.2, activation="gelu_tanh"),
    FastBertConfig(BackboneConfig(**BACKBONE), num_classes=3, branch_dim=4, branch_heads=1),
    StageConfig(epochs=0, learning_rate=1e-3, warmup=0.0),
    TrainingConfig(fine_tuning=StageConfig(1, 5e-5), rounds=2, divergence="reverse", dtype="mixed_bfloat16", seed=9),
    MaskedLmConfig(training=StageConfig(2, 1e-3), dropout=0.0, held_out_steps=3),
    PretrainingConfig("shared_proj_up", layer_map=(2, 4), training=StageConfig(2, 1e-3), epoch_steps=7),
]


class ConfigTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters((type(config).__name__, config) for config in CONFIGS)
    def test_round_trip_through_json(self, config):
        values = json.loads(json.dumps(config.to_dict()))
        self.assertEqual(type(config).from_dict(values), config)

    @parameterized.named_parameters((type(config).__name__, config) for config in CONFIGS)
    def test_is_frozen(self, config):
        with self.assertRaises(dataclasses.FrozenInstanceError):
            setattr(config, dataclasses.fields(config)[0].name, 1)

    @parameterized.named_parameters((type(config).__name__, config) for config in CONFIGS)
    def test_unknown_field_is_named(self, config):
        with self.assertRaisesRegex(ValueError, f"{type(config).__name__} has no field .*'hidden_size'"):
            type(config).from_dict({**config.to_dict(), "hidden_size": 8})

    def test_what_decides_the_weights(self):
        """Plain JSON types, all but what says how often the run is saved."""
        for config in CONFIGS[3:]:
            decisive = config.decisive()
            self.assertEqual(decisive, json.loads(json.dumps(decisive)))
            self.assertEqual(decisive.keys() ^ config.to_dict().keys(), {"save_every"})

    def test_missing_field_is_named(self):
        with self.assertRaisesRegex(ValueError, r"BackboneConfig needs \['num_heads'\]"):
            BackboneConfig.from_dict({name: value for name, value in BACKBONE.items() if name != "num_heads"})

    def test_defaults_are_the_papers(self):
        """Section 4.3: AdamW, warm-up 0.1, 3 epochs at 2e-5, then 5 at 2e-4; 128 tokens, batch 32."""
        config = TrainingConfig()
        self.assertEqual(config.fine_tuning, StageConfig(3, 2e-5, warmup=0.1, weight_decay=0.01))
        self.assertEqual(config.distillation, StageConfig(5, 2e-4, warmup=0.1, weight_decay=0.01))
        self.assertEqual((config.batch_size, config.max_sequence_length, config.rounds), (32, 128, 1))
        pretraining = PretrainingConfig()
        self.assertEqual((pretraining.p_dt, pretraining.epsilon, pretraining.training.learning_rate), (0.5, 1, 0.00125))
        self.assertTrue(pretraining.train_teacher)
        fastbert = FastBertConfig(BackboneConfig(**BACKBONE), num_classes=2)
        self.assertEqual((fastbert.branch_dim, fastbert.branch_heads), (128, 2))

    @parameterized.parameters(
        ({"num_layers": 0}, "num_layers must be an integer of at least 1, but is 0"),
        ({"hidden_dim": 2.5}, "hidden_dim must be an integer of at least 1, but is 2.5"),
        ({"num_heads": 3}, "hidden_dim must be a multiple of 3 heads, but is 8"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), but is 1.0"),
        ({"activation": "relu"}, "activation must be one of .*, but is 'relu'"),
        ({"layer_norm_epsilon": 0.0}, "layer_norm_epsilon must be positive"),
    )
    def test_bad_backbone(self, fields, message):
        with self.assertRaisesRegex(ValueError, message):
            BackboneConfig(**{**BACKBONE, **fields})

    @parameterized.parameters(
        ({"num_classes": 1}, "num_classes must be an integer of at least 2, but is 1"),
        ({"num_classes": 2.5}, "num_classes must be an integer of at least 2, but is 2.5"),
        ({"branch_heads": 3}, "branch_dim must be a multiple of 3 heads, but is 128"),
    )
    def test_bad_fastbert(self, fields, message):
        with self.assertRaisesRegex(ValueError, message):
            FastBertConfig(**{"backbone": BackboneConfig(**BACKBONE), "num_classes": 2, **fields})

    @parameterized.parameters(
        ({"epochs": -1}, "epochs must be an integer of at least 0, but is -1"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive, but is nan"),
        ({"warmup": 1.1}, r"warmup must be in \[0, 1\]"),
        ({"weight_decay": -0.1}, "weight_decay must be at least 0"),
    )
    def test_bad_stage(self, fields, message):
        with self.assertRaisesRegex(ValueError, message):
            StageConfig(**{"epochs": 1, "learning_rate": 1e-4, **fields})

    @parameterized.parameters(
        ({"rounds": 0}, "rounds must be an integer of at least 1"),
        ({"save_every": 0}, "save_every must be an integer of at least 1"),
        ({"max_sequence_length": 4}, "max_sequence_length must be an integer of at least 5"),
        ({"divergence": "kl"}, "divergence must be one of .*'forward', 'reverse'.* but is 'kl'"),
        ({"dtype": "float16"}, "dtype must be one of .*'float32', 'mixed_bfloat16'"),
        ({"seed": -1}, "seed must be an integer of at least 0, but is -1"),
    )
    def test_bad_training(self, fields, message):
        with self.assertRaisesRegex(ValueError, message):
            TrainingConfig(**fields)

    @parameterized.parameters(
        ({"variant": "kd"}, "variant must be one of .*'no_kd', 'dual_train', .* but is 'kd'"),
        ({"p_dt": 1.5}, r"p_dt must be in \[0, 1\], but is 1.5"),
        ({"epsilon": 0}, "epsilon must be positive"),
        ({"prediction_share": 0}, r"prediction_share must be in \(0, 1\]"),
        ({"epoch_steps": 0}, "epoch_steps must be an integer of at least 1"),
        ({"student_heads": 0}, "student_heads must be an integer of at least 1"),
        ({"accumulation": 0}, "accumulation must be an integer of at least 1"),
        ({"dropout": 1}, r"dropout must be in \[0, 1\)"),
    )
    def test_bad_pretraining(self, fields, message):
        with self.assertRaisesRegex(ValueError, message):
            PretrainingConfig(**fields)


if __name__ == "__main__":
    tf.test.main()
