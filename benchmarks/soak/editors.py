"""Who changes the documents: uploads, deletions and restores through the page; `indexer ingest` of a folder.

Every text holds one word that stands nowhere else, so that a look at what is indexed tells which version it is.
"""

import json
import math
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.soak.askers import Worker
from benchmarks.soak.book import GONE, Book, Document, new_word
from benchmarks.soak.inspection import cut_run, indexed_words
from benchmarks.soak.place import Life, Site
from indexer.errors import BusyError

FILES = 12  # of an editor, and of the folder that is ingested
SECTIONS = 6  # of a document: enough to embed for a kill to come in the middle of it
RUN_SECONDS = 300.0
ALONE_SECONDS = 15.0  # that an ingest may go on when its server has ended
_DELETE = 'id="delete-(\\d+)" aria-label="Delete {}"'
_TEXT = """## Part {n}

Everyone gets 25 days of annual leave a year, and unused days expire on 31 March of the next one. Travel claims of
part {n} are paid within ten working days after they were approved; keep every receipt. Parents get 16 weeks of paid
leave, which their team lead approves three months ahead.

"""


def text_of(name: str, word: str, sections: int) -> str:
    parts = "".join(_TEXT.format(n=number) for number in range(1, sections + 1))
    return f"# {name}\n\nThe word of this version is {word}. It stands here alone.\n\n{parts}"


class Editor(Worker):
    """One person at the documents page, with a collection of its own."""

    def __init__(self, site: Site, book: Book, seed: int, pause: float) -> None:
        super().__init__(site, book, seed, pause)
        self.collection = f"uploads{seed}"
        self.kept: dict[str, str] = {}  # the number under which a deleted file can be brought back

    def work(self, client: httpx.Client, life: Life) -> None:
        document = self.book.document(self.collection, f"{self.collection}-{self.chance.randrange(FILES)}.md")
        if document.path in self.kept and self.chance.random() < 0.4:
            self.restore(client, document)
        elif document.word and self.chance.random() < 0.5:
            self.delete(client, document)
        else:
            self.upload(client, document)
        self.book.count("requests")

    def upload(self, client: httpx.Client, document: Document) -> None:
        """Slowly, so that a kill finds an upload under way."""
        word = new_word()
        text = text_of(document.path, word, self.chance.randrange(1, 4))
        head = f'--soak\r\nContent-Disposition: form-data; name="collection"\r\n\r\n{self.collection}\r\n--soak\r\n'
        head += f'Content-Disposition: form-data; name="files"; filename="{document.path}"\r\n\r\n'
        body = f"{head}{text}\r\n--soak--\r\n".encode()
        half, pause = len(body) // 2, self.chance.uniform(0, 0.5)

        def pieces() -> Iterator[bytes]:
            yield body[:half]
            time.sleep(pause)
            yield body[half:]

        document.begins(word)
        headers = {"Content-Type": "multipart/form-data; boundary=soak", "Content-Length": str(len(body))}
        if self.expect(client.post("/documents/upload", content=pieces(), headers=headers), 303):
            document.acknowledged(word)
            self.kept.pop(document.path, None)
            self.book.count("uploads acknowledged")

    def delete(self, client: httpx.Client, document: Document) -> None:
        """Of what can be found: to delete a version that still waits to be read means only the one before it."""
        if not is_found(client, document, document.word or GONE):
            return
        table = client.get("/documents", params={"q": document.path})
        if not self.expect(table, 200):
            return
        entry = re.search(_DELETE.format(re.escape(document.path)), table.text)
        if entry is None:
            self.book.breach(f"{document.path} is found and not listed")
            return
        document.begins(GONE)
        if self.expect(client.post(f"/documents/files/{entry[1]}/delete"), 303):
            document.acknowledged(GONE)
            self.kept[document.path] = entry[1]
            self.book.count("deletions acknowledged")

    def restore(self, client: httpx.Client, document: Document) -> None:
        entry, word = self.kept.pop(document.path), document.before
        document.begins(word)
        response = client.post(f"/documents/files/{entry}/restore")
        if response.status_code == 404:  # ten minutes are over, by a clock that may have been set
            document.acknowledged(GONE)
        elif self.expect(response, 303):
            document.acknowledged(word)
            self.book.count("restores acknowledged")


def is_found(client: httpx.Client, document: Document, word: str) -> bool:
    """Whether a search for this word finds the document in the version that holds it."""
    response = client.post("/v1/search", json={"query": word, "top_k": 5})
    passages = response.json().get("passages", ()) if response.is_success else ()
    return any(one["document"] == document.path and word in one["text"] for one in passages)


class FolderIndexer(Worker):
    """Changes a folder and runs `indexer ingest` on it, of which most runs are killed, beside the server's own."""

    def __init__(self, site: Site, book: Book, seed: int, pause: float, folder: Path, kills: float) -> None:
        super().__init__(site, book, seed, pause)
        self.folder, self.kills = folder, kills
        self.collection = f"folder{seed}"
        self.seconds = 3.0  # a run takes about as long
        folder.mkdir(parents=True, exist_ok=True)

    def work(self, client: httpx.Client, life: Life) -> None:
        self.change()
        begun = time.monotonic()
        process = self.site.indexer("ingest", "--json", "--prune", "--collection", self.collection, str(self.folder))
        seconds = self.chance.uniform(0.1, 1.0) * self.seconds if self.chance.random() < self.kills else math.inf
        if self.killed(process, begun + seconds, life):
            self.look()
            return
        output, said = process.communicate(timeout=RUN_SECONDS)
        if process.returncode == 0:
            self.seconds += 0.3 * (time.monotonic() - begun - self.seconds)
            self.acknowledge(json.loads(output))
        elif process.returncode == BusyError.exit_status:
            self.book.count("ingests that found another one at work")
        elif self.small_disk and process.returncode in (1, 2):
            self.book.count("ingests that ended on a full disk")
        elif not life.fate:
            self.book.breach(f"an ingest ended with status {process.returncode}: {said[-500:]}")
        if "Traceback" in said:
            self.book.breach(f"an ingest broke: {said[-500:]}")
        self.look()

    def change(self) -> None:
        """New versions of some files; now and then one is removed."""
        for number in self.chance.sample(range(FILES), FILES // 3):
            path = self.folder / f"rule-{number}.md"
            document = self.book.document(self.collection, path.name)
            if path.exists() and self.chance.random() < 0.2:
                path.unlink()
                document.begins(GONE)
            else:
                word = new_word()
                path.write_text(text_of(path.stem, word, SECTIONS), "utf-8")
                document.begins(word)

    def killed(self, process: "subprocess.Popen[str]", until: float, life: Life) -> bool:
        """Whether it still ran at this moment, and was killed; or some time after its server ended, when it loads the
        embedder itself, for which everybody waits."""
        alone = self.chance.choice((0.0, 0.0, 5.0, ALONE_SECONDS))
        before = cut_run(self.site.knowledge, self.collection)
        while process.poll() is None and time.monotonic() < until:
            if life.fate:
                until = min(until, time.monotonic() + alone)
                alone = math.inf  # it is counted once
            time.sleep(0.01)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            self.book.count("indexer kills")
            if cut_run(self.site.knowledge, self.collection) > before:
                self.book.count("indexer kills in the middle of a run")
            return process.returncode == -signal.SIGKILL
        return False

    def acknowledge(self, report: dict[str, list[dict[str, str]]]) -> None:
        """What the folder holds now is what its report stands for."""
        if not report["files"]:
            self.book.breach("an ingest of a folder reports no file")
        for document in self.book.documents_of(self.collection):
            path = self.folder / document.path
            text = path.read_text("utf-8") if path.exists() else ""
            document.acknowledged(next((word for word in document.may if word and word in text), GONE))
        self.book.count("ingests acknowledged")

    def look(self) -> None:
        """Each document is whole, in a version that it may have, at any moment after a kill."""
        found = indexed_words(self.site.knowledge)
        for document in self.book.documents_of(self.collection):
            word = found.get((document.collection, document.path), GONE)
            if word not in document.may:
                self.book.breach(f"{document.path} of the folder is {word or 'gone'}, not {sorted(document.may)}")
