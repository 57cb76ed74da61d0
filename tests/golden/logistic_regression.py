import numpy as np


def _sigmoid(z, out=None):
    """1/(1 + exp(-z)) without overflow."""
    return _sigmoid_neg(np.negative(z, out=out), out)


def _sigmoid_neg(z, out=None):
    """1/(1 + exp(z)) without overflow."""
    e = np.exp(np.minimum(z, 709.0, out=out), out=out)
    e += 1.0
    return np.reciprocal(e, out=e) if e.ndim else 1.0/e


def _softplus(z, out=None):
    """log(1 + exp(z)) without overflow."""
    e = np.asarray(np.abs(z, dtype=float))
    np.negative(e, out=e)
    np.exp(e, out=e)
    np.log1p(e, out=e)
    larger = np.maximum(z, 0.0, out=out)
    larger += e
    return larger


def value(*, X, y, w, lambda_):
    """The value of the function."""
    n = X.shape[0]
    Xw = X @ w
    t1 = (y*_softplus(-Xw) + (1 - y)*_softplus(Xw)).sum()
    return float(t1/n + lambda_*(w @ w))


def gradient(*, X, y, w, lambda_):
    """The gradient by w."""
    n = X.shape[0]
    return (X.T @ (_sigmoid(X @ w) - y))/n + 2*lambda_*w


def value_and_gradient(*, X, y, w, lambda_):
    """The value and the gradient by w."""
    n = X.shape[0]
    Xw = X @ w
    t1 = (y*_softplus(-Xw) + (1 - y)*_softplus(Xw)).sum()
    return float(t1/n + lambda_*(w @ w)), (X.T @ (_sigmoid(Xw) - y))/n + 2*lambda_*w
