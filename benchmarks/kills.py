"""SIGKILLs at random moments of ingest, replace, delete, remove and rebuild: nothing corrupt, nothing that was
acknowledged lost.

    python -m benchmarks.kills [--kills 500] [--seed 1] [--folder FOLDER]

Without a server and a model: vectors count words, so that a run takes a second and most of it is writing. Each run is a
process of its own. Before it files are written anew, added and taken away; the run takes them up, or removes one by
hand, or rebuilds for another size of passages, and is killed at a moment of chance or comes to its end. After each end
`indexer verify` has to find nothing, and each document has to be whole, in the version that was acknowledged or in one
that was under way. In the end a rebuild and an ingest are left alone, and everything has to be there. The last line is
JSON; ends with status 1 where anything did not hold. benchmarks/soak does the same with the real server and models.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlmodel import Session, col, func, select

from benchmarks.soak.book import GONE, Book, Document, new_word
from benchmarks.soak.inspection import damage, indexed_words
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.generations import rebuild_under_way
from indexer.knowledge.tables import Chunk, IndexInfo, Rebuilt
from indexer.settings import IndexerSettings
from indexer.verify import verify_index

ROOT = Path(__file__).parents[1]
FILES = 10
SIZES = (64, 128, 256)  # tokens of a passage
KILLED = 0.85  # of the runs; the others come to their end and are acknowledged
LONGEST = {"ingest": 2.5, "remove": 0.6, "rebuild": 1.6}  # seconds after its beginning in which a run is killed

RUN = """
import sys, time
from pathlib import Path
from indexer import rebuild as rebuilding
from indexer import ingest as ingesting
from indexer.knowledge import generations
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.removal import known_files, named_files
from indexer.knowledge.trash import delete_files
from indexer.settings import IndexerSettings
from tests.word_embedder import WordEmbedder

class SlowEmbedder(WordEmbedder):
    def encode_chunks(self, chunks):
        time.sleep(0.01 * len(chunks))
        return super().encode_chunks(chunks)

ingesting.BATCH_CHUNKS = rebuilding.BATCH_CHUNKS = 4
rebuilding.AT_ONCE, rebuilding.CLEARED_TOGETHER, generations.REMOVED_AT_ONCE = 3, 2, 5
what, data, size, where = sys.argv[1:]
settings = IndexerSettings(data=Path(data), chunk_tokens=int(size))
engine = open_knowledge(settings)
print("begun", flush=True)
if what == "ingest":
    ingesting.ingest([Path(where)], settings, engine, SlowEmbedder, prune=True)
elif what == "remove":
    scope = Catalog(engine).everything()
    files = named_files(known_files(engine, scope), [where]).files
    delete_files(settings, engine, [file.entry_id for file in files], scope, False)
else:
    rebuilding.rebuild_index(settings, engine, SlowEmbedder())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where data and documents are kept; temporary if not given")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = Kills(arguments.folder or Path(temporary), arguments.seed).run(arguments.kills)
    print(json.dumps(figures))
    sys.exit(bool(figures["broken"]))


class Kills:
    """Runs over one data folder and one folder of documents."""

    def __init__(self, place: Path, seed: int) -> None:
        self.data, self.folder = place / "data", place / "documents"
        self.folder.mkdir(parents=True)
        self.chance = random.Random(seed)
        self.book = Book(tell)
        self.removed: dict[
            str, str
        ] = {}  # file -> its word when it was removed by hand: until it changes it is left alone
        self.size = SIZES[-1]  # of the rebuild that is wanted

    def run(self, kills: int) -> dict[str, object]:
        counts, started = self.book.counts, time.monotonic()
        while counts["kills"] < kills:
            self.step()
            self.look()
            if counts["kills"] % 20 == 0:
                tell(f"{counts['kills']} kills, {len(self.book.broken)} breaches")
        for what in ("rebuild", "ingest"):
            self.let(what, str(self.folder), whole=True)
        self.look()
        self.book.breach(*(f"in the end there is {one}" for one in self.left()))
        return {
            "benchmark": "kills",
            "seconds": round(time.monotonic() - started, 1),
            "counts": dict(sorted(counts.items())),
            "broken": self.book.broken,
        }

    def step(self) -> None:
        """One run, killed or not."""
        what = self.chance.choices(("ingest", "remove", "rebuild"), (5, 1, 4))[0]
        if what == "ingest":
            self.change()
            self.let(what, str(self.folder))
        elif what == "rebuild":
            if self.chance.random() < 0.2:
                self.size = self.chance.choice(SIZES)
            self.let(what, "")
        elif known := [one for one in self.documents() if one.word]:
            self.remove(self.chance.choice(known))

    def documents(self) -> list[Document]:
        return self.book.documents_of(self.folder.name)

    def change(self) -> None:
        for number in self.chance.sample(range(FILES), 4):
            path = self.folder / f"{number}.md"
            document = self.book.document(self.folder.name, path.name)
            if path.exists() and self.chance.random() < 0.25:
                path.unlink()
                document.begins(GONE)
            else:
                word = new_word()
                path.write_text(f"# {number}\n\nIts word is {word}.\n\n" + f"Rule {number} of many. " * (number * 30))
                document.begins(word)
            self.removed.pop(path.name, None)

    def remove(self, document: Document) -> None:
        word = document.word or ""
        if word not in self.text(document):
            return  # the file is newer than what is indexed: it would be read again
        document.begins(GONE)
        self.removed[document.path] = word
        if self.let("remove", str(self.folder / document.path)):
            document.acknowledged(GONE)

    def let(self, what: str, where: str, whole: bool = False) -> bool:
        """Run it; whether it came to its end."""
        size = self.size if what == "rebuild" else self.searched_size()
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", RUN, what, str(self.data), str(size), where],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        if not whole and self.chance.random() < KILLED:
            try:
                process.wait(self.chance.uniform(0, LONGEST[what]))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        _, said = process.communicate()
        if process.returncode == -signal.SIGKILL:
            self.book.count("kills")
            self.book.count(f"kills of {what}")
            return False
        if process.returncode:
            self.book.breach(f"{what} ended with {process.returncode}: {said[-300:]}")
            return False
        self.book.count(f"{what} acknowledged")
        if what == "ingest":
            self.acknowledge()
        return True

    def acknowledge(self) -> None:
        """What the folder holds is what has to be found."""
        for document in self.documents():
            text = self.text(document)
            word = next((one for one in document.may if one and one in text), GONE)
            if document.path not in self.removed:
                document.acknowledged(word)

    def text(self, document: Document) -> str:
        path = self.folder / document.path
        return path.read_text("utf-8") if path.exists() else ""

    def searched_size(self) -> int:
        with Session(open_knowledge(IndexerSettings(data=self.data))) as session:
            info = session.get(IndexInfo, "chunk_tokens")
        return int(info.value) if info else self.size

    def look(self) -> None:
        """With nothing at work."""
        settings = IndexerSettings(data=self.data, chunk_tokens=self.searched_size())
        engine = open_knowledge(settings)
        self.book.breach(*verify_index(settings, engine), *damage(settings.knowledge_path))
        with Session(engine) as session:
            under_way = rebuild_under_way(session)
        self.book.count(f"looks with a rebuild {under_way.phase}" if under_way else "looks without a rebuild")
        engine.dispose()
        found = indexed_words(settings.knowledge_path)
        for document in self.documents():
            word = found.get((document.collection, document.path), GONE)
            if word not in document.may:
                self.book.breach(f"{document.path} is {word or 'gone'}, not {sorted(document.may)}")

    def left(self) -> list[str]:
        """What a rebuild that came to its end leaves nothing of."""
        engine = open_knowledge(IndexerSettings(data=self.data))
        with Session(engine) as session:
            generations = session.exec(select(func.count(func.distinct(Chunk.generation)))).one()
            notes = session.exec(select(func.count(col(Rebuilt.document_id)))).one()
            under_way = rebuild_under_way(session)
        engine.dispose()
        left = {"another generation": generations > 1, "a note": notes > 0, "a rebuild": under_way is not None}
        return [what for what, is_there in left.items() if is_there]


def tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
