"""``python -m benchmarks [--write] [--seconds S] [--sizes 50,200] [--losses logistic,det] [PART ...]``.

Prints tables; ``--write`` keeps those of the parts that ran in docs/benchmarks.md. Libraries that are not installed are
left out, and the table says so.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import platform
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # before NumPy: one thread on one core
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import scipy  # noqa: E402

from benchmarks import comparisons, derivation  # noqa: E402
from benchmarks.common import common  # noqa: E402
from benchmarks.comparisons import Settings, Table  # noqa: E402
from benchmarks.memory import memory  # noqa: E402
from benchmarks.paired import pin  # noqa: E402
from benchmarks.peers import peers  # noqa: E402

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
MARK = "<!-- measured -->\n"

PARTS: dict[str, tuple[str, Callable[[Settings], Table]]] = {
    "gradients": ("Gradients against hand-written code", comparisons.gradients),
    "hessians": ("Hessians against hand-written code", comparisons.hessians),
    "peers": ("Gradients against automatic differentiation", comparisons.gradient_peers),
    "hessian-peers": ("Hessians against automatic differentiation", comparisons.hessian_peers),
    "products": ("Hessian times vector against automatic differentiation", comparisons.product_peers),
    "memory": ("Peak memory", memory),
    "common": ("Symbolic tools on a common list", common),
    "derivation": ("Derivation", derivation.derivation),
    "depth": ("Growth with depth", derivation.depth),
    "expressions": ("Growth with the size of an expression", derivation.expressions),
    "start": ("Start-up", derivation.start),
}


def machine(pinned: bool, seconds: float) -> str:
    """Date, versions, cores: one line under each table's title."""
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}", f"SciPy {scipy.__version__}"]
    versions += [kernels(), *(p.version for p in peers())]
    where = "one pinned core" if pinned else "not pinned"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {', '.join(v for v in versions if v)}; {where} of {os.cpu_count()}, "
        f"{seconds:g} s for each comparison."
    )


def kernels() -> str:
    """For which processor the BLAS under NumPy takes its kernels; OpenBLAS lets OPENBLAS_CORETYPE choose."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return ""
    found = importlib.import_module("threadpoolctl").threadpool_info()
    return next(
        (f"{x['internal_api']} {x['version']} for {x['architecture']}" for x in found if "architecture" in x), ""
    )


def kept(document: str, sections: dict[str, str]) -> str:
    """The document with these sections replaced; the others, and the text before the mark, stay."""
    head, _, tail = document.partition(MARK)
    old = re.split(r"^## (.*)\n", tail, flags=re.M)[1:]
    found = {title: body.strip() for title, body in zip(old[::2], old[1::2], strict=True)} | sections
    order = [title for title, _ in PARTS.values() if title in found]
    return head + MARK + "".join(f"\n## {title}\n\n{found[title]}\n" for title in order)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/benchmarks.md")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each comparison")
    parser.add_argument("--sizes", default="", help="only these n")
    parser.add_argument("--losses", default="", help="only losses with one of these in their name")
    given = parser.parse_args(arguments)
    if unknown := [part for part in given.parts if part not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    pinned = pin()
    settings = Settings(
        given.seconds,
        frozenset(int(s) for s in given.sizes.split(",") if s),
        tuple(s for s in given.losses.split(",") if s),
    )
    where = machine(pinned, given.seconds)
    print(where)
    sections = {}
    for part in given.parts or PARTS:
        title, table = PARTS[part]
        lines = [where, ""]
        print(f"\n## {title}\n")
        for line in table(settings):
            print(line, flush=True)
            lines.append(line)
        sections[title] = "\n".join(lines)
    if given.write:
        DOCUMENT.write_text(kept(DOCUMENT.read_text(encoding="utf-8"), sections), encoding="utf-8")


if __name__ == "__main__":
    main()
