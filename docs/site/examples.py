"""What the pages show: sessions, files and Python; and what happens when it is run.

A fence whose info has a second word with a dot, such as ``matcalc network.txt``, is a file: the sessions of the page
find it in their working directory. Lines that begin with ``$ matcalc`` are commands, what follows is their output,
in which ``...`` stands for anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner, Result

from matcalc.cli import main

FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Session:
    """A command that a page shows, and its output there."""

    line: str
    output: str
    files: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)

    def run(self, *more: str) -> Result:
        """What the command does, with more options if any are given."""
        if self.words[0] != "matcalc":
            raise ValueError(f"not a command of ours: {self.line}")
        with folder(self.files):
            return CliRunner().invoke(main, [*self.words[1:], *more], catch_exceptions=False)

    def is_shown(self, result: Result) -> bool:
        """Whether that is the output on the page. What is refused (exit status 2) stands on standard error; a claim
        that does not hold and an identity that fails have exit status 1."""
        fails = "does not hold" in self.output or "FAILED" in self.output
        if result.exit_code not in (2, int(fails)):
            return False
        parts = [re.escape(part) for part in self.output.strip().split("...")]
        printed = result.stderr if result.exit_code == 2 else result.stdout
        return bool(re.fullmatch(".*?".join(parts), printed.strip(), re.S))


@contextlib.contextmanager
def folder(files: Mapping[str, str]) -> Iterator[None]:
    """A working directory with these files."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        for name, content in files.items():
            Path(place, name).write_text(content, encoding="utf-8")
        os.chdir(place)
        try:
            yield
        finally:
            os.chdir(before)


def fences(markdown: str) -> list[tuple[str, str]]:
    """Info string and content of each fenced block."""
    return [(info.strip(), content) for info, content in FENCE.findall(markdown)]


def file_name(info: str) -> str | None:
    """``network.txt`` of ``matcalc network.txt``."""
    words = info.split()
    return words[1] if len(words) == 2 and "." in words[1] else None


def files(markdown: str) -> dict[str, str]:
    return {name: content for info, content in fences(markdown) if (name := file_name(info))}


def split(block: str, given: Mapping[str, str]) -> list[Session]:
    """The sessions of one block."""
    parts = re.split(r"^\$ ", block, flags=re.M)[1:]
    return [Session(line, output, given) for line, _, output in (part.partition("\n") for part in parts)]


def sessions(markdown: str) -> list[Session]:
    given = files(markdown)
    return [session for info, block in fences(markdown) if info in ("", "sh") for session in split(block, given)]


def python(markdown: str) -> list[str]:
    """The blocks of Python that are not interpreter sessions."""
    return [block for info, block in fences(markdown) if info == "python" and not block.lstrip().startswith(">>>")]


def edits(markdown: str) -> list[tuple[str, str, str]]:
    """File, old text and new text of each ``diff`` block: a place in the file, without line numbers."""
    found = []
    for info, block in fences(markdown):
        if info.startswith("diff "):
            lines = block.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if line[0] in " -")
            new = "".join(line[1:] for line in lines if line[0] in " +")
            found.append((info.split()[1], old, new))
    return found
