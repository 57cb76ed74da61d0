"""Jacobians and Hessians that the tests derive: (function, variables, declarations), all dimensions different."""

from __future__ import annotations

from typing import Any

import numpy as np

import matcalc
from matcalc.kinds import Kind
from matcalc.numeric.sample import draw_values

JACOBIANS = [
    ("A*x", "x", "A: matrix(m,n)"),
    ("A*x", "A", "A: matrix(m,n)"),
    ("A*X*B", "X", "A: matrix(m,p); X: matrix(p,q); B: matrix(q,r)"),
    ("X'*A*X", "X", "X: matrix(m,n); A: matrix(m,m)"),
    ("X'*X", "X", "X: matrix(m,n)"),
    ("inv(X)", "X", "X: matrix(n,n)"),
    ("inv(A + x*x')*b", "x", "A: matrix(n,n); x, b: vector(n)"),
    ("softmax(A*x + b)", "x", "A: matrix(m,n); b: vector(m)"),
    ("softmax(x*A)", "x", "A: matrix(n,m); x: row(n)"),
    ("log(softmax(A*x))", "x", "A: matrix(m,n)"),
    ("X^3", "X", "X: matrix(n,n)"),
    ("X^k", "X", "X: matrix(n,n); k: integer"),
    ("kron(A, X)", "X", "A: matrix(m,n); X: matrix(p,q)"),
    ("kron(X, x)", "X", "X: matrix(m,n); x: vector(p)"),
    ("X .* A", "X", "X, A: matrix(m,n)"),
    ("exp(X) .* (A*X)", "X", "X: matrix(m,n); A: matrix(m,m)"),
    ("x/norm2(x)", "x", "x: vector(n)"),
    ("X/norm2(X)", "X", "X: matrix(m,n)"),
    ("A*x/(x'*B*x)", "x", "A: matrix(m,n); B: matrix(n,n)"),
    ("x ./ sum(x)", "x", "x: vector(n)"),
    ("W2*sigmoid(W1*x + b1)", "x", "W2: matrix(p,m); W1: matrix(m,n)"),
    ("W2*sigmoid(W1*x + b1)", "W1", "W2: matrix(p,m); W1: matrix(m,n)"),
    ("expm(X)", "X", "X: matrix(n,n)"),
    ("expm(X)*b", "X", "X: matrix(n,n); b: vector(n)"),
    ("diag(x)*A", "x", "x: vector(m); A: matrix(m,n)"),
    ("A*diag(x)*B", "x", "A: matrix(m,n); B: matrix(n,p)"),
    ("diag(X*X')", "X", "X: matrix(m,n)"),
    ("x*x'", "x", "x: vector(n)"),
    ("x*y'", "x", "x: vector(n); y: vector(m)"),
    ("vec(X*A)", "X", "X: matrix(m,n); A: matrix(n,p)"),
    ("tr(X)*X", "X", "X: matrix(n,n)"),
    ("det(X)*inv(X)", "X", "X: matrix(n,n)"),
    ("adj(X)", "X", "X: matrix(n,n)"),
    ("pinv(X)", "X", "X: matrix(m,n), fullrank"),
    ("x'*X", "X", "x: vector(m); X: matrix(m,n)"),
    ("sum(X, axis=0)", "X", "X: matrix(m,n)"),
    ("sum(X, axis=1)", "X", "X: matrix(m,n)"),
    ("X*ones(n)/n", "X", "X: matrix(m,n)"),
    ("softmax(X*W, axis=1)", "W", "X: matrix(m,n); W: matrix(n,k)"),
    ("logsumexp(X, axis=1)", "X", "X: matrix(m,n)"),
    ("X[0,:]*A", "X", "X: matrix(m,n); A: matrix(n,p)"),
    ("x[1:]", "x", "x: vector(n)"),
    ("X[1:,:]", "X", "X: matrix(m,n)"),
    ("[x; A*x]", "x", "A: matrix(m,n); x: vector(n)"),
    ("s*A", "s", "s: scalar; A: matrix(m,n)"),
    ("expm(s*A)", "s", "s: scalar; A: matrix(n,n)"),
    ("inv(A + s*B)", "s", "s: scalar; A, B: matrix(n,n)"),
    ("s(W*x)", "W", "s: function; W: matrix(m,n); x: vector(n)"),
    ("s(W*x)", "x", "s: function; W: matrix(m,n); x: vector(n)"),
    ("f(g(x))", "x", "f: function(vector(m)) -> vector(p); g: function(vector(n)) -> vector(m); x: vector(n)"),
    ("S*A", "S", "S: symmetric(n); A: matrix(n,m)"),
    ("inv(S)", "S", "S: spd(n)"),
    ("L*L'", "L", "L: lower(n)"),
    ("D*A", "D", "D: diagonal(n); A: matrix(n,m)"),
    ("relu(W*x)", "W", "W: matrix(m,n); x: vector(n)"),
    ("sqrtm(X)", "X", "X: spd(n)"),
    ("X*A*X'*b", "X", "X: matrix(m,n); A: matrix(n,n); b: vector(m)"),
    ("sin(x*y')", "x", "x: vector(n); y: vector(m)"),
    ("x .* (A*x)", "x", "A: matrix(n,n); x: vector(n)"),
    ("max(A*x, 0)", "x", "A: matrix(m,n)"),
    ("cumulative*x", "x", "cumulative: matrix(n,n); x: vector(n)"),
    ("X*inv(X'*X)*X'", "X", "X: matrix(m,n)"),
    ("x + A*y", "x,y", "A: matrix(m,n); x: vector(m); y: vector(n)"),
    ("x*A + b", "x,b", "x: row(n); A: matrix(n,m); b: row(m)"),
    ("x'*A*X*B", "X", "x: vector(m); A: matrix(m, p); X: matrix(p, q); B: matrix(q, r)"),
    ("inv(X'*X)*X'*y", "X", "X: matrix(m, n); y: vector(m)"),
    ("X*diag(y)*X'", "X", "X: matrix(m, n); y: vector(n)"),
    ("[A*x, y; x', 1]", "x", "A: matrix(m, n); x: vector(n); y: matrix(m, n)"),
    ("tr(A*X)*B", "X", "A: matrix(n, m); X: matrix(m, n); B: matrix(p, q)"),
    ("x*y'*z", "y", "x: vector(m); y, z: vector(n)"),
    ("tanh(x*W + b)*V", "W", "x: row(m); W: matrix(m, n); b: row(n); V: matrix(n, p)"),
    ("mean(X, axis=0)", "X", "X: matrix(m, n)"),
    ("X ./ (Y .* Y + 1)", "Y", "X, Y: matrix(m, n)"),
    ("max(X, Y)", "X", "X, Y: matrix(m, n)"),
    ("T*A", "T", "T: toeplitz(n); A: matrix(n, m)"),
    ("U'*A", "U", "U: upper(n); A: matrix(n, m)"),
    ("kron(x, y)", "x", "x: vector(m); y: vector(n)"),
    ("unvec(vec(X)*2, m, n)*A", "X", "X: matrix(m, n); A: matrix(n, p)"),
    ("(x'*x)*A", "x", "x: vector(n); A: matrix(p, q)"),
]
HESSIANS = [
    ("x'*A*x", "x", "A: matrix(n,n)"),
    ("log(sum(exp(A*x)))", "x", "A: matrix(m,n)"),
    ("logsumexp(A*x)", "x", "A: matrix(m,n)"),
    ("sum(log(1 + exp(-y .* (X*w))))", "w", "X: matrix(m,n); y: vector(m)"),
    ("sum(log(1 + exp(X*w))) - y'*X*w", "w", "X: matrix(m,n); y: vector(m)"),
    ("-sum(log(b - A*x))", "x", "A: matrix(m,n)"),
    ("-logdet(X)", "X", "X: spd(n)"),
    ("norm2(x)", "x", "x: vector(n)"),
    ("x'*A*x/(x'*x)", "x", "A: symmetric(n)"),
    ("1/2*norm2(T - U*V')^2", "U", "T: matrix(m,n); U: matrix(m,k); V: matrix(n,k)"),
    ("norm2(T - U*V')^2", "U,V", "T: matrix(m,n); U: matrix(m,k); V: matrix(n,k)"),
    ("a'*inv(X)*b", "X", "X: matrix(n,n); a, b: vector(n)"),
    ("logdet(X)", "X", "X: matrix(n,n)"),
    ("det(X)", "X", "X: matrix(n,n)"),
    ("tr(X^3)", "X", "X: matrix(n,n)"),
    ("x^3*sin(x)", "x", "x: scalar"),
    ("x'*A*y", "x,y", "A: matrix(m,n)"),
    ("w*X'*X*w'", "w", "w: row(n); X: matrix(m,n)"),
    ("logsumexp(x*A)", "x", "x: row(n); A: matrix(n,m)"),
    ("sum(sigmoid(W*x))", "x", "W: matrix(m,n)"),
    ("sum(sigmoid(W*x))", "W", "W: matrix(m,n); x: vector(n)"),
    ("sum(s(W*x))", "x", "s: function; W: matrix(m,n)"),
    ("tr(expm(X))", "X", "X: matrix(n,n)"),
    ("tr(expm(X)*A)", "X", "X: matrix(n,n); A: matrix(n,n)"),
    ("tr(S^2*A)", "S", "S: symmetric(n); A: matrix(n,n)"),
    ("logdet(S) + tr(inv(S)*C)", "S", "S: spd(n); C: symmetric(n)"),
    ("sum(x.^3)", "x", "x: vector(n)"),
    ("prod(x)", "x", "x: vector(n)"),
    ("log(x'*A*x)", "x", "A: spd(n)"),
    ("exp(-norm2(x - m)^2/(2*s^2))", "x,s", "x, m: vector(n); s: scalar"),
    ("norm1(A*x - b)", "x", "A: matrix(m,n)"),
    ("log(1 + x'*x)", "x", "x: vector(n)"),
    ("sqrt(1 + norm2(A*x)^2)", "x", "A: matrix(m,n)"),
    ("norm2(A*x - b)^2 + c*x'*x", "x", "A: matrix(m,n)"),
    ("sum(softmax(x) .* y)", "x", "x, y: vector(n)"),
    ("-sum(y .* log(softmax(W*x)))", "x", "y: onehot(m); W: matrix(m,n); x: vector(n)"),
    ("norm2(sigmoid(A*x) - y)^2", "x", "A: matrix(m,n); y: vector(m)"),
    ("sum(log(X*w))", "X", "X: matrix(m, n); w: vector(n)"),
    ("sum(log(X*w))", "X,w", "X: matrix(m, n); w: vector(n)"),
    ("tr(X'*A*X*B)", "X", "X: matrix(m, n); A: matrix(m, m); B: matrix(n, n)"),
    ("norm2(x*A - b)^2", "x", "x: row(m); A: matrix(m, n); b: row(n)"),
    ("x*A*y'", "x,y", "x: row(m); y: row(n); A: matrix(m, n)"),
    ("c^2*norm2(x)^2 + c", "c,x", "c: scalar; x: vector(n)"),
    ("norm2(L*x - y)^2", "L", "L: lower(n); x, y: vector(n)"),
    ("tr(D*A*D*B)", "D", "D: diagonal(n); A, B: matrix(n, n)"),
    ("a'*X*a + sum(exp(X))", "X", "X: symmetric(n); a: vector(n)"),
    ("log(1 + exp(a'*X*b))", "X", "X: matrix(m, n); a: vector(m); b: vector(n)"),
    ("norm2(X)", "X", "X: matrix(m, n)"),
    ("sum(softmax(A*x) .* c)", "x", "A: matrix(m, n); c: vector(m)"),
    ("f(A*x)", "x", "A: matrix(m, n); f: function(vector(m)) -> scalar"),
    ("f(V*s(W*x))", "x", "V: matrix(m, k); W: matrix(k, n); f: function(vector(m)) -> scalar; s: function"),
    ("f(x, x)", "x", "x: vector(n); f: function(vector(n), vector(n)) -> scalar"),
    ("f(S*x, y)", "x,y", "x: vector(n); y: vector(m); S: matrix(k, n); f: function(vector(k), vector(m)) -> scalar"),
    ("f(t, x, r)", "t,x,r", "x: vector(n); r: row(k); t: scalar; f: function(scalar, vector(n), row(k)) -> scalar"),
    ("f(x'*y, B*x, x'*C)", "x", "x: vector(n); B: matrix(m, n); C: matrix(n, k); "
     "f: function(scalar, vector(m), row(k)) -> scalar"),
    ("l(x'*p, y'*p)", "p", "x, y, p: vector(n); l: function(scalar, scalar) -> scalar"),
    ("l(t, t^2)", "t", "t: scalar; l: function(scalar, scalar) -> scalar"),
    ("u(x'*B)", "x", "x: vector(n); B: matrix(n, k); u: function(row(k)) -> scalar"),
    ("u(t*r)", "t,r", "t: scalar; r: row(k); u: function(row(k)) -> scalar"),
    ("f(X*y)", "X", "X: matrix(m, n); y: vector(n); f: function(vector(m)) -> scalar"),
    ("f(C*x)", "C", "C: symmetric(n); x: vector(n); f: function(vector(n)) -> scalar"),
    ("log(f(A*x))*g(x)", "x", "A: matrix(m, n); f: function(vector(m)) -> scalar; g: function(vector(n)) -> scalar"),
    ("g(f(A*x))", "x", "A: matrix(m, n); f: function(vector(m)) -> scalar; g: function(scalar) -> scalar"),
    ("f(softmax(x))", "x", "x: vector(n); f: function(vector(n)) -> scalar"),
    ("f(B, x)", "x", "B: matrix(m, k); x: vector(n); f: function(matrix(m, k), vector(n)) -> scalar"),
    ("sum(i, l(y[i], X[i, :]*w))", "w", "y: vector(N); X: matrix(N, n); w: vector(n); "
     "l: function(scalar, scalar) -> scalar"),
    ("sum(i, f(X[i, :]' .* w))", "w", "X: matrix(N, n); w: vector(n); f: function(vector(n)) -> scalar"),
]


def arrays(d: matcalc.Derivation, seed: int) -> dict[str, Any]:
    """Values for all names, with pairwise different sizes, as the generated code takes them."""
    names = sorted({name for kind in d.declared.values() for dim in kind.shape for name in dim.names})
    sizes = dict(zip(names, (3, 2, 4, 5, 6), strict=False))
    drawn = draw_values([d.loss], d.declared, sizes, np.random.default_rng(seed))
    return {name: 3 if "integer" in kind.facts else _array(drawn[name], kind) for name, kind in d.declared.items()}


def _array(value: Any, kind: Kind) -> Any:
    value = np.asarray(value, float)
    if kind.form == "scalar":
        return float(value.ravel()[0])
    return np.atleast_2d(value) if kind.form == "matrix" else value.reshape(-1)


def differences(function: Any, values: dict[str, Any], name: str, facts: frozenset[str]) -> list[Any]:
    """The derivative of every result of a function by one array, by five-point differences; a projected direction where
    the variable has structure."""
    point = np.asarray(values[name], float)
    columns = []
    for place in np.ndindex(*point.shape):
        step = np.zeros_like(point)
        step[place] = 1.0
        step = _projected(step, facts)
        if "toeplitz" in facts:
            i, j = place
            step = np.eye(len(point), k=j - i) / (len(point) - abs(i - j))
        results = {
            k: [np.asarray(r) for r in _several(function(**{**values, name: _same(point + k * 1e-3 * step, point)}))]
            for k in (-2, -1, 1, 2)
        }
        columns.append(
            [(8 * (b - a) - (d - c)) / 12e-3 for a, b, c, d in zip(*(results[k] for k in (-1, 1, -2, 2)), strict=True)]
        )
    return [
        np.stack([c[r] for c in columns], -1).reshape(columns[0][r].shape + point.shape) for r in range(len(columns[0]))
    ]


def _projected(step: Any, facts: frozenset[str]) -> Any:
    if facts & {"symmetric", "spd"}:
        return (step + step.T) / 2
    if "diagonal" in facts:
        return np.diag(np.diag(step))
    if "lower" in facts:
        return np.tril(step)
    return np.triu(step) if "upper" in facts else step


def _same(value: Any, point: Any) -> Any:
    return value if point.ndim else float(value)


def _several(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)
