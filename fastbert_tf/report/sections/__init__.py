"""The parts of a report: each a pure function from runs to blocks of the document."""

from fastbert_tf.report.sections.ablation import ablation
from fastbert_tf.report.sections.comparison import comparison
from fastbert_tf.report.sections.convergence import convergence
from fastbert_tf.report.sections.cost import cost
from fastbert_tf.report.sections.disagreement import disagreement
from fastbert_tf.report.sections.examples import examples
from fastbert_tf.report.sections.guarantee import guarantee
from fastbert_tf.report.sections.model_card import model_card
from fastbert_tf.report.sections.operations import operations
from fastbert_tf.report.sections.overview import overview
from fastbert_tf.report.sections.policies import policies
from fastbert_tf.report.sections.trade_offs import trade_offs
from fastbert_tf.report.sections.uncertainty import uncertainty

__all__ = [
    "ablation",
    "comparison",
    "convergence",
    "cost",
    "disagreement",
    "examples",
    "guarantee",
    "model_card",
    "operations",
    "overview",
    "policies",
    "trade_offs",
    "uncertainty",
]
