"""The `indexer` command: ingest | status | search | evaluate | calibrate | enrich | remove | export | verify | rebuild.

Here are the words and options of each; `indexer.commands` does its work and is loaded only for that.
`--json` prints one JSON document on standard output and nothing else there; progress and messages go to standard error.
Exit status: 0 done, 1 done with failures that the output lists, 2 could not start, 75 not now: another process works
on the same data.
"""

import click

from indexer.console import Commands, PathName, done_by, not_empty

PATH = PathName()
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


@click.group(cls=Commands)
@click.version_option(package_name="docent", message="Docent %(version)s")
def main() -> None:
    """Turn folders of documents into knowledge that can be searched."""


@main.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--collection", default="", help="Collection to put them into; by default the folder's name.")
@click.option("--prune", is_flag=True, help="Remove vanished documents even if they are more than a fifth of all.")
@click.option("--watch", is_flag=True, help="Go on running and take up every change of the folders.")
@JSON_OPTION
@done_by("indexer.commands.ingest:run")
def ingest() -> None:
    """Index files and folders. What is new or changed is read, what is gone is removed."""


@main.command("status")
@click.option("--collection", multiple=True, help="Only this collection; may be given more than once.")
@click.option("--files", is_flag=True, help="Name every file that is not indexed, also where many have one reason.")
@JSON_OPTION
@done_by("indexer.commands.status:run")
def status() -> None:
    """Show what is indexed, and what could not be read and why.

    The most frequent reason stands first. It also tells what an older reader has read, whether a rebuild is under way,
    and how much room everything takes on the disk.
    """


@main.command("remove")
@click.argument("paths", nargs=-1)
@click.option("--collection", multiple=True, help="Only in this collection; may be given more than once.")
@click.option("--all", "whole", is_flag=True, help="All of the collections that are named.")
@click.option("--for-good", is_flag=True, help="At once from the disk, too, so that nothing can be brought back.")
@JSON_OPTION
@done_by("indexer.commands.remove:run")
def remove() -> None:
    """Remove files and folders from what is indexed.

    Your own files stay where they are. PATHS are paths of this machine, or relative to the folder that was ingested, as
    the documents page and `indexer export` name them. It is what Delete on the documents page does: no search finds a
    file from now on, for ten minutes it can be brought back there, and an ingest leaves it alone until it changes.
    After --all an ingest of the folder reads everything again. The exit status is 1 where a path names nothing.
    """


@main.command("export")
@click.option("--collection", multiple=True, help="Only this collection; may be given more than once.")
@click.option("--chunks", is_flag=True, help="With the passages of each document, as code points of its text.")
@done_by("indexer.commands.export:run")
def export() -> None:
    """Print every file as a line of JSON.

    It holds the text, title, pages and state of a file, and why it was not read. A passage is `text[start:end]`,
    counted in code points; so are its sentences.
    """


@main.command("search")
@click.argument("question", callback=not_empty)
@click.option("--collection", multiple=True, help="Search only this collection; may be given more than once.")
@click.option("-k", "top_k", default=8, show_default=True, type=click.IntRange(1, 50), help="Passages to show.")
@JSON_OPTION
@done_by("indexer.commands.search:run")
def search() -> None:
    """Show the passages that are closest to a question."""


@main.command("evaluate")
@click.argument("folder", type=PATH)
@click.option("--answers", is_flag=True, help="Also ask a server that is started on the folder, and judge its answers.")
@click.option("--endpoint", default="", help="Also ask this server (http://host:port), which already holds the corpus.")
@click.option("--closed-book", is_flag=True, help="Also ask the server's language model without any documents.")
@click.option(
    "--off-topic", type=PATH, help="Another folder: see how many of its questions are refused of this corpus."
)
@click.option(
    "--sample",
    default="",
    metavar="N[+M]",
    help="Ask at most N answerable and N (or M) unanswerable questions, and N off-topic ones.",
)
@click.option("--seed", default=1, show_default=True, help="Which of them; the same seed chooses the same.")
@click.option("--index", type=PATH, help="Keep the index of the corpus in this folder, and take it from there.")
@click.option("--baseline", type=PATH, help="Compare with this report of an earlier --json run.")
@click.option("--report", "page", type=PATH, help="Also write an HTML page with plots to this file.")
@JSON_OPTION
@done_by("indexer.commands.evaluate:run")
def evaluate() -> None:
    """Measure retrieval and answers on a folder of questions.

    Answers are measured with --answers or --endpoint. With --baseline the exit status is 1 when a measure got worse by
    more than chance explains.
    """


@main.command("calibrate")
@click.argument("folder", required=False, type=PATH)
@JSON_OPTION
@done_by("indexer.commands.calibrate:run")
def calibrate() -> None:
    """Find anew when to say that the documents do not say.

    FOLDER holds labelled questions about your documents (questions.jsonl): from then on these decide. Without it,
    questions that are surely off topic do, as after each ingest.
    """


@main.command("enrich")
@click.option("--collection", multiple=True, help="Only this collection; may be given more than once.")
@click.option(
    "--endpoint", default="", help="OpenAI-compatible server that writes; by default the running `docent serve`."
)
@click.option("--model", default="", help="Its model; by default the first that it lists.")
@click.option("--limit", type=click.IntRange(1), help="Stop after this many passages; the next run goes on.")
@click.option(
    "--at-once",
    type=click.IntRange(1, 32),
    default=1,
    help="Passages that are written about at a time: more where the server batches and nobody waits for it.",
)
@JSON_OPTION
@done_by("indexer.commands.enrich:run")
def enrich() -> None:
    """Let a language model write how people look for each passage.

    The questions and words that it writes lead searches to the passage and are never shown. A run that is interrupted
    goes on where it was.
    """


@main.command("verify")
@JSON_OPTION
@done_by("indexer.commands.verify:run")
def verify() -> None:
    """Check that everything indexed agrees with its document.

    Every passage must be exactly the words of its document, with every sentence, page, vector and entry in its place,
    and the search index must hold what the database holds. What a rebuild has made so far is checked too. Nothing is
    changed; the exit status is 1 where anything is wrong.
    """


@main.command("rebuild")
@click.option("--discard", is_flag=True, help="Throw away what a rebuild that was interrupted has made.")
@JSON_OPTION
@done_by("indexer.commands.rebuild:run")
def rebuild() -> None:
    """Make chunks, vectors and indexes anew from the stored texts.

    They are made with the settings as they are now: do this after a change of the embedding model or of chunk sizes.
    Searches go on with the old ones until all are made, and others may write meanwhile. A rebuild that is interrupted
    goes on where it was when it is started again; with other settings it begins anew. Files are not read for it: where
    a newer Docent reads them better, `indexer ingest` does.
    """
