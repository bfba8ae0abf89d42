"""The `docent` command: serve | ask | models | doctor | feedback.

`--json` prints one JSON document on standard output and nothing else there; progress and messages go to standard error.
Exit status: 0 done, 1 done with failures that the output lists, 2 could not start.
"""

import json
import sys
from pathlib import Path

import click

from indexer.console import Commands, inert, inert_lines, not_empty
from server.commands.ask import as_json, as_text, ask
from server.commands.doctor import examine
from server.commands.feedback import feedback
from server.commands.models import models
from server.commands.serve import serve
from server.settings import ServerSettings

JSON_OPTION = click.option("--json", "json_wanted", is_flag=True, help="Print one JSON document on standard output.")


@click.group(cls=Commands)
@click.version_option(package_name="docent", message="Docent %(version)s")
def main() -> None:
    """Ask a company's documents, on the company's own machine."""


@main.command("serve")
@click.option("--host", default=None, help="Address to listen on; 127.0.0.1 unless DOCENT_HOST is set.")
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port; 8000 unless DOCENT_PORT is set.")
@click.option(
    "--ingest",
    "folders",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Index this file or folder once the server runs; may be given more than once.",
)
def serve_command(host: str | None, port: int | None, folders: tuple[Path, ...]) -> None:
    """Serve the page and the API."""
    given = {"host": host, "port": port}
    serve(ServerSettings(**{name: value for name, value in given.items() if value is not None}), folders)  # type: ignore[arg-type]


@main.command("ask")
@click.argument("question", callback=not_empty)
@click.option("--collection", multiple=True, help="Ask only this collection; may be given more than once.")
@JSON_OPTION
def ask_command(question: str, collection: tuple[str, ...], json_wanted: bool) -> None:
    """Ask one question."""
    completion = ask(ServerSettings(), question, collection)
    click.echo(json.dumps(as_json(completion), ensure_ascii=False) if json_wanted else inert_lines(as_text(completion)))


@main.command("doctor")
@JSON_OPTION
def doctor_command(json_wanted: bool) -> None:
    """Check that everything Docent needs is there, and say what to do about what is not."""
    findings = examine(ServerSettings())
    if json_wanted:
        rows = [{"name": found.name, "state": found.state, "detail": found.detail} for found in findings]
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for found in findings:
            click.echo(inert(f"{found.state:8} {found.name}: {found.detail}"))
    sys.exit(1 if any(found.state == "problem" for found in findings) else 0)


main.add_command(models)
main.add_command(feedback)
