"""Functions that NumPy does not have, as source text; generated code holds those that it uses.

Each is self-contained but for ``np`` and the other functions of this table. Accuracies are those of the tests:
erf and its kin to 1e-15, the gamma functions to 1e-14, matrix functions to 1e-12 of well-conditioned arguments.
"""

from __future__ import annotations

SNIPPETS: dict[str, str] = {
    "_sigmoid": '''
def _sigmoid(z, out=None):
    """1/(1 + exp(-z)) without overflow."""
    return _sigmoid_neg(np.negative(z, out=out), out)
''',
    "_sigmoid_neg": '''
def _sigmoid_neg(z, out=None):
    """1/(1 + exp(z)) without overflow."""
    e = np.exp(np.minimum(z, 709.0, out=out), out=out)
    e += 1.0
    return np.reciprocal(e, out=e) if e.ndim else 1.0/e
''',
    "_softplus": '''
def _softplus(z, out=None):
    """log(1 + exp(z)) without overflow."""
    e = np.asarray(np.abs(z, dtype=float))
    np.negative(e, out=e)
    np.exp(e, out=e)
    np.log1p(e, out=e)
    larger = np.maximum(z, 0.0, out=out)
    larger += e
    return larger
''',
    "_softmax": '''
def _softmax(z, axis=None, out=None):
    """exp(z)/sum(exp(z)) without overflow."""
    if axis == 1 and z.shape[1] <= 32 <= z.shape[0]:  # a few long rows take less time than many short ones
        return _turned(_softmax(z.T.copy(), 0), out)
    e = np.subtract(z, 1.0*z.max(axis=axis, keepdims=True), out=out)
    np.exp(e, out=e)
    e /= e.sum(axis=axis, keepdims=True)
    return e
''',
    "_logsumexp": '''
def _logsumexp(z, axis=None):
    """log(sum(exp(z))) without overflow."""
    if axis == 1 and z.shape[1] <= 32 <= z.shape[0]:  # a few long rows take less time than many short ones
        return _logsumexp(z.T.copy(), 0)
    top = 1.0*z.max(axis=axis, keepdims=True)
    e = z - top
    np.exp(e, out=e)
    return np.squeeze(top, axis) + np.log(e.sum(axis=axis))
''',
    "_log_softmax": '''
def _log_softmax(z, axis=None, out=None):
    """log(softmax(z)) without overflow or cancellation."""
    if axis == 1 and z.shape[1] <= 32 <= z.shape[0]:  # a few long rows take less time than many short ones
        return _turned(_log_softmax(z.T.copy(), 0), out)
    z = np.subtract(z, 1.0*z.max(axis=axis, keepdims=True), out=out)
    z -= np.log(np.exp(z).sum(axis=axis, keepdims=True))
    return z
''',
    "_turned": '''
def _turned(x, out=None):
    """The transpose, in an array of its own."""
    if out is None:
        return x.T.copy()
    out[...] = x.T
    return out
''',
    "_spread": '''
def _spread(places, values, sizes):
    """Zeros but where indices agree: "aba->ab" puts values[a, b] at [a, b, a]."""
    array = np.zeros(sizes)
    np.einsum(places, array)[...] = values
    return array
''',
    "_strip": '''
def _strip(n, m):
    """How many of n rows of length m are computed at a time, so that they stay in the cache."""
    return n or 1 if n*m <= 65536 else min(n, max(128, 65536//m))
''',
    "_norm": '''
def _norm(x):
    """The square root of the sum of squares, of tiny and huge entries too."""
    norm = np.linalg.norm(x)
    if 1e-140 < norm < 1e140:
        return norm
    top = np.abs(x).max()
    return top*np.linalg.norm(x/top) if 0.0 < top < np.inf else top
''',
    "_logdet": '''
def _logdet(X):
    """log(det(X)); not a number where det(X) is negative."""
    sign, value = np.linalg.slogdet(X)
    return value if sign >= 0 else np.nan
''',
    "_unit": '''
def _unit(k, n):
    """The k-th unit vector of length n."""
    e = np.zeros(n)
    e[k] = 1.0
    return e
''',
    "_commutation": '''
def _commutation(m, n):
    """The matrix K with K vec(A) = vec(A') for A m x n."""
    return np.eye(m*n)[np.arange(m*n).reshape(n, m).T.ravel()]
''',
    "_adj": '''
def _adj(X):
    """The adjugate, also of singular matrices: adj(U S V') = det(U V') V adj(S) U'."""
    U, s, Vt = np.linalg.svd(X)
    others = np.array([np.prod(np.delete(s, i)) for i in range(len(s))])
    return np.linalg.det(U)*np.linalg.det(Vt)*((Vt.T*others) @ U.T)
''',
    "_toeplitz": '''
def _toeplitz(X):
    """Each diagonal of X replaced by its mean."""
    n = len(X)
    place = np.arange(n) - np.arange(n)[:, None] + n - 1
    sums = np.bincount(place.ravel(), X.ravel(), 2*n - 1)
    return (sums/(n - np.abs(np.arange(1 - n, n))))[place]
''',
    "_eigh": '''
def _eigh(S):
    """Eigenvalues of a symmetric matrix, ascending, and eigenvectors, the largest entry of each positive."""
    values, vectors = np.linalg.eigh(S)
    return values, vectors*_signs(vectors)
''',
    "_svd": '''
def _svd(X):
    """U, s, V with X = U diag(s) V'; V is square, and U has a zero column where s is zero."""
    m, n = X.shape
    U, s, Vt = np.linalg.svd(X, full_matrices=m < n)
    U = U*(s > s[0]*max(m, n)*np.finfo(float).eps)
    if m < n:
        U, s = np.hstack([U, np.zeros((m, n - m))]), np.append(s, np.zeros(n - m))
    signs = _signs(Vt.T)
    return U*signs, s, Vt.T*signs
''',
    "_signs": '''
def _signs(V):
    """What makes the entry of largest size in each column positive."""
    return np.where(V[np.abs(V).argmax(axis=0), np.arange(V.shape[1])] < 0, -1.0, 1.0)
''',
    "_erf": '''
def _erf(x):
    """The error function (rational approximations of W. J. Cody and S. Moshier)."""
    z = x*x
    top = [9.60497373987051638749e0, 9.00260197203842689217e1, 2.23200534594684319226e3,
           7.00332514112805075473e3, 5.55923013010394962768e4]
    bottom = [1.0, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3,
              2.26290000613890934246e4, 4.92673942608635921086e4]
    near = np.minimum(z, 1.0)
    inside = x*np.polyval(top, near)/np.polyval(bottom, near)
    return np.where(z <= 1.0, inside, 1.0*np.sign(x)*(1.0 - _erfc_tail(np.abs(x))))[()]
''',
    "_erfc": '''
def _erfc(x):
    """1 - erf(x) without cancellation."""
    tail = _erfc_tail(np.abs(x))
    return np.where(np.abs(x) <= 1.0, 1.0 - _erf(x), np.where(x > 0, tail, 2.0 - tail))[()]
''',
    "_erfc_tail": '''
def _erfc_tail(z):
    """1 - erf(z) for z >= 1."""
    top = [2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687e0,
           4.86371970985681366614e1, 1.96520832956077098242e2, 5.26445194995477358631e2,
           9.34528527171957607540e2, 1.02755188689515710272e3, 5.57535335369399327526e2]
    bottom = [1.0, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2,
              9.75708501743205489753e2, 1.82390916687909736289e3, 2.24633760818710981792e3,
              1.65666309194161350182e3, 5.57535340817727675546e2]
    far_top = [5.64189583547755073984e-1, 1.27536670759978104416e0, 5.01905042251180477414e0,
               6.16021097993053585195e0, 7.40974269950448939160e0, 2.97886665372100240670e0]
    far_bottom = [1.0, 2.26052863220117276590e0, 9.39603524938001434673e0, 1.20489539808096656605e1,
                  1.70814450747565897222e1, 9.60896809063285878198e0, 3.36907645100081516050e0]
    z = np.clip(z, 1.0, 28.0)
    near, far = np.minimum(z, 8.0), np.maximum(z, 8.0)
    ratio = np.where(z < 8.0, np.polyval(top, near)/np.polyval(bottom, near),
                     np.polyval(far_top, far)/np.polyval(far_bottom, far))
    return np.exp(-z*z)*ratio
''',
    "_gelu": '''
def _gelu(x):
    """x times the normal distribution function of x."""
    return 0.5*x*_erfc(-x/np.sqrt(2.0))
''',
    "_lgamma": '''
def _lgamma(x):
    """log(abs(gamma(x))): Stirling's series above 10, recurrence below, reflection on the left."""
    x = np.asarray(x, dtype=float)
    left = x < 0.5
    z = np.where(left, 1.0 - x, x)
    product = np.ones_like(z)
    for _ in range(10):
        low = z < 10.0
        product = np.where(low, product*z, product)
        z = np.where(low, z + 1.0, z)
    w = 1.0/(z*z)
    series = np.polyval([-3617/122400, 1/156, -691/360360, 1/1188, -1/1680, 1/1260, -1/360, 1/12], w)/z
    value = (z - 0.5)*np.log(z) - z + 0.5*np.log(2.0*np.pi) + series - np.log(product)
    with np.errstate(divide="ignore"):
        reflected = np.log(np.pi/np.abs(np.sin(np.pi*(x - np.round(x))))) - value
    return np.where(left, reflected, value)[()]
''',
    "_digamma": '''
def _digamma(x):
    """The derivative of log(gamma(x)): asymptotic series above 10, recurrence below, reflection on the left."""
    x = np.asarray(x, dtype=float)
    left = x < 0.5
    z = np.where(left, 1.0 - x, x)
    value = np.zeros_like(z)
    for _ in range(10):
        low = z < 10.0
        value = np.where(low, value - 1.0/z, value)
        z = np.where(low, z + 1.0, z)
    w = 1.0/(z*z)
    series = w*np.polyval([-3617/8160, 1/12, -691/32760, 1/132, -1/240, 1/252, -1/120, 1/12], w)
    value = value + np.log(z) - 0.5/z - series
    with np.errstate(divide="ignore"):
        reflected = value - np.pi/np.tan(np.pi*(x - np.round(x)))
    return np.where(left, np.where(x == np.round(x), np.nan, reflected), value)[()]
''',
    "_trigamma": '''
def _trigamma(x):
    """The second derivative of log(gamma(x)): as digamma."""
    x = np.asarray(x, dtype=float)
    left = x < 0.5
    z = np.where(left, 1.0 - x, x)
    value = np.zeros_like(z)
    for _ in range(10):
        low = z < 10.0
        value = np.where(low, value + 1.0/(z*z), value)
        z = np.where(low, z + 1.0, z)
    w = 1.0/(z*z)
    series = w*np.polyval([-3617/510, 7/6, -691/2730, 5/66, -1/30, 1/42, -1/30, 1/6], w)/z
    value = value + 1.0/z + 0.5*w + series
    with np.errstate(divide="ignore"):
        reflected = (np.pi/np.sin(np.pi*(x - np.round(x))))**2 - value
    return np.where(left, reflected, value)[()]
''',
    "_expm": '''
def _expm(X):
    """The matrix exponential: Pade approximant of degree 13 with scaling and squaring (Higham 2005)."""
    b = [64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
         10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0]
    norm = np.linalg.norm(X, 1)
    if not np.isfinite(norm):
        return np.full_like(X, np.nan, dtype=float)
    halvings = max(0, int(np.ceil(np.log2(max(norm, 1e-300)/5.37))))
    X = X/2.0**halvings
    I = np.eye(len(X))
    X2 = X @ X
    X4 = X2 @ X2
    X6 = X4 @ X2
    U = X @ (X6 @ (b[13]*X6 + b[11]*X4 + b[9]*X2) + b[7]*X6 + b[5]*X4 + b[3]*X2 + b[1]*I)
    V = X6 @ (b[12]*X6 + b[10]*X4 + b[8]*X2) + b[6]*X6 + b[4]*X4 + b[2]*X2 + b[0]*I
    F = np.linalg.solve(V - U, V + U)
    for _ in range(halvings):
        F = F @ F
    return F
''',
    "_sqrtm": '''
def _sqrtm(X):
    """The principal square root: product form of Denman and Beavers' iteration, scaled (Higham 2008, 6.29)."""
    n = len(X)
    I = np.eye(n)
    M = S = np.asarray(X, dtype=float)
    for _ in range(60):
        sign, logdet = np.linalg.slogdet(M)
        if sign <= 0 or not np.isfinite(logdet):
            break
        mu = np.exp(-logdet/(2*n)) if np.linalg.norm(M - I) > 0.1 else 1.0
        W = np.linalg.inv(M)/mu**2
        S = 0.5*mu*(S @ (I + W))
        M = 0.5*(I + 0.5*(mu**2*M + W))
        if np.linalg.norm(M - I) <= 1e-15*n:
            break
    if np.linalg.norm(S @ S - X) <= 1e-6*np.linalg.norm(X):
        return S
    return np.full(S.shape, np.nan)
''',
    "_logm": '''
def _logm(X):
    """The principal logarithm: square roots until X is near the identity, then Gauss-Legendre quadrature."""
    I = np.eye(len(X))
    roots = 0
    while np.linalg.norm(X - I, 1) > 0.25 and roots < 60:
        X = _sqrtm(X)
        roots += 1
    E = X - I
    points, weights = np.polynomial.legendre.leggauss(9)
    terms = [0.5*w*np.linalg.solve(I + 0.5*(1.0 + p)*E, E) for p, w in zip(points, weights)]
    return 2.0**roots*sum(terms)
''',
    "_sinm": '''
def _sinm(X):
    """The matrix sine of a real matrix."""
    return np.imag(_expm(1j*X))
''',
    "_cosm": '''
def _cosm(X):
    """The matrix cosine of a real matrix."""
    return np.real(_expm(1j*X))
''',
    "_frechet": '''
def _frechet(f, X, E):
    """The derivative of a matrix function at X along E: f([X, E; 0, X]) has it in its corner."""
    n = len(X)
    return f(np.block([[X, E], [np.zeros((n, n)), X]]))[:n, n:]
''',
}
