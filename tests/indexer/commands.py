"""The `indexer` command, run in the process of a test."""

import json
from typing import Any

from click.testing import CliRunner, Result

from indexer.cli import main


class Run:
    """Runs a command in this process; what it says on standard error is one line each."""

    def __call__(self, *arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        return result

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", status=status).stdout)
