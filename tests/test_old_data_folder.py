"""A data folder that commit 9eed23b wrote opens and answers as it did then.

`data/data-folder-9eed23b.tar.xz` holds that folder and, beside it, the documents of an invented ferry company that it
was made of. `data/data-folder-9eed23b.json` holds what that commit's code found, answered and showed. They stand for
the folders that people have, so they are never made anew. Where a page says the same in other markup, change how it is
read here; where an answer changes on purpose, change that answer in the JSON and say why in the commit.
"""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import lxml.html
import pytest
from itsdangerous import URLSafeTimedSerializer

from indexer.evaluate.folder import running_server
from server.settings import ServerSettings

pytestmark = pytest.mark.models

ARCHIVE = Path(__file__).parent / "data" / "data-folder-9eed23b.tar.xz"
EXPECTED: dict[str, Any] = json.loads(ARCHIVE.with_name("data-folder-9eed23b.json").read_text(encoding="utf-8"))
MADE_IN = "/srv/tallowmere"  # where the folder lay: the databases name absolute folders
WAIT = 120  # seconds that a command may take
SCORE = 5e-4  # scores agree to the third digit

Seen = dict[str, Any]


def unpacked(place: Path) -> Path:
    """The company's folders at a place, named in the database as if they had always been there."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    with closing(sqlite3.connect(place / "data" / "knowledge.db")) as knowledge, knowledge:
        for table in ("document", "ledger"):
            knowledge.execute(f"UPDATE {table} SET root = replace(root, ?, ?)", (MADE_IN, str(place.resolve())))  # noqa: S608
    return place


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tests below open with a server, and none of them changes."""
    return unpacked(tmp_path_factory.mktemp("tallowmere"))


@contextmanager
def served(company: Path) -> Iterator[httpx.Client]:
    """The browser of the one whose conversations these are, before a server on the company's data folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DOCENT_")]:
            patch.delenv(name)
        patch.setenv("HF_HUB_OFFLINE", "1")
        settings = ServerSettings(data=company / "data")
        with running_server(settings) as url, browser(url, settings.data, EXPECTED["owner"]) as client:
            yield client


@pytest.fixture(scope="module")
def owner(company: Path) -> Iterator[httpx.Client]:
    with served(company) as client:
        yield client


def browser(url: str, data: Path, owner: str) -> httpx.Client:
    """A browser with a cookie as the old code signed it."""
    secret = (data / "secret").read_bytes()
    name = f"docent_{hashlib.sha256(b'name' + secret).hexdigest()[:8]}"
    value = URLSafeTimedSerializer(secret, salt="docent.session").dumps({"owner": owner, "proof": ""})
    return httpx.Client(base_url=url, cookies={name: str(value)}, trust_env=False, timeout=WAIT)


def run(company: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCENT_")}
    environment = {**kept, "DOCENT_DATA": str(company / "data"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command], env=environment, capture_output=True, text=True, timeout=WAIT
    )


# What is the same as then


@pytest.mark.parametrize("expected", EXPECTED["searches"], ids=lambda expected: expected["query"])
def test_a_search_finds_the_same_places(owner: httpx.Client, expected: Seen) -> None:
    found = searched(owner, expected)
    assert found["passages"] == [
        {**passage, "score": pytest.approx(passage["score"], abs=SCORE)} for passage in expected["passages"]
    ]


@pytest.mark.parametrize("expected", EXPECTED["answers"], ids=lambda expected: expected["question"])
def test_a_question_has_the_same_answer(owner: httpx.Client, expected: Seen) -> None:
    assert answered(owner, expected["question"]) == {name: expected[name] for name in expected if name != "question"}


def test_the_command_gives_the_same_answer(company: Path, owner: httpx.Client) -> None:
    expected = EXPECTED["answers"][0]
    printed = json.loads(run(company, "server", "ask", expected["question"], "--json").stdout)
    assert {**expected, **{name: printed[name] for name in expected if name != "question"}} == expected


@pytest.mark.parametrize("address", EXPECTED["turns"])
def test_a_conversation_shows_the_same_turns(owner: httpx.Client, address: str) -> None:
    assert turns(owner, address) == as_documents(EXPECTED["turns"][address])


@pytest.mark.parametrize("address", EXPECTED["citations"])
def test_a_citation_opens_at_the_same_words(owner: httpx.Client, address: str) -> None:
    assert opened(owner, address) == EXPECTED["citations"][address]


def test_the_list_holds_the_same_conversations(owner: httpx.Client) -> None:
    assert listed(owner) == EXPECTED["conversations"]
    assert {word: listed(owner, word) for word in EXPECTED["holding"]} == EXPECTED["holding"]


@pytest.mark.parametrize("name", ["other_conversation", "deleted_conversation"])
def test_what_is_not_the_owners_or_was_deleted_is_not_found(owner: httpx.Client, name: str) -> None:
    assert owner.get(EXPECTED[name]).status_code == 404


def test_a_follow_up_in_an_old_conversation_has_the_same_answer(tmp_path: Path) -> None:
    expected = EXPECTED["follow_up"]
    form = {"question": expected["question"], "conversation": expected["conversation"], "collection": ""}
    address = f"/c/{expected['conversation']}"
    with served(unpacked(tmp_path)) as owner:
        assert owner.post("/ask", data=form).status_code == 303
        assert turns(owner, address) == as_documents([*EXPECTED["turns"][address], expected["turn"]])


def test_files_have_the_same_states_and_reasons(company: Path, owner: httpx.Client) -> None:
    assert files(owner) == EXPECTED["files"]  # each once: no row stands beside the line that it is folded into
    said = json.loads(run(company, "indexer", "status", "--json").stdout)
    assert said["not_indexed"] == EXPECTED["status"]["not_indexed"]
    for now, then in zip(said["collections"], EXPECTED["status"]["collections"], strict=True):
        assert {name: now[name] for name in then} == then  # it says more now


def test_judged_answers_are_exported_as_they_were(company: Path, owner: httpx.Client, tmp_path: Path) -> None:
    assert run(company, "server", "feedback", "export", str(tmp_path)).returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [{name: row[name] for name in EXPECTED["feedback"][0]} for row in rows] == EXPECTED["feedback"]


def test_everything_derived_is_true_and_stays_so_after_another_ingest(tmp_path: Path) -> None:
    """Newer readers read every file again, once, and what was deleted by hand stays away."""
    company = unpacked(tmp_path)
    assert run(company, "indexer", "verify").stdout == "Every chunk and index agrees with the documents.\n"

    def ingested() -> list[list[str]]:
        done = run(company, "indexer", "ingest", str(company / "handbook"), "--json")
        return sorted([file["document"], file["state"]] for file in json.loads(done.stdout)["files"])

    again = [[path, "unchanged" if state == "indexed" else state] for path, state in ingested()]
    assert again == EXPECTED["ingested_again"]
    assert ingested() == EXPECTED["ingested_again"]
    assert run(company, "indexer", "verify").returncode == 0


# What is compared: the maker of the JSON read the old pages with these very functions.


def searched(client: httpx.Client, asked: Seen) -> Seen:
    """The places that a search finds."""
    body = {"query": asked["query"], "history": asked["history"], "collections": asked["collections"], "top_k": 6}
    passages = client.post("/v1/search", json=body).raise_for_status().json()["passages"]
    named = ("document", "heading", "page", "start", "end", "score")
    return {**asked, "passages": [{name: passage[name] for name in named} for passage in passages]}


def answered(client: httpx.Client, question: str) -> Seen:
    """What `docent ask --json` prints, but for times and tokens."""
    body = {"model": "docent", "messages": [{"role": "user", "content": question}]}
    completion = client.post("/v1/chat/completions", json=body).raise_for_status().json()
    docent = completion["docent"]
    return {
        "answer": completion["choices"][0]["message"]["content"],
        "answered": docent["answered"],
        "mode": docent["mode"],
        "citations": [quoted(citation) for citation in docent["citations"]],
    }


def quoted(citation: Seen) -> Seen:
    return {name: citation[name] for name in ("n", "document", "title", "page", "quote", "start", "end")}


def turns(client: httpx.Client, address: str) -> list[Seen]:
    """What a conversation's page shows of each turn.

    Its sources and closest passages are documents: a card opens at one sentence now.
    """
    page = lxml.html.fromstring(client.get(address).raise_for_status().text)
    return [turn(article) for article in page.xpath("//article[contains(@class, 'turn')]")]


def turn(article: Any) -> Seen:
    answer = article.xpath(".//div[contains(@class, 'answer')]")
    cited = [link for part in answer for link in part.xpath(".//a[starts-with(@href, '/citations/')]")]
    seen: Seen = {
        "id": article.get("id"),
        "state": article.get("data-state"),
        "question": words(article.xpath(".//h2")),
        "version": words(article.xpath(".//nav[@class='versions']/span")),
        "citations": addresses(answer),
        "marks": [words(link.xpath("text()")) for link in cited],
        "sources": without_query(addresses(article.xpath(".//div[@class='sources']"))),
        "closest": without_query(addresses(article.xpath(".//section[@class='closest']"))),
        "failure": words(article.xpath(".//*[contains(@class, 'failure')]")),
        "judged": article.xpath(".//button[@aria-pressed='true']/@aria-label"),
        "unsupported": [words([weak]) for part in answer for weak in part.xpath(".//*[@class='weak']")],
    }
    for extra in [*cited, *(tip for part in answer for tip in part.xpath(".//*[@role='tooltip']"))]:
        extra.drop_tree()  # what opens beside the mark is a copy of the quoted words
    return {**seen, "answer": words(answer)}


def opened(client: httpx.Client, address: str) -> Seen:
    """The page of a citation: which document, and the words that are marked in it, or their copy."""
    page = lxml.html.fromstring(client.get(address, params={"text": True}).raise_for_status().text)
    return {
        "title": words(page.xpath("//div[@class='source-name']/h1")),
        "path": ", ".join(words([part]) for part in page.xpath("//div[@class='source-name']/p/span")),
        "marked": words(page.xpath("//mark")),
        "copied": words(page.xpath("//blockquote")),
        "original": bool(page.xpath("//div[@class='source-tools']/a[contains(@href, '/original')]")),
    }


def listed(client: httpx.Client, search: str = "") -> list[str]:
    """Addresses of the conversations in the list, newest first."""
    page = lxml.html.fromstring(client.get("/conversations", params={"search": search}).raise_for_status().text)
    return without_query(addresses(page.xpath("//*[@id='conversations']")))


def files(client: httpx.Client) -> list[str]:
    """The rows of the documents page and of those that it folds into a line: title and path, collection, type, pages,
    state and reason."""
    page = listing(client, "/documents")
    folded = page.xpath("//details[@class='unread-kinds']//a/@href")
    rows = [row for one in (page, *(listing(client, address) for address in folded)) for row in one.xpath("//tbody/tr")]
    cells = "td[not(@data-label='Size' or @data-label='When' or @class='choose' or @class='actions')]"
    return sorted(" | ".join(words(cell.xpath(".//text()"), " / ") for cell in row.xpath(cells)) for row in rows)


def listing(client: httpx.Client, address: str) -> Any:
    return lxml.html.fromstring(client.get(address).raise_for_status().text)


def words(found: list[Any], between: str = " ") -> str:
    """The text of elements (or texts) with single spaces; those that are blank are left out."""
    texts = [" ".join((one if isinstance(one, str) else one.text_content()).split()) for one in found]
    return between.join(text for text in texts if text)


def addresses(elements: list[Any]) -> list[str]:
    """Where the links inside lead, each once, without what stands behind a #."""
    found = [link for element in elements for link in element.xpath(".//a/@href")]
    return list(dict.fromkeys(link.partition("#")[0] for link in found if not link.startswith("#")))


def without_query(links: list[str]) -> list[str]:
    return list(dict.fromkeys(link.partition("?")[0] for link in links))


def as_documents(turns: list[Seen]) -> list[Seen]:
    """Turns as they were seen, each with the documents that its sources and closest passages lead to."""
    return [turn | {name: without_query(turn[name]) for name in ("sources", "closest")} for turn in turns]
