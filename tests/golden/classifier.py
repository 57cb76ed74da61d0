import numpy as np


def _log_softmax(z, axis=None):
    """log(softmax(z)) without overflow or cancellation."""
    z = z - np.max(z, axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


def _sigmoid(z):
    """1/(1 + exp(-z)) without overflow."""
    return 1.0/(1.0 + np.exp(np.minimum(-z, 709.0)))


def _softmax(z, axis=None):
    """exp(z)/sum(exp(z)) without overflow."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e/np.sum(e, axis=axis, keepdims=True)


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
    P = _softmax(t1, axis=1)
    t2 = P - Y
    dZ1 = (t2 @ W2.T)/N*H*(1 - H)
    return (
        float(-np.vdot(Y, _log_softmax(t1, axis=1))/N),
        (
            X.T @ dZ1,
            dZ1.sum(axis=0),
            (H.T @ t2)/N,
            t2.sum(axis=0)/N,
        ),
    )
