import numpy as np


def value(*, W, x, v, s, ds=None):
    """The value of the function."""
    v = v[:, 0]
    return float(v @ s(W @ x))


def gradient(*, W, x, v, s, ds):
    """The gradient by W, v."""
    v = v[:, 0]
    Wx = W @ x
    return (v*ds(Wx))[:, None]*x, np.array(s(Wx)[:, None], dtype=float)


def value_and_gradient(*, W, x, v, s, ds):
    """The value and the gradient by W, v."""
    v = v[:, 0]
    Wx = W @ x
    t1 = s(Wx)
    return float(v @ t1), ((v*ds(Wx))[:, None]*x, np.array(t1[:, None], dtype=float))
