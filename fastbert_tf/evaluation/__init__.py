"""What a model is worth and what it costs: FLOPs, speed curves, uncertainty, latency, profiles, reports and plots."""

from fastbert_tf.evaluation.bootstrap import DRAWS, metric_intervals
from fastbert_tf.evaluation.branch_outputs import BranchOutputs, predict_branches
from fastbert_tf.evaluation.exit_choice import PredictedTime, choose_exits, predict_ms, predicted_times
from fastbert_tf.evaluation.exit_costs import ExitCosts, measure_exit_costs
from fastbert_tf.evaluation.flops import executed_breakdown, executed_flops, paper_breakdown, paper_flops
from fastbert_tf.evaluation.latency import Latency, measure_latency
from fastbert_tf.evaluation.machine import machine, threads
from fastbert_tf.evaluation.masked_words import MaskedWords, masked_words
from fastbert_tf.evaluation.metrics import METRICS, compute_metrics
from fastbert_tf.evaluation.model_size import encoder_flops, encoder_parameters, parameter_breakdown, size_table
from fastbert_tf.evaluation.operating_point import OperatingPoint
from fastbert_tf.evaluation.outputs_file import read_outputs, write_outputs
from fastbert_tf.evaluation.policy_comparison import compare_policies
from fastbert_tf.evaluation.profile import profile_stack
from fastbert_tf.evaluation.profile_parts import ProfiledStack, keras_profiled, packed_profiled
from fastbert_tf.evaluation.profile_record import Profile
from fastbert_tf.evaluation.profile_report import read_profile, write_profile
from fastbert_tf.evaluation.profile_table import profile_text
from fastbert_tf.evaluation.report import Report, read_report, regenerate, require_writable, write_report
from fastbert_tf.evaluation.speed_curve import SpeedCurve, speed_curve
from fastbert_tf.evaluation.table import depth_table, latency_table, speed_table
from fastbert_tf.evaluation.texts_file import RowTexts, drop_texts, read_texts, write_texts
from fastbert_tf.evaluation.uncertainty_profile import UncertaintyProfile, uncertainty_profile

__all__ = [
    "DRAWS",
    "METRICS",
    "BranchOutputs",
    "ExitCosts",
    "Latency",
    "MaskedWords",
    "OperatingPoint",
    "PredictedTime",
    "Profile",
    "ProfiledStack",
    "Report",
    "RowTexts",
    "SpeedCurve",
    "UncertaintyProfile",
    "choose_exits",
    "compare_policies",
    "compute_metrics",
    "depth_table",
    "drop_texts",
    "encoder_flops",
    "encoder_parameters",
    "executed_breakdown",
    "executed_flops",
    "keras_profiled",
    "latency_table",
    "masked_words",
    "machine",
    "measure_exit_costs",
    "measure_latency",
    "metric_intervals",
    "packed_profiled",
    "paper_breakdown",
    "paper_flops",
    "parameter_breakdown",
    "predict_branches",
    "predict_ms",
    "predicted_times",
    "profile_stack",
    "profile_text",
    "read_outputs",
    "read_profile",
    "read_report",
    "read_texts",
    "regenerate",
    "require_writable",
    "size_table",
    "speed_curve",
    "speed_table",
    "threads",
    "uncertainty_profile",
    "write_outputs",
    "write_profile",
    "write_report",
    "write_texts",
]
