"""``python -m matcalc``: the same as the command ``matcalc``."""

import sys

try:
    from matcalc.cli import main
except ModuleNotFoundError as missing:
    if missing.name != "matcalc.cli":
        raise
    # a checkout has the commands in a folder cli/ beside this one
    sys.exit("in a checkout python -m matcalc needs pip install -e .; the command matcalc works everywhere")

main(prog_name="matcalc")
