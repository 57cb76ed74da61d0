import numpy as np


def _log_softmax(z, axis=None, out=None):
    """log(softmax(z)) without overflow or cancellation."""
    if axis == 1 and z.shape[1] <= 32 <= z.shape[0]:  # a few long rows take less time than many short ones
        return _turned(_log_softmax(z.T.copy(), 0), out)
    z = np.subtract(z, 1.0*z.max(axis=axis, keepdims=True), out=out)
    z -= np.log(np.exp(z).sum(axis=axis, keepdims=True))
    return z


def _sigmoid(z, out=None):
    """1/(1 + exp(-z)) without overflow."""
    return _sigmoid_neg(np.negative(z, out=out), out)


def _sigmoid_neg(z, out=None):
    """1/(1 + exp(z)) without overflow."""
    e = np.exp(np.minimum(z, 709.0, out=out), out=out)
    e += 1.0
    return np.reciprocal(e, out=e) if e.ndim else 1.0/e


def _softmax(z, axis=None, out=None):
    """exp(z)/sum(exp(z)) without overflow."""
    if axis == 1 and z.shape[1] <= 32 <= z.shape[0]:  # a few long rows take less time than many short ones
        return _turned(_softmax(z.T.copy(), 0), out)
    e = np.subtract(z, 1.0*z.max(axis=axis, keepdims=True), out=out)
    np.exp(e, out=e)
    e /= e.sum(axis=axis, keepdims=True)
    return e


def _turned(x, out=None):
    """The transpose, in an array of its own."""
    if out is None:
        return x.T.copy()
    out[...] = x.T
    return out


def value(*, X, W1, b1, W2, b2, Y):
    """The value of the function."""
    X = np.asarray(X, dtype=float)
    N = X.shape[0]
    Z1 = X @ W1
    Z1 += b1
    H = _sigmoid(Z1)
    t1 = H @ W2
    t1 += b2
    _log_softmax(t1, axis=1, out=t1)
    return float(-np.vdot(Y, t1)/N)


def gradient(*, X, W1, b1, W2, b2, Y):
    """The gradient by W1, b1, W2, b2."""
    X = np.asarray(X, dtype=float)
    N = X.shape[0]
    Z1 = X @ W1
    Z1 += b1
    H = _sigmoid(Z1)
    P = H @ W2
    P += b2
    _softmax(P, axis=1, out=P)
    t1 = P - Y
    dZ1 = (t1 @ W2.T)/N*H*(1 - H)
    return X.T @ dZ1, dZ1.sum(axis=0), (H.T @ t1)/N, t1.sum(axis=0)/N


def value_and_gradient(*, X, W1, b1, W2, b2, Y):
    """The value and the gradient by W1, b1, W2, b2."""
    X = np.asarray(X, dtype=float)
    N = X.shape[0]
    Z1 = X @ W1
    Z1 += b1
    H = _sigmoid(Z1)
    t1 = H @ W2
    t1 += b2
    t1 -= t1.max(axis=1)[:, None]
    P = np.exp(t1)
    t2 = P.sum(axis=1)
    t1 -= np.log(t2)[:, None]
    P /= t2[:, None]
    t3 = P - Y
    dZ1 = (t3 @ W2.T)/N*H*(1 - H)
    return float(-np.vdot(Y, t1)/N), (X.T @ dZ1, dZ1.sum(axis=0), (H.T @ t3)/N, t3.sum(axis=0)/N)
