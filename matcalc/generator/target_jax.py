"""JAX: functions that can be compiled (``jax.jit``) and differentiated further.

No value of an array decides what is computed, and sizes are those of the arguments; an exponent that must be an integer
is passed as a static one. Floats are of the width that JAX is set to.
"""

from __future__ import annotations

import re
from dataclasses import replace

from matcalc.generator.snippets import SNIPPETS
from matcalc.generator.spelling import NUMPY

_FIXED = {
    "_unit": '''
def _unit(k, n):
    """The k-th unit vector of length n; -1 is the last one."""
    return jnp.zeros(n).at[k].set(1.0)
''',
    "_logdet": '''
def _logdet(X):
    """log(det(X)); not a number where det(X) is negative."""
    sign, value = jnp.linalg.slogdet(X)
    return jnp.where(sign >= 0, value, jnp.nan)
''',
    "_toeplitz": '''
def _toeplitz(X):
    """Each diagonal of X replaced by its mean."""
    n = X.shape[0]
    place = jnp.arange(n) - jnp.arange(n)[:, None] + n - 1
    sums = jnp.zeros(2*n - 1).at[place].add(X)
    return (sums/(n - jnp.abs(jnp.arange(1 - n, n))))[place]
''',
    "_signs": '''
def _signs(V):
    """What makes the entry of largest size in each column positive."""
    return jnp.where(jnp.max(V, axis=0) < -jnp.min(V, axis=0), -1.0, 1.0)
''',
    "_adj": '''
def _adj(X):
    """The adjugate, also of singular matrices: adj(U S V') = det(U V') V adj(S) U'."""
    U, s, Vt = jnp.linalg.svd(X)
    others = jnp.stack([jnp.prod(jnp.delete(s, i)) for i in range(s.shape[0])])
    return jnp.linalg.det(U)*jnp.linalg.det(Vt)*((Vt.T*others) @ U.T)
''',
    "_sqrtm": '''
def _sqrtm(X):
    """The principal square root: product form of Denman and Beavers' iteration, scaled, a fixed number of steps."""
    n = X.shape[0]
    I = jnp.eye(n)

    def step(_, state):
        S, M = state
        far = jnp.linalg.norm(M - I) > 0.1
        mu = jnp.where(far, jnp.exp(-jnp.linalg.slogdet(M)[1]/(2*n)), 1.0)
        W = jnp.linalg.inv(M)/mu**2
        return 0.5*mu*(S @ (I + W)), 0.5*(I + 0.5*(mu**2*M + W))

    S, _ = jax.lax.fori_loop(0, 20, step, (X, X))
    close = jnp.linalg.norm(S @ S - X) <= 1e-6*jnp.linalg.norm(X)
    return jnp.where(close, S, jnp.nan)
''',
    "_logm": '''
def _logm(X):
    """The principal logarithm: square roots until X is near the identity, then Gauss-Legendre quadrature."""
    I = jnp.eye(X.shape[0])

    def root(_, state):
        Y, scale = state
        far = jnp.linalg.norm(Y - I, 1) > 0.25
        return jnp.where(far, _sqrtm(Y), Y), jnp.where(far, 2.0*scale, scale)

    Y, scale = jax.lax.fori_loop(0, 12, root, (X, 1.0))
    E = Y - I
    points, weights = POINTS
    terms = [0.5*w*jnp.linalg.solve(I + 0.5*(1.0 + p)*E, E) for p, w in zip(points, weights)]
    return jnp.where(jnp.linalg.norm(E, 1) <= 0.25, scale*sum(terms), jnp.nan)
''',
    "_sinm": '''
def _sinm(X):
    """The matrix sine of a real matrix."""
    return jnp.imag(jax.scipy.linalg.expm(1j*X))
''',
    "_cosm": '''
def _cosm(X):
    """The matrix cosine of a real matrix."""
    return jnp.real(jax.scipy.linalg.expm(1j*X))
''',
    "_concat": '''
def _concat(items):
    """Arrays and numbers one after the other."""
    return jnp.concatenate([jnp.ravel(jnp.asarray(x)) for x in items])
''',
    "_added": '''
def _added(total, value, *places):
    """The total with a value added at some places."""
    return total.at[places].add(value)
''',
}
# the nine points and weights of Gauss and Legendre on [-1, 1]
POINTS = """(
        [-0.9681602395076261, -0.8360311073266358, -0.6133714327005904, -0.3242534234038089, 0.0,
         0.3242534234038089, 0.6133714327005904, 0.8360311073266358, 0.9681602395076261],
        [0.08127438836157441, 0.1806481606948574, 0.26061069640293544, 0.31234707704000284, 0.3302393550012598,
         0.31234707704000284, 0.26061069640293544, 0.1806481606948574, 0.08127438836157441],
    )"""
_CALLS = {
    "sigmoid": "jax.scipy.special.expit({0})",
    "softplus": "jax.nn.softplus({0})",
    "gelu": "jax.nn.gelu({0}, approximate=False)",
    "softmax": "jax.nn.softmax({0}, axis=None)",
    "softmax_axis": "jax.nn.softmax({0}, axis={p0})",
    "log_softmax": "jax.nn.log_softmax({0}, axis=None)",
    "log_softmax_axis": "jax.nn.log_softmax({0}, axis={p0})",
    "logsumexp": "jax.scipy.special.logsumexp({0})",
    "logsumexp_axis": "jax.scipy.special.logsumexp({0}, axis={p0})",
    "erf": "jax.scipy.special.erf({0})",
    "lgamma": "jax.scipy.special.gammaln({0})",
    "digamma": "jax.scipy.special.digamma({0})",
    "trigamma": "jax.scipy.special.polygamma(1, {0})",
    "expm": "jax.scipy.linalg.expm({0})",
    "expm_frechet": "jax.scipy.linalg.expm_frechet({0}, {1}, compute_expm=False)",
    "norm": "jnp.linalg.norm({0})",
    "outer": "jnp.outer({0}, {1})",
    "concat": "_concat([{items}])",
    "unboxed": "jnp.reshape({0}, ())",
    "copy": "{0}",
    "float": "{0}",
}


def _translated(text: str) -> str:
    """NumPy's code in JAX's name."""
    return re.sub(r"(?<![\w.])np\.", "jnp.", text)


JAX = replace(
    NUMPY,
    target="jax",
    in_place=False,
    imports={"jnp": "import jax.numpy as {}", "jax": "import jax as {}"},
    calls={**{key: _translated(text) for key, text in NUMPY.calls.items() if key != "sigmoid_neg"}, **_CALLS},
    open={key: (_translated(text), binding) for key, (text, binding) in NUMPY.open.items() if key not in _CALLS},
    functions={
        **{name: _translated(text) for name, text in SNIPPETS.items()},
        **{name: text.replace("POINTS", POINTS) for name, text in _FIXED.items()},
    },
    plain={},
    boxed="jnp.asarray({0}, dtype=float)",
    arrays=frozenset({"float"}),
    add_at="_added({0}, {1}, {places})",
)
