"""Fits the regressors of the learned exit to branch outputs."""

from __future__ import annotations

import numpy as np
from keras import ops

from fastbert_tf.inference.exit_schedule import ExitSchedule
from fastbert_tf.inference.policies.learned_exit import LearnedExit, exit_features

PENALTY = 1.0
"""Weight of half the squared norm of the weights of standardised features, beside the summed log loss."""
_MOST_STEPS = 100
_LEAST_DECREASE = 1e-10  # of the loss a row, at which the fit has converged


def fit_learned_exit(
    probabilities: np.ndarray,
    labels: np.ndarray | None = None,
    schedule: ExitSchedule | None = None,
    penalty: float = PENALTY,
) -> LearnedExit:
    """Learns at each layer how likely the answer is wrong.

    The rows must have played no part in fine-tuning, nor may they be used to choose or test thresholds afterwards: on
    rows that it was trained on, a model is surer than it should be.

    Args:
        probabilities: float32 (rows, layers, classes), every branch's answer for every row, at least 2 layers.
        labels: int (rows,); None: an answer counts as wrong where it differs from the teacher's.
        schedule: branches that will be on: features compare an answer with that of the exit before. None for all.
        penalty: of large weights, above 0 (ridge; scikit-learn's 1 / C).

    Returns:
        The policy.

    Raises:
        ValueError: shapes do not fit each other, there is no row, or the penalty is not above 0.
    """
    if probabilities.ndim != 3 or 0 in probabilities.shape or probabilities.shape[1] < 2:
        raise ValueError(
            f"probabilities must be (rows, layers, classes), 2 layers or more, but are {probabilities.shape}"
        )
    rows, layers, _ = probabilities.shape
    if labels is not None and np.shape(labels) != (rows,):
        raise ValueError(f"labels must be ({rows},), one a row, but are {np.shape(labels)}")
    if not penalty > 0:
        raise ValueError(f"penalty must be above 0, but is {penalty}; {PENALTY} is a good start")
    exits = (schedule or ExitSchedule.every_layer(layers)).check(layers).exits
    names = probabilities.argmax(-1)  # (rows, layers)
    truth = names[:, -1] if labels is None else np.asarray(labels)
    weights = []
    for layer in range(1, layers):
        heard = [*(exit for exit in exits if exit < layer), layer][-2:]
        said = [ops.convert_to_tensor(probabilities[:, one - 1]) for one in heard]
        features = ops.convert_to_numpy(exit_features(said)).astype(np.float64)  # (rows, features)
        weights.append(tuple(logistic_regression(features, names[:, layer - 1] != truth, penalty).tolist()))
    return LearnedExit(tuple(weights))


def logistic_regression(features: np.ndarray, target: np.ndarray, penalty: float) -> np.ndarray:
    """Fits bias and weights of standardised features by Newton's method; the bias goes without penalty.

    Where all targets are alike no finite bias fits: it is then that of one more row of each kind (rule of succession).

    Args:
        features: float64 (rows, features); one that is constant gets the weight 0.
        target: bool (rows,).
        penalty: weight of half the squared norm of the weights, above 0.

    Returns:
        float64 (1 + features,), the bias first, for features as they are.
    """
    rows, count = features.shape
    positive = int(target.sum())
    if positive in (0, rows):
        return np.array([np.log((positive + 1) / (rows - positive + 1)), *[0.0] * count])
    mean, scale = features.mean(axis=0), features.std(axis=0)
    varies = scale > 1e-12
    x = np.ones((rows, 1 + varies.sum()))
    x[:, 1:] = (features[:, varies] - mean[varies]) / scale[varies]
    fitted = _newton(x, target.astype(np.float64), penalty)
    weights = np.zeros(1 + count)
    weights[1:][varies] = fitted[1:] / scale[varies]
    weights[0] = fitted[0] - weights[1:] @ mean
    return weights


def _newton(x: np.ndarray, target: np.ndarray, penalty: float) -> np.ndarray:
    """Returns the weights (columns,) that minimise the penalised log loss of x (rows, columns)."""
    ridge = np.full(x.shape[1], penalty)
    ridge[0] = 0

    def loss(weights: np.ndarray) -> float:
        score = x @ weights  # (rows,)
        return float(np.logaddexp(0, score).sum() - target @ score + 0.5 * ridge @ weights**2)

    weights = np.zeros(x.shape[1])
    weights[0] = np.log(target.mean() / (1 - target.mean()))
    best = loss(weights)
    for _ in range(_MOST_STEPS):
        p = 1 / (1 + np.exp(-(x @ weights)))
        gradient = x.T @ (p - target) + ridge * weights
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge + 1e-9), gradient)
        size = 1.0
        while (now := loss(weights - size * step)) > best and size > 1e-6:
            size /= 2
        if best - now < _LEAST_DECREASE * len(x):
            break
        weights, best = weights - size * step, now
    return weights
