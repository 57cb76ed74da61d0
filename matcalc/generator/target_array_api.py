"""The array API standard: the same functions for NumPy, PyTorch, JAX, Dask and other arrays.

The library is that of the arguments (of PyTorch and Dask, whose arrays do not name it, by their module); nothing is
changed in place, and entries are taken by integers and slices alone. What the standard has no function for is refused.
"""

from __future__ import annotations

from dataclasses import replace

from matcalc.generator.spelling import NUMPY, TIMES, einsums

# what Python computes by itself of numbers
_COMPUTED = "exp log log1p expm1 sqrt sin cos tan sinh cosh tanh erf lgamma"
PLAIN = {
    **{name: f"math.{name}({{0}})" for name in _COMPUTED.split()},
    **{f"arc{name}": f"math.a{name}({{0}})" for name in "sin cos tan".split()},
    "abs": "math.fabs({0})",
    "power": "math.pow({0}, {1})",
    "pi": "math.pi",
}
_SAME = "exp log log1p expm1 sqrt sin cos tan sinh cosh tanh abs sign".split()
_OWN = "sigmoid softplus softmax log_softmax logsumexp".split()
# calls whose operands must be arrays
ARRAYS = frozenset(
    [*_SAME, *_OWN, *"arcsin arccos arctan relu maximum minimum gelu erf lgamma digamma trigamma power".split()]
    + "< <= > >= == float boxed_vector boxed_matrix pinv_number".split()
)

ALGEBRA = {
    "_logdet": '''
def _logdet(X, xp):
    """log(det(X)); not a number where det(X) is negative."""
    sign, value = xp.linalg.slogdet(X)
    return xp.where(sign >= 0.0, value, xp.full_like(value, float("nan")))
''',
    "_unit": '''
def _unit(k, n, xp, like):
    """The k-th unit vector of length n."""
    return xp.eye(n, **like)[k, :]
''',
    "_commutation": '''
def _commutation(m, n, xp, like):
    """The matrix K with K vec(A) = vec(A') for A m x n."""
    K = xp.reshape(xp.eye(m*n, **like), (n, m, m*n))
    return xp.concat([K[:, i, :] for i in range(m)], axis=0)
''',
    "_diagonal": '''
def _diagonal(X, xp):
    """The diagonal of a square matrix, by steps through its rows."""
    return xp.reshape(X, (-1,))[:: X.shape[0] + 1]
''',
    "_diagmat": '''
def _diagmat(v, xp, like):
    """The diagonal matrix of a vector."""
    return v[:, None]*xp.eye(v.shape[0], **like)
''',
    "_toeplitz": '''
def _toeplitz(X, xp, like):
    """Each diagonal of X replaced by its mean."""
    n = X.shape[0]
    total = xp.zeros((n, n), **like)
    for k in range(1 - n, n):
        band = _band(n, k, xp, like)
        total = total + xp.sum(X*band)/(n - abs(k))*band
    return total
''',
    "_einsum": '''
def _einsum(words, *operands):
    """Einstein's sum: the operands with all axes, multiplied, summed over those that are not in the result."""
    *arrays, xp = operands
    words, out = words.split("->")
    letters = out + "".join(sorted(set(words) - set(out) - {","}))
    product = 1.0
    for word, array in zip(words.split(","), arrays):
        if len(set(word)) < len(word):
            array, word = _diagonal(array, xp), word[:1]
        if len(word) == 2 and letters.index(word[0]) > letters.index(word[1]):
            array = _turned(array, xp)
        product = product*array[tuple(slice(None) if letter in word else None for letter in letters)]
    extra = tuple(range(len(out), len(letters)))
    return xp.sum(product, axis=extra) if extra else product
''',
    "_kron": '''
def _kron(A, B, xp):
    """The Kronecker product."""
    if A.ndim == 1:
        return xp.reshape(A[:, None]*B[None, :], (-1,))
    (m, n), (p, q) = A.shape, B.shape
    return xp.reshape(A[:, None, :, None]*B[None, :, None, :], (m*p, n*q))
''',
    "_turned": '''
def _turned(X, xp):
    """The axes in reverse order."""
    axes = tuple(reversed(range(X.ndim)))
    move = next(getattr(xp, name) for name in ("permute_dims", "permute", "transpose") if hasattr(xp, name))
    return move(X, axes)
''',
    "_unstacked": '''
def _unstacked(X, sizes, xp):
    """The array of these sizes whose entries stand in X column by column."""
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    return _turned(xp.reshape(_turned(X, xp), tuple(reversed(sizes))), xp)
''',
    "_item": '''
def _item(x, xp, like):
    """A number or an array as an array."""
    return x if hasattr(x, "shape") else xp.asarray(x, **like)
''',
    "_concat": '''
def _concat(items, xp, like):
    """Arrays and numbers (in lists) one after the other."""
    items = [xp.reshape(_item(x[0], xp, like), (1,)) if isinstance(x, list) else x for x in items]
    return xp.concat(items) if hasattr(xp, "concat") else xp.concatenate(items)
''',
    "_stack": '''
def _stack(items, xp, like):
    """Numbers, or rows of numbers, as an array."""
    if isinstance(items[0], list):
        return xp.stack([_stack(row, xp, like) for row in items])
    return xp.stack([_item(x, xp, like) for x in items])
''',
    "_block": '''
def _block(rows, xp, like):
    """Blocks as a matrix; vectors are rows."""
    join = xp.concat if hasattr(xp, "concat") else xp.concatenate

    def whole(x):
        x = _item(x, xp, like)
        return x if x.ndim == 2 else xp.reshape(x, (1, -1))

    return join([join([whole(x) for x in row], axis=1) for row in rows], axis=0)
''',
    "_added": '''
def _added(total, value, places, xp, like):
    """The total with a value added at some places (None: everywhere along that axis)."""
    for axis, place in enumerate(places):
        if place is not None:
            line = xp.eye(total.shape[axis], **like)[place, :]
            rest = [None]*total.ndim
            rest[axis] = slice(None)
            value = _wide(value, places, axis)*line[tuple(rest)]
            places = (*places[:axis], None, *places[axis + 1 :])
    return total + value
''',
    "_wide": '''
def _wide(value, places, axis):
    """A value that lacks an axis, with it."""
    if not hasattr(value, "ndim") or not value.ndim:
        return value
    kept = [i for i, place in enumerate(places) if place is None]
    missing = len(places) - value.ndim
    if not missing or len(kept) != value.ndim:
        return value
    return value[tuple(slice(None) if i in kept else None for i in range(len(places)))]
''',
    "_band": '''
def _band(n, k, xp, like):
    """Ones on the k-th diagonal."""
    I = xp.eye(n + abs(k), **like)
    return I[:n, abs(k) :][:, :n] if k < 0 else I[abs(k) :, :n][:n, :]
''',
    "_adj": '''
def _adj(X, xp):
    """The adjugate, also of singular matrices: adj(U S V') = det(U V') V adj(S) U'."""
    U, s, Vt = xp.linalg.svd(X)
    n = s.shape[0]
    others = [xp.prod(xp.concat([s[:i], s[i + 1 :]])) for i in range(n)]
    return xp.linalg.det(U)*xp.linalg.det(Vt)*((Vt.T*xp.stack(others)) @ U.T)
''',
    "_eigh": '''
def _eigh(S, xp):
    """Eigenvalues of a symmetric matrix, ascending, and eigenvectors, the largest entry of each positive."""
    values, vectors = xp.linalg.eigh(S)
    return values, vectors*_signs(vectors, xp)
''',
    "_svd": '''
def _svd(X, xp, like):
    """U, s, V with X = U diag(s) V'; V is square, and U has a zero column where s is zero."""
    m, n = X.shape
    U, s, Vt = xp.linalg.svd(X, full_matrices=m < n)
    U = xp.where(s > s[0]*max(m, n)*2.3e-16, U, xp.zeros_like(U))
    if m < n:
        U = xp.concat([U, xp.zeros((m, n - m), **like)], axis=1)
        s = xp.concat([s, xp.zeros(n - m, **like)])
    signs = _signs(Vt.T, xp)
    return U*signs, s, Vt.T*signs
''',
    "_signs": '''
def _signs(V, xp):
    """What makes the entry of largest size in each column positive."""
    most = getattr(xp, "amax", None) or xp.max
    return xp.sign(0.5 + xp.sign(most(V, axis=0) - most(-V, axis=0)))
''',
    "_sqrtm": '''
def _sqrtm(X, xp, like):
    """The principal square root: product form of Denman and Beavers' iteration, scaled, a fixed number of steps."""
    n = X.shape[0]
    I = xp.eye(n, **like)
    S = M = X
    for _ in range(20):
        far = xp.sum((M - I)**2) > 0.01
        mu = xp.exp(-xp.linalg.slogdet(M)[1]/(2*n))
        mu = xp.where(far, mu, xp.ones_like(mu))
        W = xp.linalg.inv(M)/mu**2
        S, M = 0.5*mu*(S @ (I + W)), 0.5*(I + 0.5*(mu**2*M + W))
    close = xp.sum((S @ S - X)**2) <= 1e-12*xp.sum(X**2)
    return xp.where(close, S, xp.full_like(S, float("nan")))
''',
    "_logm": '''
def _logm(X, xp, like):
    """The principal logarithm: square roots until X is near the identity, then Gauss-Legendre quadrature."""
    I = xp.eye(X.shape[0], **like)
    scale = 1.0
    for _ in range(12):
        if bool(xp.sum((X - I)**2) <= 0.02):
            break
        X, scale = _sqrtm(X, xp, like), 2.0*scale
    E = X - I
    points = [0.9681602395076261, 0.8360311073266358, 0.6133714327005904, 0.3242534234038089]
    weights = [0.08127438836157441, 0.1806481606948574, 0.26061069640293544, 0.31234707704000284]
    pairs = [(0.0, 0.3302393550012598), *zip(points, weights), *((-p, w) for p, w in zip(points, weights))]
    return scale*sum(0.5*w*xp.linalg.solve(I + 0.5*(1.0 + p)*E, E) for p, w in pairs)
''',
    "_frechet": '''
def _frechet(f, X, E, xp, like):
    """The derivative of a matrix function at X along E: f([X, E; 0, X]) has it in its corner."""
    n = X.shape[0]
    return f(_block([[X, E], [xp.zeros((n, n), **like), X]], xp, like))[:n, n:]
''',
}
_STABLE = {
    "_library": '''
def _library(*arguments):
    """The array library of the arguments, and the type and place of new arrays."""
    arrays = [x for x in arguments if hasattr(x, "dtype")]
    libraries = [_namespace(x) for x in arrays]
    xp = next((lib for lib in libraries if lib.__name__ != "numpy"), libraries[0] if libraries else _namespace(None))
    like = {}
    for x in arrays:
        if "float" in str(x.dtype):
            like = {"dtype": x.dtype, **({"device": x.device} if xp.__name__ == "torch" else {})}
            break
    return xp, like or {"dtype": xp.float64}
''',
    "_namespace": '''
def _namespace(x):
    """The module of an array's functions."""
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    module = type(x).__module__.partition(".")[0]
    return importlib.import_module({"dask": "dask.array", "torch": "torch"}.get(module, "numpy"))
''',
    "_sigmoid": '''
def _sigmoid(z, xp):
    """1/(1 + exp(-z)) without overflow."""
    e = xp.exp(-xp.abs(z))
    return xp.where(z >= 0.0, xp.ones_like(e), e)/(1.0 + e)
''',
    "_softplus": '''
def _softplus(z, xp):
    """log(1 + exp(z)) without overflow."""
    return _relu(z, xp) + xp.log1p(xp.exp(-xp.abs(z)))
''',
    "_relu": '''
def _relu(z, xp):
    """max(z, 0)."""
    return xp.where(z > 0.0, z, xp.zeros_like(z))
''',
    "_top": '''
def _top(z, xp, axis):
    """The largest entry, its axes kept."""
    if axis is None:
        return xp.max(z)
    most = xp.amax if xp.__name__ == "torch" else xp.max
    return most(z, axis=axis, keepdims=True)
''',
    "_softmax": '''
def _softmax(z, xp, axis=None):
    """exp(z)/sum(exp(z)) without overflow."""
    e = xp.exp(z - _top(z, xp, axis))
    return e/(xp.sum(e) if axis is None else xp.sum(e, axis=axis, keepdims=True))
''',
    "_logsumexp": '''
def _logsumexp(z, xp, axis=None):
    """log(sum(exp(z))) without overflow."""
    top = _top(z, xp, axis)
    e = xp.exp(z - top)
    if axis is None:
        return top + xp.log(xp.sum(e))
    return (top[0, :] if axis == 0 else top[:, 0]) + xp.log(xp.sum(e, axis=axis))
''',
    "_log_softmax": '''
def _log_softmax(z, xp, axis=None):
    """log(softmax(z)) without overflow or cancellation."""
    z = z - _top(z, xp, axis)
    e = xp.exp(z)
    return z - xp.log(xp.sum(e) if axis is None else xp.sum(e, axis=axis, keepdims=True))
''',
    "_first": '''
def _first(xp, *names):
    """The function under the first of the names that the library knows."""
    return next(getattr(xp, name) for name in names if hasattr(xp, name))
''',
    "_indicator": '''
def _indicator(condition, xp, like):
    """1 where it holds, 0 elsewhere."""
    zero = xp.zeros(condition.shape, **like)
    return xp.where(condition, zero + 1.0, zero)
''',
}
_PAIR = "xp, like"


def in_library() -> dict[str, str]:
    """The calls that the standard, or a function over it, has; in PyTorch's names, too, but for some."""
    calls = {
        **{name: f"xp.{name}({{0}})" for name in _SAME},
        "power": "({0a}**{1a})",
        "pi": "math.pi",
        "ones": "xp.ones({shape}, **like)",
        "zeros": "xp.zeros({shape}, **like)",
        "eye": "xp.eye({0}, **like)",
        "unit": f"_unit({{0}}, {{1}}, {_PAIR})",
        "commutation": f"_commutation({{0}}, {{1}}, {_PAIR})",
        "diagflat": f"_diagmat({{0}}, {_PAIR})",
        "repeat_rows": "xp.tile({0}, ({1}, 1))",
        "repeat_columns": "xp.tile({0}, (1, {1}))",
        "reshape": "xp.reshape({0}, {sizes})",
        "lower": "xp.tril({0})",
        "upper": "xp.triu({0})",
        "toeplitz": f"_toeplitz({{0}}, {_PAIR})",
        "ravel": "xp.reshape({0}, (-1,))",
        "T": "{0a}.T",
        "col": "{0a}[:, None]",
        "row": "{0a}[None, :]",
        "outer": "({0a}[:, None]*{1a}[None, :])",
        "kron": "_kron({0}, {1}, xp)",
        "sum": "xp.sum({0})",
        "sum_axis": "xp.sum({0}, axis={p0})",
        "prod": "xp.prod({0})",
        "max": "xp.max({0})",
        "min": "xp.min({0})",
        "norm": "xp.sqrt(xp.sum({0a}**2))",
        "vdot": "xp.sum({0a}*{1a})",
        "trace": "xp.sum(_diagonal({0}, xp))",
        "trace_product": "xp.sum({0a}*{1a}.T)",
        "diagonal_product": "xp.sum({0a}*{1a}.T, axis=1)",
        "row_dots": "xp.sum({0a}*{1a}, axis=1)",
        "column_dots": "xp.sum({0a}*{1a}, axis=0)",
        **einsums("einsum", "_einsum", ", xp"),
        **einsums("einsum_path", "_einsum", ", xp"),
        "unstacked": "_unstacked({0}, {sizes}, xp)",
        "diagonal": "_diagonal({0}, xp)",
        "solve": "xp.linalg.solve({0}, {1})",
        "inv": "xp.linalg.inv({0})",
        "det": "xp.linalg.det({0})",
        "logdet": "_logdet({0}, xp)",
        "adj": "_adj({0}, xp)",
        "logabsdet": "xp.linalg.slogdet({0})[1]",
        "pinv": "xp.linalg.pinv({0})",
        "pinv_line": "xp.linalg.pinv({0a}[:, None])[0, :]",
        "pinv_number": "xp.linalg.pinv(xp.reshape({0}, (1, 1)))[0, 0]",
        "eigvals": "xp.linalg.eigvalsh({0})",
        "svdvals": "xp.linalg.svdvals({0})",
        "normnuc": "xp.sum(xp.linalg.svdvals({0}))",
        "norm_spectral": "xp.max(xp.linalg.svdvals({0}))",
        "eigh": "_eigh({0}, xp)",
        "svd": f"_svd({{0}}, {_PAIR})",
        "member": "{0a}[{p0}]",
        "matrix_power": "xp.linalg.matrix_power({0}, {1})",
        "sqrtm": f"_sqrtm({{0}}, {_PAIR})",
        "logm": f"_logm({{0}}, {_PAIR})",
        "int": "round(float({0}))",
        "unboxed": "xp.reshape({0}, ())",
        "boxed_vector": "xp.reshape({0}, (1,))",
        "boxed_matrix": "xp.reshape({0}, (1, 1))",
        "copy": "(1.0*{0a})",
        "float": "{0}",
        "concat": f"_concat([{{items}}], {_PAIR})",
        "stack": f"_stack([{{items}}], {_PAIR})",
        "block": f"_block([{{items}}], {_PAIR})",
    }
    for sign in ("<", "<=", ">", ">=", "=="):
        calls[sign] = f"({{0a}} {sign} {{1a}}).to(**like)"
    return calls


_CALLS = {
    **in_library(),
    **{name: f"_{name}({{0}}, xp)" for name in _OWN},
    **{f"{name}_axis": f"_{name}({{0}}, xp, axis={{p0}})" for name in _OWN[2:]},
    **{f"arc{name}": f'_first(xp, "a{name}", "arc{name}")({{0}})' for name in "sin cos tan".split()},
    "relu": "_relu({0}, xp)",
    "maximum": "xp.maximum({0}, {1})",
    "minimum": "xp.minimum({0}, {1})",
    **{sign: f"_indicator({{0a}} {sign} {{1a}}, {_PAIR})" for sign in ("<", "<=", ">", ">=", "==")},
}

ARRAY_API = replace(
    NUMPY,
    target="array-api",
    in_place=False,
    imports={"importlib": "import importlib as {}", "math": "import math as {}"},
    calls=_CALLS,
    open={"full": ("{0a}*xp.ones({shape}, **like)", TIMES)},
    functions={**ALGEBRA, **_STABLE},
    plain=PLAIN,
    boxed="xp.asarray({0}, **like)",
    arrays=ARRAYS,
    opening="xp, like = _library({arguments})",
    local=("xp", "like"),
    every_axis=True,
    scalar="xp.asarray({0}, **like)",
    add_at=f"_added({{0}}, {{1}}, ({{places}}), {_PAIR})",
)
