"""Training stages of FastBERT, and the schedule that alternates them."""

from fastbert_tf.training.fine_tuning import FineTuning
from fastbert_tf.training.joint_fine_tuning import JointFineTuning
from fastbert_tf.training.schedule import AlternatingSchedule, Batches
from fastbert_tf.training.self_distillation import SelfDistillation
from fastbert_tf.training.stage import Stage
from fastbert_tf.training.training_state import TrainingState
from fastbert_tf.training.warmup_linear_decay import WarmupLinearDecay

__all__ = [
    "AlternatingSchedule",
    "Batches",
    "FineTuning",
    "JointFineTuning",
    "SelfDistillation",
    "Stage",
    "TrainingState",
    "WarmupLinearDecay",
]
