"""The command line: one file per command."""

from .group import main

__all__ = ["main"]
