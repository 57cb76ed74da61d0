"""What other tools answer: ``python benchmarks/others.py`` prints what docs/comparison.md shows, if it is installed.

SymPy, PyTensor, JAX and tensorgrad are asked for the same derivatives as matcalc. Nothing is judged here: the answers
are printed as each tool prints them.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from typing import Any

LOSSES = {
    "least squares": ("norm2(A*x - b)^2", "x"),
    "quadratic form plus 1": ("x'*B*x + 1", "x"),
    "Rayleigh quotient": ("x'*B*x/(x'*x)", "x"),
    "matrix factorization": ("norm2(U*V' - Y)^2", "U"),
    "inverse": ("a'*inv(X)*c", "X"),
    "log determinant": ("log(det(X))", "X"),
    "sum of logistic losses": ("sum(log(1 + exp(A*x)))", "x"),
}
DECLARED = "A: matrix(m, n); b: vector(m); a: vector(n); c: vector(n); B: matrix(n, n); X: matrix(n, n)"


def of_matcalc() -> dict[str, Callable[[], Any]]:
    import matcalc

    return {name: lambda f=f, x=x: matcalc.derive(f, x, DECLARED).text() for name, (f, x) in LOSSES.items()}


def of_sympy() -> dict[str, Callable[[], Any]]:
    import sympy as sp

    m, n, k = sp.symbols("m n k", integer=True, positive=True)
    A, B, X = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("X", n, n)
    x, b, a, c = (sp.MatrixSymbol(*s) for s in (("x", n, 1), ("b", m, 1), ("a", n, 1), ("c", n, 1)))
    U, V, Y = sp.MatrixSymbol("U", m, k), sp.MatrixSymbol("V", n, k), sp.MatrixSymbol("Y", m, n)
    return {
        "least squares": lambda: ((A * x - b).T * (A * x - b)).diff(x),
        "quadratic form plus 1": lambda: (x.T * B * x + 1).diff(x),
        "Rayleigh quotient": lambda: ((x.T * B * x) * sp.Inverse(x.T * x)).diff(x),
        "matrix factorization": lambda: sp.Trace((U * V.T - Y).T * (U * V.T - Y)).diff(U),
        "inverse": lambda: (a.T * sp.Inverse(X) * c).diff(X),
        "log determinant": lambda: sp.log(sp.Determinant(X)).diff(X),
        "sum of logistic losses": lambda: (
            sp.OneMatrix(1, m) * (A * x).applyfunc(lambda t: sp.log(1 + sp.exp(t)))
        ).diff(x),
    }


def of_tensorgrad() -> dict[str, Callable[[], Any]]:
    import sympy as sp
    import tensorgrad.functions as F
    from tensorgrad import Derivative, Variable

    m, n = sp.symbols("m n")
    A, x, b = Variable("A", m, n), Variable("x", n), Variable("b", m)
    return {
        "least squares": lambda: Derivative(F.frobenius2(A @ x - b), x).full_simplify(),
        "sum of logistic losses": lambda: Derivative(F.sum(F.log(F.exp(A @ x) + 1)), x).full_simplify(),
    }


def of_pytensor() -> dict[str, Callable[[], Any]]:
    import pytensor
    import pytensor.tensor as pt
    from pytensor.printing import pprint

    A, x, b, X = pt.matrix("A"), pt.vector("x"), pt.vector("b"), pt.matrix("X")

    def gradient(f: Any, of: Any) -> Any:
        return pprint(pytensor.graph.rewrite_graph(pytensor.grad(f, of)))

    return {
        "least squares": lambda: gradient(((A @ x - b) ** 2).sum(), x),
        "log determinant": lambda: gradient(pt.log(pt.linalg.det(X)), X),
        "sum of logistic losses": lambda: gradient(pt.log(1 + pt.exp(A @ x)).sum(), x),
    }


def of_jax() -> dict[str, Callable[[], Any]]:
    import jax
    import jax.numpy as jnp

    shapes = jnp.ones((3, 2)), jnp.ones(2), jnp.ones(3)
    return {
        "least squares": lambda: jax.make_jaxpr(jax.grad(lambda x: ((shapes[0] @ x - shapes[2]) ** 2).sum()))(shapes[1])
    }


TOOLS = {"matcalc": of_matcalc, "sympy": of_sympy, "tensorgrad": of_tensorgrad, "pytensor": of_pytensor, "jax": of_jax}


def answer(ask: Callable[[], Any]) -> str:
    """What the tool prints, or how it refuses."""
    try:
        return re.sub(r"[ \t]+$", "", str(ask()), flags=re.M)
    except Exception as error:  # whatever another tool raises is its answer
        return f"{type(error).__name__}: {str(error).splitlines()[0][:100]}"


def main() -> None:
    for tool, make in TOOLS.items():
        try:
            questions = make()
        except ImportError:
            print(f"## {tool}: not installed\n")
            continue
        print(f"## {tool} {importlib.metadata.version(tool)}\n")
        for name, ask in questions.items():
            print(f"{name}: {answer(ask)}\n")


if __name__ == "__main__":
    main()
