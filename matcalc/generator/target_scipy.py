"""NumPy and SciPy: one factorisation for each matrix by LAPACK itself, special and matrix functions.

``_lu`` and ``_cholesky`` call LAPACK without the checks of ``scipy.linalg``: they cost more than a small factorisation.
sigmoid, softplus, softmax and logsumexp stay as they are in NumPy: SciPy's are several times slower.
"""

from __future__ import annotations

from dataclasses import replace

from matcalc.generator.snippets import SNIPPETS
from matcalc.generator.spelling import NUMPY

_CALLS = {
    "erf": "special.erf({0})",
    "gelu": "_gelu({0})",
    "lgamma": "special.gammaln({0})",
    "digamma": "special.digamma({0})",
    "trigamma": "special.polygamma(1, {0})",
    "expm": "linalg.expm({0})",
    "sinm": "linalg.sinm({0})",
    "cosm": "linalg.cosm({0})",
    "expm_frechet": "linalg.expm_frechet({0}, {1}, compute_expm=False)",
    "sinm_frechet": "_frechet(linalg.sinm, {0}, {1})",
    "cosm_frechet": "_frechet(linalg.cosm, {0}, {1})",
    "lu": "_lu({0})",
    "lu_solve": "_lu_solve({0}, {1})",
    "lu_solve_transposed": "_lu_solve({0}, {1}, 1)",
    "lu_inv": "_lu_inv({0})",
    "lu_inv_alone": "_lu_inv({0}, 1)",
    "lu_logdet": "_lu_logdet({0})",
    "lu_det": "_lu_det({0})",
    "cholesky": "_cholesky({0})",
    "cholesky_solve": "_cholesky_solve({0}, {1})",
    "cholesky_inv": "_cholesky_inv({0})",
    "cholesky_inv_alone": "_cholesky_inv({0}, 1)",
    "cholesky_logdet": "_cholesky_logdet({0})",
    "cholesky_det": "np.exp(_cholesky_logdet({0}))",
}

_FUNCTIONS = {
    "_gelu": '''
def _gelu(x):
    """x times the normal distribution function of x."""
    return x*special.ndtr(x)
''',
    "_done": '''
def _done(info):
    """What LAPACK says of a factorisation."""
    if info:
        raise np.linalg.LinAlgError("the matrix is singular, or not positive definite where it was declared so")
''',
    "_column_major": '''
def _column_major(b):
    """An array as LAPACK wants it; of a vector the vector."""
    return np.asarray(b, dtype=float, order="F")
''',
    "_lu": '''
def _lu(X):
    """L*U = P*X, for all that is asked of X."""
    lu, pivots, info = lapack.dgetrf(np.asarray(X, dtype=float).T)
    return lu, pivots, info
''',
    "_lu_solve": '''
def _lu_solve(factors, b, transposed=0):
    """inv(X)*b, or inv(X)'*b."""
    lu, pivots, info = factors
    if info:
        _done(info)
    return lapack.dgetrs(lu, pivots, _column_major(b), trans=1 - transposed)[0]
''',
    "_lu_inv": '''
def _lu_inv(factors, into=0):
    """inv(X); into=1: in the memory of the factors."""
    lu, pivots, info = factors
    _done(info)
    return lapack.dgetri(lu, pivots, lwork=64*len(lu), overwrite_lu=into)[0].T
''',
    "_lu_logdet": '''
def _lu_logdet(factors):
    """log(det(X)); not a number where det(X) is negative."""
    lu, pivots, _ = factors
    diagonal = np.diagonal(lu)
    swaps = np.count_nonzero(pivots != np.arange(len(pivots)))
    if (swaps + np.count_nonzero(diagonal < 0)) % 2:
        return np.nan
    with np.errstate(divide="ignore"):
        return np.log(np.abs(diagonal)).sum()
''',
    "_lu_det": '''
def _lu_det(factors):
    """det(X)."""
    lu, pivots, _ = factors
    swaps = np.count_nonzero(pivots != np.arange(len(pivots)))
    return np.prod(np.diagonal(lu))*(-1.0)**swaps
''',
    "_cholesky": '''
def _cholesky(X):
    """U'*U = X for a positive definite X, for all that is asked of X."""
    factor, info = lapack.dpotrf(np.asarray(X, dtype=float).T, clean=0)
    _done(info)
    return factor
''',
    "_cholesky_solve": '''
def _cholesky_solve(factor, b):
    """inv(X)*b."""
    return lapack.dpotrs(factor, _column_major(b))[0]
''',
    "_cholesky_inv": '''
def _cholesky_inv(factor, into=0):
    """inv(X), by blocks: the triangle that LAPACK gives is copied to the other side; into=1: in the factor's memory."""
    inverse, info = lapack.dpotri(factor, overwrite_c=into)
    _done(info)
    n, size = len(inverse), 64
    for i in range(0, n, size):
        j = min(i + size, n)
        block = inverse[i:j, i:j]
        block[...] = np.triu(block) + np.triu(block, 1).T
        inverse[j:, i:j] = inverse[i:j, j:].T
    return inverse
''',
    "_cholesky_logdet": '''
def _cholesky_logdet(factor):
    """log(det(X))."""
    return 2.0*np.log(np.diagonal(factor)).sum()
''',
}

SCIPY = replace(
    NUMPY,
    target="scipy",
    imports={
        "np": "import numpy as {}",
        "linalg": "from scipy import linalg as {}",
        "special": "from scipy import special as {}",
        "lapack": "from scipy.linalg import lapack as {}",
    },
    calls={**NUMPY.calls, **_CALLS},
    functions={**SNIPPETS, **_FUNCTIONS},
    factors=True,
)
