"""The server that an evaluation starts is gone when the evaluation is done."""

import sys
from pathlib import Path

import psutil
import pytest

from indexer.evaluate import folder
from server.settings import ServerSettings

STUBBORN = """#!{python}
import signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

signal.signal(signal.SIGTERM, signal.SIG_IGN)
HTTPServer(("127.0.0.1", int(sys.argv[-1])), Ready).serve_forever()
"""


def test_a_server_that_does_not_end_is_killed_and_waited_for(
    settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "python"
    command.write_text(STUBBORN.format(python=sys.executable))
    command.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(command))
    monkeypatch.setattr(folder, "END_SECONDS", 0.1)
    before = set(psutil.Process().children())
    with folder.running_server(settings):
        assert set(psutil.Process().children()) - before
    assert set(psutil.Process().children()) - before == set(), "not even as a process that nobody has waited for"
