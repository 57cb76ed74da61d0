"""``matcalc serve`` as it is installed: started from any folder, it answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

SCRIPT = Path(sys.executable).with_name("matcalc")


@pytest.mark.skipif(not SCRIPT.exists(), reason="the command is not installed")
def test_a_folder_called_matcalc_where_it_is_started_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "matcalc").mkdir()
    (tmp_path / "matcalc" / "__init__.py").write_text("")  # as a checkout's, which has no matcalc/cli
    command = [str(SCRIPT), "serve", "--port", "0", "--no-browser", "--workers", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+/", process.stdout.readline())
            assert found
            question = json.dumps({"function": "x'*x", "wrt": ["x"]}).encode()
            request = urllib.request.Request(found[0] + "api/derive", question, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as response:
                assert b"2*x" in response.read()
        finally:
            process.terminate()
