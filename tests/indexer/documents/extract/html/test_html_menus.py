"""Menus of saved pages are left out and counted, and nothing that is none goes with them."""

import pytest

from indexer.documents.extract import ExtractedDocument
from indexer.documents.extract.formats import extract_bytes
from tests.indexer.documents.extract.invariants import check

ARTICLE = "<h1>Canteen</h1><p>It opens at seven and serves meals until two.</p>" + "<p>Ask at the desk.</p>" * 5
SEEN = "Canteen\n\nIt opens at seven and serves meals until two." + "\n\nAsk at the desk." * 5


def links(*names: str, tag: str = "li", more: str = "") -> str:
    return "".join(f"<{tag}><a href='/{number}' {more}>{name}</a></{tag}>" for number, name in enumerate(names))


MENU = links(*(f"Section {number}" for number in range(12)))


def read(body: str, suffix: str = "html") -> ExtractedDocument:
    document = extract_bytes(body.encode(), f"page.{suffix}")
    check(document)
    return document


@pytest.mark.parametrize(
    "menu",
    [
        f"<nav><h2>Menu</h2><ul>{MENU}</ul></nav>",
        f"<div role=navigation><ul>{MENU}</ul></div>",
        f"<ul role=menubar>{MENU}</ul>",
        f"<header><a href=/>Intranet</a><ul>{MENU}</ul></header>",
        f"<footer><ul>{MENU}</ul></footer>",
        f"<div class='main-menu'><ul>{MENU}</ul></div>",
        f"<div id=breadcrumbs>{links('Home', 'People', tag='span')}</div>",
        f"<ul>{MENU}</ul>",
        f"<div class=languages>{links('Deutsch', 'Français')}</div>",
    ],
)
def test_menus_before_the_article_are_left_out_and_counted(menu: str) -> None:
    document = read(menu + ARTICLE)
    assert document.text == SEEN
    assert len(document.remarks) == 1
    assert "of menus and links around the page left out" in document.remarks[0]


@pytest.mark.parametrize(
    "languages",
    [
        f"<ul>{links('Deutsch', 'Français', 'Polski', '中文 (简体)')}</ul>",
        f"<ul>{links('one', 'two', 'three', more='hreflang=x')}</ul>",
        "<p><a href=/de>DE</a> | <a href=/fr>FR</a> | <a href=/it>IT</a></p>",
    ],
)
def test_lists_of_languages_are_left_out(languages: str) -> None:
    assert read(ARTICLE + languages).text == SEEN


def test_links_that_stand_on_the_page_twice_are_left_out() -> None:
    twice = f"<ul>{links('Start', 'People', 'Tools')}</ul>"
    assert read(f"{twice}{ARTICLE}{twice}").text == SEEN


def test_of_links_that_the_page_itself_repeats_the_first_stay() -> None:
    twice = f"<ul>{links('Travel', 'Leave', 'Keys')}</ul>"
    assert read(f"{ARTICLE}{twice}<h2>Again</h2>{twice}").text == f"{SEEN}\n\nTravel\nLeave\nKeys\n\nAgain"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ("<h2>Forms</h2><ul>" + links("Travel", "Leave", "Parking", "Keys") + "</ul>", "Travel"),
        ("<ul><li>Deutsch<li>English<li>Polski</ul>", "Deutsch"),
        ("<ul>" + links("AL", "AK", "AZ", "CA") + "</ul>", "AK"),
        ("<footer><p>Owner: Quality, phone 5522</p></footer>", "Owner: Quality, phone 5522"),
        ("<footer><a href='mailto:q@example.com'>q@example.com</a></footer>", "q@example.com"),
        ("<div class=menu><p>Soup 4 euros</p></div>", "Soup 4 euros"),
        (
            "<nav><p>Whoever comes by train takes the exit to the north and follows the blue signs.</p></nav>",
            "blue signs",
        ),
        ("<article><header><h2><a href=/x>Guests</a></h2></header></article>", "Guests"),
        ("<div class='page-with-menu'><ul>" + links("Travel", "Leave") + "</ul></div>", "Travel"),
        ("<p>See <a href=/x>the travel page</a> for more.</p>", "See the travel page for more."),
        ("<table><tr><th>Form<th>Where<tr><td><a href=/x>Travel</a><td><a href=/y>here</a></table>", "Travel | here"),
    ],
)
def test_what_is_no_menu_stays(more: str, text: str) -> None:
    assert text in read(ARTICLE + more).text


@pytest.mark.parametrize("attributes", ["class='nav'", "class='menu footer'", "id=navigation"])
def test_the_name_of_a_whole_page_makes_no_menu_of_it(attributes: str) -> None:
    body = f"<html><body {attributes}>{ARTICLE}<ul>{links('Travel', 'Leave')}</ul></body></html>"
    assert "Travel" in read(body).text
    assert "Travel" in read(f"<div {attributes}><main>{ARTICLE}<ul>{links('Travel', 'Leave')}</ul></main></div>").text


def test_a_page_that_is_all_links_is_content() -> None:
    document = read(f"<nav><ul>{MENU}</ul></nav>")
    assert document.text.startswith("Section 0\nSection 1")
    assert document.remarks == ()


def test_an_index_before_few_words_is_content() -> None:
    assert "Section 11" in read(f"<ul>{MENU}</ul><h1>Help</h1><p>Ask us.</p>").text


def test_links_of_markdown_are_content() -> None:
    source = (
        "".join(f"- [Section {number}](/{number})\n" for number in range(12)) + "\n# Canteen\n\nIt opens at seven.\n"
    )
    assert "Section 11" in read(source, "md").text


def test_a_notice_about_cookies_is_no_content() -> None:
    assert read("<div id='cookie-banner'><p>We use cookies on this site.</p></div>" + ARTICLE).text == SEEN
    assert "kept" in read("<div class='cookie-policy'><p>Cookies are kept for a day.</p></div>" + ARTICLE).text
