"""Who changes the documents: uploads, deletions and restores through the page; `indexer ingest` of a folder.

Every text holds one word that stands nowhere else, so that a look at what is indexed tells which version it is.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.soak.askers import Worker
from benchmarks.soak.book import GONE, Book, Document, new_word
from benchmarks.soak.indexers import IndexerWorker
from benchmarks.soak.inspection import cut_run, indexed_words
from benchmarks.soak.place import Life, Site

FILES = 12  # of an editor, and of the folder that is ingested
SECTIONS = 6  # of a document: enough to embed for a kill to come in the middle of it
REMOVALS = 0.5  # of ingests that were acknowledged
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


class FolderIndexer(IndexerWorker):
    """Changes a folder and runs `indexer ingest` on it, and now and then removes one of its documents by hand."""

    def __init__(self, site: Site, book: Book, seed: int, pause: float, folder: Path, kills: float) -> None:
        super().__init__(site, book, seed, pause, kills)
        self.folder = folder
        self.collection = f"folder{seed}"
        self.removed: set[str] = set()  # files that were removed as they are: an ingest leaves them alone
        folder.mkdir(parents=True, exist_ok=True)

    def work(self, client: httpx.Client, life: Life) -> None:
        self.change()
        before = cut_run(self.site.knowledge, self.collection)
        output = self.command(
            life, 3.0, "ingest", "--json", "--prune", "--collection", self.collection, str(self.folder)
        )
        if output is not None:
            self.acknowledge(json.loads(output))
            if self.chance.random() < REMOVALS:
                self.remove(life)
        elif cut_run(self.site.knowledge, self.collection) > before:
            self.book.count("indexer kills in the middle of a run")
        self.look()

    def remove(self, life: Life) -> None:
        """A document that is as its file is, so that the next ingest leaves it alone."""
        known = [one for one in self.book.documents_of(self.collection) if one.word]
        if not known:
            return
        document = self.chance.choice(known)
        document.begins(GONE)
        self.removed.add(document.path)
        if self.command(life, 1.0, "remove", "--json", str(self.folder / document.path)) is not None:
            document.acknowledged(GONE)
            self.book.count("removals acknowledged")

    def change(self) -> None:
        """New versions of some files; now and then one is removed."""
        for number in self.chance.sample(range(FILES), FILES // 3):
            path = self.folder / f"rule-{number}.md"
            document = self.book.document(self.collection, path.name)
            self.removed.discard(path.name)
            if path.exists() and self.chance.random() < 0.2:
                path.unlink()
                document.begins(GONE)
            else:
                word = new_word()
                path.write_text(text_of(path.stem, word, SECTIONS), "utf-8")
                document.begins(word)

    def acknowledge(self, report: dict[str, list[dict[str, str]]]) -> None:
        """What the folder holds now is what its report stands for."""
        if not report["files"]:
            self.book.breach("an ingest of a folder reports no file")
        for document in self.book.documents_of(self.collection):
            if document.path in self.removed:
                continue
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
