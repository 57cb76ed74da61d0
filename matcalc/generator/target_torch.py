"""PyTorch: plain functions of tensors, and ``Loss``, which lends automatic differentiation our gradient.

Scalars may be numbers or tensors; new tensors have the type and the place of the first argument.
"""

from __future__ import annotations

import re
from dataclasses import replace

from matcalc.generator.spelling import NUMPY, einsums
from matcalc.generator.target_array_api import ALGEBRA, ARRAYS, PLAIN, in_library

_LIKE = '''
def _like(*arguments):
    """The type and the place of the first tensor of floating point numbers."""
    for x in arguments:
        if torch.is_tensor(x) and x.is_floating_point():
            return {"dtype": x.dtype, "device": x.device}
    return {"dtype": torch.float64}
'''
_FUNCTIONS = {
    "_like": _LIKE,
    "_softplus": '''
def _softplus(z):
    """log(1 + exp(z)) without overflow."""
    return torch.logaddexp(1.0*z, torch.zeros_like(1.0*z))
''',
    "_gelu": '''
def _gelu(x):
    """x times the normal distribution function of x."""
    return 0.5*x*torch.special.erfc(-x*0.7071067811865476)
''',
    "_trigamma": '''
def _trigamma(x):
    """The second derivative of log(gamma(x)): series, recurrence, reflection (torch's is right to 1e-8)."""
    left = x < 0.5
    z = torch.where(left, 1.0 - x, x)
    value = torch.zeros_like(z)
    for _ in range(10):
        value, z = value + 1.0/(z*z), z + 1.0
    w = 1.0/(z*z)
    series = torch.zeros_like(z)
    for c in [-3617/510, 7/6, -691/2730, 5/66, -1/30, 1/42, -1/30, 1/6]:
        series = series*w + c
    value = value + 1.0/z + 0.5*w + series*w/z
    return torch.where(left, (torch.pi/torch.sin(torch.pi*x))**2 - value, value)
''',
    "_sinm": '''
def _sinm(X):
    """The matrix sine of a real matrix."""
    return torch.linalg.matrix_exp(1j*X).imag
''',
    "_cosm": '''
def _cosm(X):
    """The matrix cosine of a real matrix."""
    return torch.linalg.matrix_exp(1j*X).real
''',
}
_CALLS = {
    "sigmoid": "torch.sigmoid({0})",
    "softmax": "torch.softmax({0}, dim=0)",
    "softmax_axis": "torch.softmax({0}, dim={p0})",
    "log_softmax": "torch.log_softmax({0}, dim=0)",
    "log_softmax_axis": "torch.log_softmax({0}, dim={p0})",
    "logsumexp": "torch.logsumexp({0a}.ravel(), dim=0)",
    "logsumexp_axis": "torch.logsumexp({0}, dim={p0})",
    "softplus": "_softplus({0})",
    "gelu": "_gelu({0})",
    "erf": "torch.special.erf({0})",
    "lgamma": "torch.lgamma({0})",
    "digamma": "torch.digamma({0})",
    "trigamma": "_trigamma({0})",
    "expm": "torch.linalg.matrix_exp({0})",
    "sqrtm": "_sqrtm({0}, torch, like)",
    "logm": "_logm({0}, torch, like)",
    "sinm": "_sinm({0})",
    "cosm": "_cosm({0})",
    "expm_frechet": "_frechet(torch.linalg.matrix_exp, {0}, {1}, torch, like)",
    "sinm_frechet": "_frechet(_sinm, {0}, {1}, torch, like)",
    "cosm_frechet": "_frechet(_cosm, {0}, {1}, torch, like)",
    "matrix_power": "torch.linalg.matrix_power({0}, {1})",
    "maximum": "torch.maximum({0}, {1})",
    "minimum": "torch.minimum({0}, {1})",
    "relu": "torch.relu({0})",
    "arcsin": "torch.asin({0})",
    "arccos": "torch.acos({0})",
    "arctan": "torch.atan({0})",
    "lower": "torch.tril({0})",
    "upper": "torch.triu({0})",
    "kron": "torch.kron({0}, {1})",
    "diagflat": "torch.diag({0})",
    "diagonal": "torch.diagonal({0})",
    "trace": "torch.trace({0})",
    "outer": "torch.outer({0}, {1})",
    "norm": "torch.linalg.vector_norm({0})",
    **einsums("einsum", "torch.einsum"),
    **einsums("einsum_path", "torch.einsum"),
    "trace_product": 'torch.einsum("ij,ji->", {0}, {1})',
    "diagonal_product": 'torch.einsum("ij,ji->i", {0}, {1})',
    "row_dots": 'torch.einsum("ij,ij->i", {0}, {1})',
    "column_dots": 'torch.einsum("ij,ij->j", {0}, {1})',
}
_EPILOGUE = '''
class {Loss}({torch}.autograd.Function):
    """The value for PyTorch's automatic differentiation, which gets our gradient: Loss.apply({arguments}).

    The gradient is computed together with the value; it cannot be differentiated again.
    """

    @staticmethod
    def forward(_context, {arguments}):
        _value, _gradient = value_and_gradient({keywords})
        _context.save_for_backward({saved})
        return _value

    @staticmethod
    @{torch}.autograd.function.once_differentiable
    def backward(_context, _upstream):
        _gradients = dict(zip({places}, _context.saved_tensors))
        _wanted = _context.needs_input_grad
        return tuple(_upstream*_gradients[i] if i in _gradients and _wanted[i] else None for i in range({count}))
'''


def _in_torch(text: str) -> str:
    return re.sub(r"(?<![\w.])xp\b", "torch", text)


TORCH = replace(
    NUMPY,
    target="torch",
    in_place=False,
    imports={"torch": "import torch as {}", "math": "import math as {}"},
    calls={**{key: _in_torch(text) for key, text in in_library().items()}, **_CALLS},
    open={"full": ("{0a}*torch.ones({shape}, **like)", NUMPY.open["full"][1])},
    functions={**ALGEBRA, **_FUNCTIONS},
    plain=PLAIN,
    boxed="torch.as_tensor({0}, **like)",
    arrays=ARRAYS,
    opening="like = _like({arguments})",
    local=("like",),
    scalar="torch.as_tensor({0}, **like)",
    add_at="_added({0}, {1}, ({places}), torch, like)",
    epilogue=_EPILOGUE,
)
