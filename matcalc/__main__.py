"""``python -m matcalc``: the same as the command ``matcalc``."""

from matcalc.cli import main

main(prog_name="matcalc")
