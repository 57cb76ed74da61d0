"""Libraries of automatic differentiation: the gradient, the Hessian and the product of Hessian and vector in each.

``peers()`` gives those that are installed. Each makes functions without arguments, ready to be timed: the data are the
library's own arrays, in float64; what can be compiled is compiled before; a call returns when the result is there.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]
Call = Callable[[], Any]


class Peer(ABC):
    """A library: its arrays, its names for functions, its derivatives."""

    name: str
    package: str  # what pip installs

    @property
    def version(self) -> str:
        return f"{self.name} {importlib.metadata.version(self.package)}"

    @abstractmethod
    def array(self, value: Any) -> Any: ...

    @abstractmethod
    def gradient(self, function: Callable[..., Any], arrays: Arrays, wrt: list[str]) -> Call:
        """A call that returns the gradients by the names ``wrt``, as a tuple."""

    @abstractmethod
    def hessian(self, function: Callable[..., Any], arrays: Arrays, wrt: str) -> Call: ...

    @abstractmethod
    def product(self, function: Callable[..., Any], arrays: Arrays, wrt: str, direction: Any) -> Call:
        """Hessian times direction, without the Hessian."""


class Jax(Peer):
    name, package = "JAX", "jax"

    def __init__(self) -> None:
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)
        jnp = importlib.import_module("jax.numpy")
        nn = self.jax.nn
        self.lib = SimpleNamespace(
            tanh=jnp.tanh,
            softplus=nn.softplus,
            solve=jnp.linalg.solve,
            slogdet=lambda X: jnp.linalg.slogdet(X)[1],
            softmax=lambda z: nn.softmax(z, axis=1),
            log_softmax=lambda z: nn.log_softmax(z, axis=1),
        )

    def array(self, value: Any) -> Any:
        return self.jax.numpy.asarray(value)

    def _compiled(self, made: Callable[..., Any], variables: Any, *rest: Any) -> Call:
        compiled, ready = self.jax.jit(made), self.jax.block_until_ready
        return lambda: ready(compiled(variables, *rest))

    def gradient(self, function: Callable[..., Any], arrays: Arrays, wrt: list[str]) -> Call:
        # the data are arguments: what is closed over would be folded into the code
        values = {k: self.array(v) for k, v in arrays.items()}
        rest = {k: v for k, v in values.items() if k not in wrt}
        made = self.jax.grad(lambda xs, rest: function(self.lib, **dict(zip(wrt, xs, strict=True)), **rest))
        return self._compiled(made, tuple(values[k] for k in wrt), rest)

    def hessian(self, function: Callable[..., Any], arrays: Arrays, wrt: str) -> Call:
        values = {k: self.array(v) for k, v in arrays.items()}
        made = self.jax.hessian(lambda x, rest: function(self.lib, **{wrt: x}, **rest))
        return self._compiled(made, values.pop(wrt), values)

    def product(self, function: Callable[..., Any], arrays: Arrays, wrt: str, direction: Any) -> Call:
        values = {k: self.array(v) for k, v in arrays.items()}

        def made(x: Any, rest: Any, dx: Any) -> Any:
            inner = self.jax.grad(lambda x: function(self.lib, **{wrt: x}, **rest))
            return self.jax.jvp(inner, (x,), (dx,))[1]

        return self._compiled(made, values.pop(wrt), values, self.array(direction))


class Torch(Peer):
    name, package = "PyTorch", "torch"

    def __init__(self) -> None:
        torch = self.torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        functional = torch.nn.functional
        self.lib = SimpleNamespace(
            tanh=torch.tanh,
            softplus=functional.softplus,
            solve=torch.linalg.solve,
            slogdet=lambda X: torch.linalg.slogdet(X)[1],
            softmax=lambda z: torch.softmax(z, dim=1),
            log_softmax=lambda z: torch.log_softmax(z, dim=1),
        )

    def array(self, value: Any) -> Any:
        return self.torch.from_numpy(np.array(value))

    def gradient(self, function: Callable[..., Any], arrays: Arrays, wrt: list[str]) -> Call:
        values = {k: self.array(v) for k, v in arrays.items()}
        variables = [values[k].requires_grad_() for k in wrt]
        return lambda: self.torch.autograd.grad(function(self.lib, **values), variables)

    def hessian(self, function: Callable[..., Any], arrays: Arrays, wrt: str) -> Call:
        values = {k: self.array(v) for k, v in arrays.items()}
        x = values.pop(wrt)
        made = self.torch.func.hessian(lambda x: function(self.lib, **{wrt: x}, **values))
        return lambda: made(x)

    def product(self, function: Callable[..., Any], arrays: Arrays, wrt: str, direction: Any) -> Call:
        values = {k: self.array(v) for k, v in arrays.items()}
        x, dx, grad = values[wrt].requires_grad_(), self.array(direction), self.torch.autograd.grad

        def call() -> Any:
            (inner,) = grad(function(self.lib, **values), x, create_graph=True)
            return grad(inner, x, dx)[0]

        return call


class Autograd(Peer):
    name, package = "autograd", "autograd"

    def __init__(self) -> None:
        self.autograd = importlib.import_module("autograd")
        anp = importlib.import_module("autograd.numpy")
        special = importlib.import_module("autograd.scipy.special")

        def log_softmax(z: Any) -> Any:
            return z - special.logsumexp(z, axis=1, keepdims=True)

        def softmax(z: Any) -> Any:
            e = anp.exp(z - anp.max(z, axis=1, keepdims=True))
            return e / anp.sum(e, axis=1, keepdims=True)

        self.lib = SimpleNamespace(
            tanh=anp.tanh,
            softplus=lambda z: anp.logaddexp(0.0, z),
            solve=anp.linalg.solve,
            slogdet=lambda X: anp.linalg.slogdet(X)[1],
            softmax=softmax,
            log_softmax=log_softmax,
        )

    def array(self, value: Any) -> Any:
        return value

    def gradient(self, function: Callable[..., Any], arrays: Arrays, wrt: list[str]) -> Call:
        rest = {k: v for k, v in arrays.items() if k not in wrt}
        made = self.autograd.grad(lambda xs: function(self.lib, **dict(zip(wrt, xs, strict=True)), **rest))
        xs = tuple(arrays[k] for k in wrt)
        return lambda: made(xs)

    def _of(self, function: Callable[..., Any], arrays: Arrays, wrt: str) -> tuple[Callable[[Any], Any], Any]:
        rest = {k: v for k, v in arrays.items() if k != wrt}
        return lambda x: function(self.lib, **{wrt: x}, **rest), arrays[wrt]

    def hessian(self, function: Callable[..., Any], arrays: Arrays, wrt: str) -> Call:
        loss, x = self._of(function, arrays, wrt)
        made = self.autograd.hessian(loss)
        return lambda: made(x)

    def product(self, function: Callable[..., Any], arrays: Arrays, wrt: str, direction: Any) -> Call:
        loss, x = self._of(function, arrays, wrt)
        made = self.autograd.hessian_vector_product(loss)
        return lambda: made(x, direction)


KNOWN: tuple[type[Peer], ...] = (Jax, Torch, Autograd)


def peers(only: tuple[str, ...] = ()) -> list[Peer]:
    """The libraries that are installed, in a fixed order."""
    found = [p for p in KNOWN if importlib.util.find_spec(p.package) is not None]
    return [p() for p in found if not only or p.package in only]


def missing() -> list[str]:
    """The packages that are not installed."""
    return [p.package for p in KNOWN if importlib.util.find_spec(p.package) is None]
