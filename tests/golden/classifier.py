import numpy as np


def _log_softmax(z, axis=None):
    """log(softmax(z)) without overflow or cancellation."""
    z = z - 1.0*z.max(axis=axis, keepdims=True)
    z -= np.log(np.exp(z).sum(axis=axis, keepdims=True))
    return z


def _sigmoid(z):
    """1/(1 + exp(-z)) without overflow."""
    return _sigmoid_neg(-z)


def _sigmoid_neg(z):
    """1/(1 + exp(z)) without overflow."""
    e = np.exp(np.minimum(z, 709.0))
    e += 1.0
    return np.reciprocal(e, out=e) if e.ndim else 1.0/e


def _softmax(z, axis=None):
    """exp(z)/sum(exp(z)) without overflow."""
    e = z - 1.0*z.max(axis=axis, keepdims=True)
    np.exp(e, out=e)
    e /= e.sum(axis=axis, keepdims=True)
    return e


def value(*, X, W1, b1, W2, b2, Y):
    """The value of the function."""
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H = _sigmoid(Z1)
    t1 = np.vdot(Y, _log_softmax(H @ W2 + b2, axis=1))
    return float(-t1/N)


def gradient(*, X, W1, b1, W2, b2, Y):
    """The gradient by W1, b1, W2, b2."""
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H = _sigmoid(Z1)
    P = _softmax(H @ W2 + b2, axis=1)
    t1 = P - Y
    dZ1 = (t1 @ W2.T)/N*H*(1 - H)
    return X.T @ dZ1, dZ1.sum(axis=0), (H.T @ t1)/N, t1.sum(axis=0)/N


def value_and_gradient(*, X, W1, b1, W2, b2, Y):
    """The value and the gradient by W1, b1, W2, b2."""
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H = _sigmoid(Z1)
    t1 = H @ W2 + b2
    t2 = t1 - t1.max(axis=1)[:, None]
    exp_t2 = np.exp(t2)
    t3 = exp_t2.sum(axis=1)
    P = exp_t2/t3[:, None]
    t4 = P - Y
    dZ1 = (t4 @ W2.T)/N*H*(1 - H)
    return (
        float(-np.vdot(Y, t2 - np.log(t3)[:, None])/N),
        (
            X.T @ dZ1,
            dZ1.sum(axis=0),
            (H.T @ t4)/N,
            t4.sum(axis=0)/N,
        ),
    )
