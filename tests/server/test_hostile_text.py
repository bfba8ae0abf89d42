"""Text of strangers is inert wherever the templates show it: the places are read from the templates themselves."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from server.settings import ServerSettings
from server.templating import ASSETS
from tests.tiny_site import Site, add_document

TEMPLATES = sorted((ASSETS / "templates").glob("*.html"))
SAFE = {"html|safe"}
"""What is put in unescaped: only an answer's HTML, which has passed the allow-list of server/render.py."""
TAGS = "<script>alert(1)</script><img src=https://evil.example/p onerror=alert(2)>"
EVIL = f"{TAGS}\" onmouseover='x' \u202eabc\u200b\x1b[31m"
ADDRESS = re.compile(r'\b(href|src|action|formaction|hx-get|hx-post|sse-connect)="([^"]*\{\{[^"]*)"')
OWN_ADDRESS = re.compile(r"(?:/|#|\{\{ (?:card\.href|address\b.*|static\('[\w./-]+'\)) \}\})")


class Page(HTMLParser):
    """The elements of a page, with what could run or fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "script" and not values.get("src", "").startswith("/static/"):
            self.wrong.append(tag)
        self.wrong += [f"{tag} {name}" for name in values if name.startswith(("on", "hx-on", "style"))]
        for name in ("src", "href", "action", "formaction", "hx-get", "hx-post"):
            if name in values and not values[name].startswith(("/", "#")):
                self.wrong.append(f"{tag} {name}={values[name]}")
        if tag in ("img", "iframe", "object", "embed", "base"):
            self.wrong.append(tag)


@pytest.fixture
def site(settings: ServerSettings) -> Site:
    return Site(settings)


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(site.app(), base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_place_in_a_template_is_escaped_and_quoted(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    places = re.findall(r"\{\{\s*(.*?)\s*\}\}", text)
    assert {place for place in places if re.search(r"\|\s*safe", place)} <= SAFE
    assert "autoescape" not in text
    unquoted = re.sub(r'"[^"]*"', '""', re.sub(r"\{%.*?%\}", "", text))
    assert not re.search(r"=\s*\{\{", unquoted), "an attribute without quotes"
    wrong = [value for _name, value in ADDRESS.findall(text) if not OWN_ADDRESS.match(value)]
    assert wrong == [], "an address that may begin with a stranger's words"


def test_hostile_words_are_inert_in_every_page(client: TestClient, site: Site, tmp_path: Path) -> None:
    document = add_document(
        site.engine,
        tmp_path,
        f"{EVIL}.txt".replace("/", "-"),
        EVIL,
        [("heading", f"{EVIL} is this?", 1, None), ("paragraph", EVIL, 0, None)],
    )
    addresses = []
    for question in (EVIL, "hostile", "unknown " + EVIL, f"fail {EVIL}"):
        response = client.post("/ask", data={"question": question}, follow_redirects=False)
        addresses.append(response.headers["location"].partition("#")[0])
    turn = re.search(r'id="turn-(\d+)"', client.get(addresses[0]).text)
    assert turn
    again = {"question": EVIL, "conversation": addresses[0][3:], "instead_of": turn[1]}
    client.post("/ask", data=again)
    client.post(f"{addresses[0]}/title", data={"title": EVIL})
    said = client.post(f"/turns/{turn[1]}/feedback", data={"value": "-1", "remark": EVIL}, headers={"HX-Request": "1"})
    deleted = client.post(f"{addresses[1]}/delete")
    pages = [said, deleted, *(client.get(path) for path in ("/", *addresses, f"/documents/{document}?start=0&end=9"))]
    pages += [client.get("/conversations", params={"search": EVIL}), client.get("/login", params={"next": EVIL})]
    pages.append(client.get("/conversations", params={"search": EVIL}, headers={"HX-Request": "1"}))
    assert sum("&lt;script&gt;" in page.text for page in pages) >= 7  # it is there to be read
    for page in pages:
        assert Page(page.text).wrong == [], page.url
