"""``matcalc serve``: ports, messages, the end by Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from importlib.util import find_spec

import pytest
from click.testing import CliRunner
from web_client import SLOW, alive, raw

from matcalc.cli import main
from matcalc.cli import serve as command
from matcalc.errors import InputError
from matcalc.web.server import PORT, address_of, listener


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matcalc.cli.serve.find_spec", lambda name: None if name == "uvicorn" else find_spec(name))
    result = CliRunner().invoke(main, ["serve", "--no-browser"])

    assert result.exit_code == 2
    assert "pip install 'matcalc[web]'" in result.output
    assert command is not None


def test_a_port_that_is_taken_is_refused_or_the_next_one_is_used() -> None:
    with listener("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is taken"):
            listener("127.0.0.1", port)
    with listener("127.0.0.1", None) as first, listener("127.0.0.1", None) as second:
        ports = first.getsockname()[1], second.getsockname()[1]
    assert ports[0] != ports[1]
    assert min(ports) >= PORT or 0 not in ports


@pytest.mark.parametrize("host", ["nowhere.invalid", "256.1.1.1"])
def test_a_host_that_is_not_here_is_refused(host: str) -> None:
    with pytest.raises(InputError, match="cannot be served"):
        listener(host, 0)


def test_addresses_are_such_as_a_browser_takes() -> None:
    assert address_of("127.0.0.1", 80) == "http://127.0.0.1:80/"
    assert address_of("0.0.0.0", 80) == "http://127.0.0.1:80/"
    assert address_of("::1", 80) == "http://[::1]:80/"
    assert address_of("localhost", 80) == "http://localhost:80/"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_it_prints_its_address_answers_and_ends_with_ctrl_c() -> None:
    command = [sys.executable, "-m", "matcalc", "serve", "--port", "0", "--no-browser", "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line
        connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        question = '{"function": "x\'*x", "wrt": ["x"]}'
        connection.request("POST", "/api/derive", question, {"Content-Type": "application/json"})
        assert b"2*x" in connection.getresponse().read()
        connection.close()
        held = [socket.create_connection(("127.0.0.1", int(found[1]))) for _ in range(3)]
        for each in held:  # one at work, two in line
            each.sendall(raw("/api/derive", json.dumps({"function": SLOW, "wrt": ["x"]}).encode()))
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        answers = [each.makefile("rb").read() for each in held]
        for each in held:
            each.close()
    assert process.returncode == 0
    assert out.strip() == "matcalc has stopped"
    assert err == ""
    assert [answer.split()[1] for answer in answers] == [b"200", b"503", b"503"]
    assert not alive(process.pid)
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", int(found[1]))) != 0
