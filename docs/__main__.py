"""``python -m docs``: the static site in build/site; exit status 1 if anything on it is wrong."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

try:
    from docs.site.build import ROOT, build
    from docs.site.pages import all_pages
    from docs.site.refresh import refresh
except ModuleNotFoundError as missing:  # of the extra, or of matcalc.cli, which a checkout has under another name
    sys.exit(f"{missing}: install the checkout with pip install -e '.[docs]'")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m docs", description="Build the documentation as a static site.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="the folder (default: build/site)")
    parser.add_argument("--refresh", action="store_true", help="write what the commands print now into the pages")
    arguments = parser.parse_args()
    if arguments.refresh:
        for path in refresh([ROOT / page.source for page in all_pages()]):
            print(f"refreshed {path}")
        return 0
    out = arguments.out
    began = time.perf_counter()
    pages, problems = build(out)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{pages} pages in {out}, {time.perf_counter() - began:.0f} s, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
