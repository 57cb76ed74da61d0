"""The functions of the language: how many arguments each takes, and which rule gives the shape of its value."""

from __future__ import annotations

from typing import NamedTuple


class Function(NamedTuple):
    """``rule`` names the shape rule in ``matcalc.shaping``; from ``fewest`` to ``most`` arguments."""

    rule: str
    fewest: int = 1
    most: int = 1


ELEMENTWISE = (
    "exp log log1p expm1 sqrt sin cos tan arcsin arccos arctan sinh cosh tanh sigmoid softplus relu gelu "
    "erf lgamma digamma trigamma abs sign"
).split()
MATRIX_FUNCTIONS = "expm logm sqrtm sinm cosm".split()
FUNCTIONS = {
    **dict.fromkeys(ELEMENTWISE, Function("elementwise")),
    **dict.fromkeys(MATRIX_FUNCTIONS, Function("square")),
    **dict.fromkeys([name + "_frechet" for name in MATRIX_FUNCTIONS], Function("frechet", 2, 2)),
    **dict.fromkeys(["tr", "det", "logdet"], Function("number_of_square")),
    **dict.fromkeys(["inv", "adj", "tril", "triu", "toeplitz"], Function("square")),
    **dict.fromkeys(["norm1", "norm2", "normnuc", "norm_spectral", "prod"], Function("number")),
    **dict.fromkeys(["sum", "mean"], Function("reduce")),
    "pinv": Function("turned"),
    "eigvals": Function("spectrum"),
    "eigvecs": Function("square"),
    "svdvals": Function("per_column"),
    "svd_u": Function("same"),
    "svd_v": Function("gram"),
    "diag": Function("diag"),
    "vec": Function("vec"),
    "kron": Function("kron", 2, 2),
    "outer": Function("outer", 2, 2),
    "dot": Function("dot", 2, 2),
    "softmax": Function("softmax"),
    "logsumexp": Function("logsumexp"),
    "max": Function("pair", 1, 2),
    "min": Function("pair", 1, 2),
}
# constants with sizes (their size arguments are not expressions), and constants whose size is inferred
CONSTANTS = {"eye": (1, 1), "ones": (1, 2), "zeros": (1, 2), "commutation": (2, 2), "unit": (1, 1), "unvec": (2, 2)}
FILLED = ("vector", "matrix")
AXIS = ("sum", "mean", "softmax", "logsumexp")
ALIASES = {
    "trace": "tr", "inverse": "inv", "ln": "log", "sigma": "sigmoid", "asin": "arcsin", "acos": "arccos",
    "atan": "arctan", "norm_1": "norm1", "norm_2": "norm2",
}  # fmt: skip
# what others call things, and how to write it here
ELSEWHERE = {
    "transpose": "X'", "norm": "norm2(x) or norm1(x)", "mse": "mean((y - p).^2)",
    "identity": "eye(n)", "cross_entropy": "-sum(y .* log(p))", "hadamard": "x .* y", "pow": "x^2 or x .^ 2",
    "square": "x .^ 2", "dist": "norm2(x - y)", "cot": "cos(x) ./ sin(x)", "sec": "1 ./ cos(x)",
    "csc": "1 ./ sin(x)", "log2": "log(x)/log(2)", "log10": "log(x)/log(10)", "logistic": "sigmoid(x)",
    "eig": "eigvals(S) or eigvecs(S)", "eigh": "eigvals(S) or eigvecs(S)", "eigvalsh": "eigvals(S)",
    "svd": "svdvals(X), svd_u(X) or svd_v(X)", "nuclear_norm": "normnuc(X)", "spectral_norm": "norm_spectral(X)",
    "norm_nuc": "normnuc(X)", "average": "mean(x)", "sech": "1 ./ cosh(x)", "erfc": "1 - erf(x)", "inner": "dot(x, y)",
    "normF": "norm2(X), the Frobenius norm of a matrix", "norm_fro": "norm2(X), the Frobenius norm of a matrix",
    "fro": "norm2(X), the Frobenius norm of a matrix", "nuclear": "normnuc(X)", "cumsum": "tril(ones(n, n))*x",
    "var": "mean((x - mean(x)).^2)", "std": "sqrt(mean((x - mean(x)).^2))", "maximum": "max(a, b)",
    "minimum": "min(a, b)", "norm_inf": "max(abs(x))", "swish": "x .* sigmoid(x)", "silu": "x .* sigmoid(x)",
    "kl": "sum(p .* log(p ./ q))", "kl_div": "sum(p .* log(p ./ q))", "entropy": "-sum(p .* log(p))",
    "bce": "-mean(y .* log(p) + (1 - y) .* log(1 - p))", "mae": "mean(abs(y - p))", "rss": "norm2(y - p)^2",
    "sse": "norm2(y - p)^2", "sum_squares": "norm2(x)^2", "quad_form": "x'*A*x", "hinge": "max(0, 1 - y .* p)",
    "huber": "sum(m .* (abs(x) - m/2)) with the line m = min(abs(x), a) before it",
    "leaky_relu": "max(x, 0.01*x)", "elu": "max(x, 0) + min(exp(x) - 1, 0)", "mish": "x .* tanh(softplus(x))",
    "log_softmax": "log(softmax(x))", "logit": "log(x ./ (1 - x))", "cosine_similarity": "x'*y/(norm2(x)*norm2(y))",
    "clip": "min(max(x, a), b)", "heaviside": "(x > 0)", "indicator": "(x > 0)", "matmul": "A*B",
    "multiply": "x .* y", "solve": "inv(A)*b", "gammaln": "lgamma(x)", "log_det": "logdet(X)", "slogdet": "logdet(X)",
    "log_sum_exp": "logsumexp(x)",
    "crossprod": "X'*X",
    "rowsum": "sum(X, axis=1)", "colsum": "sum(X, axis=0)", "reshape": "unvec(x, m, n)", "lse": "logsumexp(x)",
}  # fmt: skip
# what is no function here, and what stands for it
SAID = {
    "grad": "the function alone: its derivative is what is asked for", "einsum": "products and transposes, as in A*x",
    "argmin": "the function alone, for solve", "argmax": "the function alone, for solve", "numel": "the dimension: n",
    "size": "the dimension: n", "nrow": "the dimension: n", "ncol": "the dimension: n",
}
KNOWN = [*FUNCTIONS, *CONSTANTS, *FILLED, *ALIASES]  # every name that may be called without declaring it


def known_functions() -> list[str]:
    """Every name that may be called without declaring it."""
    return list(KNOWN)
