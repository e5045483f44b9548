"""Speed with a guarantee: risk control on calibration rows, its certificate, and the dial from speedup to speed."""

from fastbert_serving.dial import Dial
from fastbert_tf.calibration.bounds import (
    P_VALUES,
    binomial_cdf,
    binomial_p_value,
    clopper_pearson,
    hoeffding_bentkus_p_value,
    rows_needed,
)
from fastbert_tf.calibration.calibrate import Promise, calibrate, candidate, exit_costs
from fastbert_tf.calibration.certificate import Certificate, Subject, read_certificate, write_certificate
from fastbert_tf.calibration.fit_layer_thresholds import fit_layer_thresholds
from fastbert_tf.calibration.learn_dial import learn_dial
from fastbert_tf.calibration.learn_then_test import PATH, Candidate, Choice, certified, choose
from fastbert_tf.calibration.row_losses import row_losses
from fastbert_tf.calibration.speed_sums import SpeedSums

__all__ = [
    "PATH",
    "P_VALUES",
    "Candidate",
    "Certificate",
    "Choice",
    "Dial",
    "Promise",
    "SpeedSums",
    "Subject",
    "binomial_cdf",
    "binomial_p_value",
    "calibrate",
    "candidate",
    "certified",
    "choose",
    "clopper_pearson",
    "exit_costs",
    "fit_layer_thresholds",
    "hoeffding_bentkus_p_value",
    "learn_dial",
    "read_certificate",
    "row_losses",
    "rows_needed",
    "write_certificate",
]
