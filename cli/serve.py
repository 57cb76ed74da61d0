"""``matcalc serve``: the page in the browser."""

from __future__ import annotations

from importlib.util import find_spec

import click

from matcalc.errors import InputError

from .command import COMMON

EXAMPLES = """\b
Examples:
  matcalc serve
  matcalc serve --port 9000 --no-browser
"""


@click.command(short_help="The page in the browser.", epilog=EXAMPLES + COMMON)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Where to listen; this machine alone unless told otherwise.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), metavar="PORT",
              help="The port; 0: any that is free. Default: 8765, or the next one that is free.")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Print the address, do not open it.")
@click.option("--workers", type=click.IntRange(1, 64), metavar="N",
              help="Derivations at the same time (default: one for each core, 2 to 4).")  # fmt: skip
def serve(host: str, port: int | None, no_browser: bool, workers: int | None) -> None:
    """Serve the page: type a loss in the browser, see its derivative, steps, code; check your own answer.

    Everything stays on this machine. Every derivation runs in a process of its own with limits on time and memory.
    Ctrl-C ends it.
    """
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise InputError(f"the page needs {' and '.join(missing)}", hint="pip install 'matcalc[web]'")
    from matcalc.web.server import serve as run  # what it imports need not be installed

    run(host, port, workers, not no_browser, lambda said: click.echo(said))
