"""Training stages, and the schedules that run them."""

from fastbert_tf.training.dual_training import DualTraining
from fastbert_tf.training.fine_tuning import FineTuning
from fastbert_tf.training.joint_fine_tuning import JointFineTuning
from fastbert_tf.training.lamb import Lamb
from fastbert_tf.training.masked_lm_run import MaskedLmRun
from fastbert_tf.training.masked_lm_training import MaskedLmTraining
from fastbert_tf.training.phases import Batches
from fastbert_tf.training.predicted_places import predicted_places
from fastbert_tf.training.pretraining import Pretraining
from fastbert_tf.training.schedule import AlternatingSchedule
from fastbert_tf.training.self_distillation import SelfDistillation
from fastbert_tf.training.stage import Stage
from fastbert_tf.training.task_distillation import TaskDistillation
from fastbert_tf.training.training_state import TrainingState
from fastbert_tf.training.warmup_linear_decay import WarmupLinearDecay
from fastbert_tf.training.word_distillation import WordDistillation
from fastbert_tf.training.word_distillation_run import WordDistillationRun

__all__ = [
    "AlternatingSchedule",
    "Batches",
    "DualTraining",
    "FineTuning",
    "JointFineTuning",
    "Lamb",
    "MaskedLmRun",
    "MaskedLmTraining",
    "Pretraining",
    "SelfDistillation",
    "Stage",
    "TaskDistillation",
    "TrainingState",
    "WarmupLinearDecay",
    "WordDistillation",
    "WordDistillationRun",
    "predicted_places",
]
