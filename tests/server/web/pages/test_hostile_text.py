"""Text of strangers is inert wherever the templates show it: the places are read from the templates themselves."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import get_args

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.knowledge.calibration import keep_labelled
from indexer.knowledge.database import writing
from server.answering.brief import Brief, BriefText
from server.answering.events import Citation, Meanwhile, Progress, Sources, Text
from server.conversations.asked_of import AskedOf
from server.library.job import Job
from server.runtime.model_arrival import Arrival, Stage
from server.settings import ServerSettings
from server.views.brief_view import Line, how_much, shown_brief, shown_texts
from server.views.choosing import choice
from server.views.library_view import RunLine, job_lines
from server.views.presentation import cards
from server.views.wording import indexing
from server.web.pages.choice import TOO_MANY
from server.web.pages.conversation import LATER
from server.web.pages.settings import SAVED
from server.web.pages.turn_html import TurnStream
from server.web.templating import ASSETS, fragment
from tests.hostile import MARK, MODEL_FILE, QUESTION, UPLOAD_INTO, HostileSite, addresses, hostile, write_conversations
from tests.places import TEMPLATES, Place, Record, all_places, recorded
from tests.places import places as places_of
from tests.waiting import until

HTMX = {"HX-Request": "true"}
FETCHED = ("src", "srcset", "href", "action", "formaction", "hx-get", "hx-post", "sse-connect")
PICTURE = re.compile(r"/documents/\d+/pages/\d+\?width=\d+")
RUN = ("style", "srcdoc", "data", "poster", "background", "ping")
OWN_ADDRESSES = (
    "address",
    "at",
    "card.href",
    "heading.href",
    "line.href",
    "quote.href",
    "static(",
    "links.",
    "sheet.address",
)
"""What an address may begin with, besides words of the template: Docent makes these, and they begin with a slash."""

OWN = """
_also_in.html: line.words
_again.html: turn.conversation_id
_arrival.html: do
_arrival_now.html: arrival.stage
_asked.html: conversation
_asking.html: at, chip.off, choice.problem
_blocks.html: address
_brief.html: line.href, how_much, heading.place, heading.href
_brief_summary.html: shown.how_much
_composer.html: conversation
_conversations.html: day, line.id, line.when
_edit.html: turn.conversation_id
_examples.html: ask_for_examples
_deleted_file.html: undo.words, undo.moment
_files.html: name|lower, unseen.words, unseen.until, words, file.size, line.words, line.more, unread.words
_files.html: address(state='skipped', part=1), file.state_name, file.exactly, file.verb, file.when
_files.html: indexer, total_words
_follow_ups.html: turn.conversation_id
_heading.html: turn.conversation_id
_indexed.html: indexed, indexing
_meanwhile.html: quote.href
_menu.html: conversation
_progress.html: job.summary, state, job
_quotes.html: quote.href
_searched.html: turn.conversation_id
_sheets.html: links.before, links.text, links.page, links.after, sheet.address, sheet.addresses, sheet.words
_source.html: note, links.page, links.text, links.kept, pages.problem
_sources.html: card.href, card.kind, language
_turn.html: turn.state, turn.mode, card.href, item.took
_undo.html: deleted.id
_versions.html: turn.conversation_id
_welcome.html: indexed, indexing, indexer
base.html: theme, name, label
collection.html: files, what
documents.html: query.state, endings, successors
language_model.html: offered.name, offered.title, offered_size
settings.html: said, fixed, refusals.now, one.value, one.words, refusals.note, told('model'), told('refusals')
settings.html: told('password'), told('no-password'), elsewhere(models.fixed), elsewhere(refusals.fixed)
settings.html: elsewhere(password.fixed), only_shown()
status.html: name, verdict, line.state, line.name, line.word, one.size, with_commands(one.note)
status.html: figures_list(figures), figures_list(memory), figures_list(kept)
"""
"""Places that show only words of Docent's own. Every other place must show a stranger's words, or only numbers."""


def own_places() -> set[str]:
    lines = [line.partition(": ") for line in OWN.strip().splitlines()]
    return {
        f"{template}: {expression}" for template, _, names in lines for expression in re.split(r", (?![^(]*\))", names)
    }


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
        for name in FETCHED:
            if name in values and not values[name].startswith(("/", "#")):
                self.wrong.append(f"{tag} {name}={values[name]}")
        if tag in ("iframe", "object", "embed", "base"):
            self.wrong.append(tag)
        if tag == "img" and not PICTURE.fullmatch(values.get("src", "")):
            self.wrong.append(f"img {values}")


@pytest.fixture(scope="module")
def places() -> list[Place]:
    return all_places()


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Record]:
    """Every page and fragment of a hostile site, and what each place of the templates showed on the way."""
    settings = ServerSettings(data=tmp_path_factory.mktemp("hostile") / "data", port=0, keep_conversations_days=30)
    site = HostileSite(settings)
    with (
        recorded() as record,
        TestClient(site.app(), base_url="http://localhost") as client,
        writing(site.settings),  # so that the run of the site goes on
    ):
        return list(tour(client, site)), record


def tour(client: TestClient, site: HostileSite) -> Iterator[str]:
    def post(address: str, form: dict[str, str]) -> tuple[str, str]:
        answer = client.post(address, data=form)
        return answer.url.path, answer.text

    for address, html in write_conversations(post):
        yield html
        yield client.get(address).text
    yield from in_passing(client, site)
    for file in ("good.md", "bad.md"):
        sent = client.post(
            "/documents/upload", data={"collection": UPLOAD_INTO}, files={"files": (file, b"# Words")}, headers=HTMX
        )
        yield sent.text
        until(lambda: not site.live.jobs.any_open)
    for address in addresses():
        page = client.get(address)
        if page.headers["Content-Type"].startswith("text/html"):  # and not an original file, which is sent as it is
            yield page.text
            yield client.get(address, headers=HTMX).text
    yield from arriving(client, site)
    for address in ("/documents/2?first=9&last=12&part=1", "/documents/1?start=0&end=9&first=0&last=3&part=1"):
        yield client.get(address, headers=HTMX).text
    deleted = client.post("/documents/files/1/delete?q=zq")
    yield deleted.text
    yield client.post("/documents/files/2/delete?q=zq", headers=HTMX).text
    yield client.get("/documents?state=deleted&q=zq").text
    yield from several(client, site)
    yield from settings_pages(client, site)


def several(client: TestClient, site: HostileSite) -> Iterator[str]:
    """What is done with several files and with collections, and work that goes on, in words."""
    yield client.get(f"/documents?q={MARK}", headers=HTMX).text
    for id_ in (1, 2):
        yield client.get(f"/documents/collections/{id_}").text
    chosen = {"file": ["3", "4"], "do": "move", "into": "2"}
    yield client.post("/documents/several?q=zq", data=chosen, headers=HTMX).text
    yield client.post("/documents/several?q=zq", data={"file": ["5"], "do": "delete"}, headers=HTMX).text
    job = Job(hostile("job"), [])
    yield fragment(
        "_progress.html",
        runs=[RunLine(hostile("running"), 1, 2, job.id)],
        jobs=[job_lines([job], running_now=False)[0]],
    )
    empty = {"files": [], "states": {}, "is_empty": True, "unseen": None, "unread": None, "indexer": "indexer"}
    yield fragment("_files.html", **empty)
    yield fragment("_welcome.html", documents=0, indexing="", indexer="indexer", deleted=None)


def settings_pages(client: TestClient, site: HostileSite) -> Iterator[str]:
    """The settings as they can be changed, as they were, as others see them, and as they are set elsewhere."""
    for saved in SAVED:
        yield client.get(f"/settings?saved={saved}").text
    site.live.may_operate = lambda _request: False
    yield client.get("/settings").text
    site.live.may_operate = lambda _request: True
    keep_labelled(site.engine, [0.5])
    site.live.settings = site.live.settings.model_copy(
        update={"model": MODEL_FILE, "false_refusals": 0.03, "password": SecretStr("x")}
    )
    yield client.get("/settings").text


def arriving(client: TestClient, site: HostileSite) -> Iterator[str]:
    """A language model that is fetched, in each of its states, named and failing in hostile words."""
    site.live.generator = None
    for stage in get_args(Stage):
        site.live.arrival.become(Arrival(stage, hostile("arriving"), 5, 10, hostile("why"), hostile("advice")))
        for address in ("/", "/status", "/language-model"):
            yield client.get(address).text
        for shown in (stage, "another"):
            yield client.get(f"/language-model/arrival?stage={shown}", headers=HTMX).text
        for do in ("cancel", "again"):
            yield client.post(f"/language-model/{do}", headers=HTMX).text


def in_passing(client: TestClient, site: HostileSite) -> Iterator[str]:
    """What is shown for a moment: a running turn, its stream, a thank-you, the parts of an answer."""
    running = client.post("/ask", data={"question": f"{QUESTION} hold"}, headers=HTMX)
    yield running.text
    turn = re.findall(r'id="turn-(\d+)"', running.text)[-1]
    yield client.get(running.headers["HX-Push-Url"]).text
    yield client.post(f"/turns/{turn}/stop").text
    for part in ("edit", "heading"):
        yield client.get(f"/turns/{turn}/{part}", headers=HTMX).text
    yield client.get(f"/turns/{turn}/events").text
    yield client.post(f"/turns/{turn}/feedback", data={"value": "-1", "remark": ""}, headers=HTMX).text
    said = client.post(f"/turns/{turn}/feedback", data={"value": "-1", "remark": hostile("remark")}, headers=HTMX)
    yield said.text
    yield fragment("_indexed.html", documents=0, indexed="", indexing=indexing(1, 2))
    yield fragment("_welcome.html", documents=0, indexing=indexing(1, 2), deleted=None)
    chosen = choice(AskedOf(hostile("second"), 2), problem=TOO_MANY)
    yield fragment("_examples.html", examples=[], ask_for_examples=LATER, choice=chosen)
    yield fragment("_asking_changed.html", choice=chosen, at="/", first=True, examples=[])
    yield client.get(f"/turns/{turn}/next").text
    yield from in_brief()
    for number in range(1, 5):
        for headers in ({}, HTMX):
            yield client.get(f"/citations/{number}", headers=headers).text
    conversations = client.app.state.services.conversations  # type: ignore[attr-defined]
    view = conversations.judged()[0][0]
    yield fragment("_follow_ups.html", turn=view, questions=[hostile("follow")])
    yield fragment("_sources.html", turn=view, sources=cards(view.evidence), language="It seems to be in German.")
    progress = [Progress(stage, 1, 2, hostile("detail")) for stage in ("searching", "loading", "queued", "reading")]
    meanwhile = Meanwhile(view.quotes[0].citation)
    for event in (*progress, Sources(view.evidence), meanwhile, Text(hostile("streamed"))):
        yield from (str(message.raw_data) for message in TurnStream(view, 0).messages([(1, event)]))


def in_brief() -> Iterator[str]:
    """A document in brief in each of its states, in hostile words."""
    cited = Citation(
        1, 0, 1, 1, hostile("path"), hostile("title"), hostile("heading"), None, 0, 9, hostile("quote"), hostile("root")
    )
    text = BriefText(f"[1] {hostile('brief')}", (cited,), hostile("place"))
    lines = [Line(hostile("line"), hostile("place"), "/documents/1")]
    state = {
        "gone": False,
        "document_id": 1,
        "shown": None,
        "running": False,
        "can_write": True,
        "panel": True,
        "ended": "",
        "why": hostile("why"),
        "texts": shown_texts([text]),
        "how_far": hostile("far"),
    }
    for changed in (
        {"shown": shown_brief(Brief(text, (text,), 5, 100, hostile("generator")))},
        *({"running": True}, {"ended": "failed"}, {"ended": "stopped"}, {"gone": True}),
    ):
        yield fragment("_brief_summary.html", **{**state, **changed})
    words = {"title": hostile("title"), "path": hostile("path"), "sentences": lines, "how_much": how_much(5, 100)}
    heading = Line(hostile("line"), "page 2", "/documents/1")
    yield fragment("_brief.html", **state, **words, outline=[heading], more_headings=3, has_model=False)


def test_every_place_that_shows_text_has_shown_a_strangers(
    places: list[Place], toured: tuple[list[str], Record]
) -> None:
    """A place that fails here is new: give tests/hostile.py a hostile text that reaches it, or add it to OWN."""
    shown, own = toured[1].shown, own_places()
    unseen, unharmed, unsafe = [], [], []
    for place in places:
        values = shown.get(place.key, set())
        text = [value for value in values if isinstance(value, str) and value]
        if not values:
            unseen.append(place.name)
        elif any(MARK in value for value in text):
            unsafe += [place.name] if place.name in own else []
        elif text and not place.constant and place.name not in own:
            unharmed.append(place.name)
    assert not unseen, f"no page of the tour has these places: {unseen}"
    assert not unharmed, f"these places were shown, but never with a stranger's words: {unharmed}"
    assert not unsafe, f"these places are said to show only Docent's own words: {unsafe}"
    assert own <= {place.name for place in places}, "these places are not there any more"


def test_no_place_can_run_or_lead_elsewhere(places: list[Place]) -> None:
    for place in places:
        assert place.attribute or place.element not in ("script", "style"), place.name
        assert not place.attribute.startswith(("on", "hx-on", "hx-vals", "hx-headers")), place.name
        assert place.attribute not in RUN, place.name
        if place.attribute in FETCHED and place.begins:
            assert place.expression.startswith(OWN_ADDRESSES), f"{place.name}: an address that a stranger may begin"


def calls_macro(place: Place) -> bool:
    """Whether a macro of the same template is put there: the places inside it are in the list themselves."""
    return f"macro {place.expression.partition('(')[0]}(" in (ASSETS / "templates" / place.template).read_text("utf-8")


def test_no_place_turns_round_the_words_beside_it(places: list[Place], toured: tuple[list[str], Record]) -> None:
    """Put it into a <bdi>, or give its element dir="auto"."""
    shown = toured[1].shown
    strangers = [one for one in places if any(MARK in str(value) for value in shown.get(one.key, ()))]
    wrong = [one.name for one in strangers if not (one.attribute or one.isolated or calls_macro(one))]
    assert not wrong, f"these can turn round what stands beside them: {wrong}"


def test_only_an_answer_goes_in_unescaped(places: list[Place]) -> None:
    assert {place.name for place in places if "safe" in place.expression} == {
        "_brief_parts.html: text.html|safe",
        "_brief_summary.html: shown.whole|safe",
        "_turn.html: item.html|safe",
    }
    for template in TEMPLATES:
        text = template.read_text(encoding="utf-8")
        assert "autoescape" not in text
        unquoted = re.sub(r'"[^"]*"', '""', re.sub(r"\{%.*?%\}", "", text))
        assert not re.search(r"=\s*\{\{", unquoted), f"{template.name}: an attribute without quotes"


def test_no_script_of_the_page_makes_html_of_text() -> None:
    for script in (ASSETS / "static").glob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"(inner|outer)HTML\s*\+?=|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_every_page_is_inert(toured: tuple[list[str], Record]) -> None:
    pages, _ = toured
    assert sum("&lt;script&gt;" in page for page in pages) > 50  # it is there to be read
    for page in pages:
        assert Page(page).wrong == [], page[:200]


def test_a_place_is_found_wherever_it_stands() -> None:
    with recorded():
        found = places_of(
            '<p title="a {{ b }}" {% if c %}class="{{ d }}"{% endif %}>{% for e in f %}{{ e.g[0] }} x{% endfor %}</p>'
            "{% macro h(i) %}<bdi>{{ i }}</bdi>{% endmacro %}{{ h(j) }}<br>{{ 'k' if l else 'm' }}",
            "t",
        )
    assert [(one.expression, one.element, one.attribute, one.begins) for one in found] == [
        ("b", "p", "title", False), ("d", "p", "class", True), ("e.g[0]", "p", "", False), ("i", "bdi", "", False),
        ("h(j)", "", "", False), ("'k' if l else 'm'", "", "", False),
    ]  # fmt: skip
    assert [one.constant for one in found] == [False, False, False, False, False, True]
    assert [one.isolated for one in found][2:4] == [False, True]
