"""Does the server of the page keep its memory? ``python -m benchmarks.soak [REQUESTS]``

Starts ``matcalc serve``, asks it that many questions (10 000 unless told otherwise), no two of them alike, eight at a
time: derivations of the examples of the page, readings as one types, claims, mistakes, and now and then something
that is stopped. Prints the memory of all its processes (proportional set size, so that shared pages count once) as it
goes, and fails if an answer is lost or if memory grows from the second fifth to the last by more than a tenth.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.request import urlopen

CLIENTS = 8
EVERY = 250  # requests between two looks at the memory
GROWTH = 1.1


Question = tuple[str, dict[str, Any]]


def examples(port: int) -> list[dict[str, Any]]:
    """The examples of the page."""
    with urlopen(f"http://127.0.0.1:{port}/api/page") as response:
        return [example for topic in json.load(response)["examples"] for example in topic["example"]]


def question(number: int, known: list[dict[str, Any]]) -> Question:
    """The question of that number: another constant, so another expression, each time."""
    example = known[number % len(known)]
    function = f"{example['function'].rstrip()} + {number}"
    wrt = [example["wrt"]] if isinstance(example["wrt"], str) else example["wrt"]
    order = str(example.get("order", 1))
    asked = {"function": function, "wrt": wrt, "declare": example.get("declare", {}), "order": order}
    if number % 500 == 499:
        return "derive", {"function": "*".join(f"(x'*A{i}*x + {number})" for i in range(40)), "wrt": ["x"]}
    if number % 7 == 3:
        return "derive", {**asked, "function": function + " +"}
    if number % 5 == 1:
        return "check", {**asked, "wrt": wrt[:1], "claim": f"{number}"}
    return ("parse", asked) if number % 3 == 0 else ("derive", asked)


def ask(port: int, asking: Question) -> str:
    """What came of it: the kind of the last part."""
    task, asked = asking
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("POST", f"/api/{task}", json.dumps(asked), {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 503:
            break
        time.sleep(int(response.headers["Retry-After"]))
    parts = [json.loads(line) for line in body.splitlines()]
    if response.status != 200 or not parts:
        raise RuntimeError(f"lost: {task} {asked} {response.status} {body[:200]!r}")
    return str(parts[-1].get("kind", "answered")) if parts[-1]["part"] == "error" else "answered"


def family(pid: int) -> list[int]:
    """A process and all below it."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for p in found:
        found += [child for child, parent in parents.items() if parent == p]
    return found


def megabytes(pid: int) -> float:
    """Memory of a process and all below it."""
    total = 0
    for p in family(pid):
        try:
            total += int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{p}/smaps_rollup").read_text(), re.M)[1])  # type: ignore[index]
        except (OSError, TypeError):
            continue
    return total / 1024


def main(requests: int) -> int:
    command = [sys.executable, "-m", "matcalc", "serve", "--no-browser", "--port", "0", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(re.search(r":(\d+)/", server.stdout.readline())[1])  # type: ignore[index]
        known = examples(port)
        counts: dict[str, int] = {}
        seen: list[float] = []
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as threads:
            for start in range(0, requests, EVERY):
                asking = (question(number, known) for number in range(start, min(start + EVERY, requests)))
                for kind in threads.map(ask, repeat(port), asking):
                    counts[kind] = counts.get(kind, 0) + 1
                seen.append(megabytes(server.pid))
                taken = time.monotonic() - began
                print(f"{sum(counts.values()):6} requests  {taken:6.0f} s  {seen[-1]:6.0f} MB", flush=True)
        server.send_signal(signal.SIGINT)
        server.wait(30)
    fifth = max(1, len(seen) // 5)
    early, late = max(seen[fifth : 2 * fifth] or seen), max(seen[-fifth:])
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    print(f"memory: at most {max(seen):.0f} MB; second fifth {early:.0f} MB, last fifth {late:.0f} MB")
    return int(sum(counts.values()) != requests or late > GROWTH * early)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
