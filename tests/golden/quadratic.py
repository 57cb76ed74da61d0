# f = x'*A*x


import numpy as np


def value(*, A, x):
    """The value of the function."""
    return float(x @ (A @ x))


def gradient(*, A, x):
    """The gradient by x."""
    return A @ x + A.T @ x


def value_and_gradient(*, A, x):
    """The value and the gradient by x."""
    Ax = A @ x
    return float(x @ Ax), Ax + A.T @ x
