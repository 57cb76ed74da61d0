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
    t1 = np.linalg.inv(S)
    t2 = t1 @ (x - mu)
    t1 -= t2[:, None]*t2
    t1 *= 0.5
    return t1, -t2


def value_and_gradient(*, x, mu, S):
    """The value and the gradient by S, mu."""
    t1 = x - mu
    t2 = np.linalg.inv(S)
    t3 = t2 @ t1
    t2 -= t3[:, None]*t3
    t2 *= 0.5
    return float(0.5*(t1 @ t3) + 0.5*_logdet(S)), (t2, -t3)
