import numpy as np


def _logdet(X):
    """log(det(X)); not a number where det(X) is negative."""
    sign, value = np.linalg.slogdet(X)
    return value if sign >= 0 else np.nan


def value(*, x, mu, S):
    """The value of the function."""
    t1 = x - mu
    return float(0.5*(t1 @ np.linalg.solve(S, t1)) + 0.5*_logdet(S))


def gradient(*, x, mu, S):
    """The gradient by S, mu."""
    inv_S = np.linalg.inv(S)
    t1 = inv_S @ (x - mu)
    return 0.5*(inv_S - t1[:, None]*t1), -t1


def value_and_gradient(*, x, mu, S):
    """The value and the gradient by S, mu."""
    t1 = x - mu
    inv_S = np.linalg.inv(S)
    t2 = inv_S @ t1
    return float(0.5*(t1 @ t2) + 0.5*_logdet(S)), (0.5*(inv_S - t2[:, None]*t2), -t2)
