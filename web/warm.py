"""Importing this module does an engine's first work: tables are read, libraries imported. New workers are forked from
the process that imported it, and so begin with all of that done."""

from __future__ import annotations

import gc

from .answers import respond

TASK = {"function": "norm2(A*x - b)^2 + logdet(X)", "wrt": ["x"], "claim": "2*A'*(A*x - b)"}
WARM = tuple(len(list(respond({"task": task, **TASK}))) for task in ("parse", "derive", "check"))
gc.collect()
gc.freeze()  # what is here stays: the collector of a worker does not touch, and so not copy, its pages
