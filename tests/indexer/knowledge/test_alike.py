"""Equal and nearly equal documents are found by their signatures, and named to nobody who may not read them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from indexer.knowledge import alike as alike_module
from indexer.knowledge.alike import FORM, Alike, bands, minhash, same_words, sign_unsigned
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.tables import Document, Signature, SignatureBand
from indexer.passages import Scope
from tests.indexer.small_knowledge import Knowledge

PAGE = (
    "The north gate opens at 6:15 and closes at 21:45 on working days. Visitors wait at the desk until somebody comes "
    "for them. Bicycles are left outside, dogs are welcome, and parcels are taken in until noon."
)
OTHER = (
    "Marit Solberg holds the key of the archive, where nothing may be eaten, drunk or set on fire by anybody at all."
)
WORDS = st.lists(st.sampled_from("gate opens key holds the of 6 7 closes dog desk parcel noon".split()), max_size=40)


@pytest.fixture
def catalog(engine: Engine) -> Catalog:
    return Catalog(engine)


def names(found: dict[int, Alike], id_: int) -> tuple[list[str], list[str]]:
    one = found.get(id_, Alike())
    return [other.path for other in one.same], [other.path for other in one.nearly]


def test_equal_and_nearly_equal_documents_are_named_and_others_are_not(catalog: Catalog, knowledge: Knowledge) -> None:
    page = knowledge.put("rules.docx", PAGE)
    copy = knowledge.put("old/rules.pdf", f"• {PAGE.upper()}".replace(" ", "  "))
    later = knowledge.put("rules 2.docx", PAGE.replace("21:45", "22:45"))
    other = knowledge.put("key.md", OTHER)
    found = catalog.alike([page, copy, later, other], catalog.everything())
    assert names(found, page) == (["old/rules.pdf"], ["rules 2.docx"])
    assert names(found, copy) == (["rules.docx"], ["rules 2.docx"])
    assert names(found, later) == ([], ["old/rules.pdf", "rules.docx"])
    assert other not in found
    [group] = catalog.same_groups(catalog.everything())
    assert [one.path for one in group] == ["old/rules.pdf", "rules.docx"]


def test_what_may_not_be_read_is_neither_named_nor_counted(catalog: Catalog, knowledge: Knowledge) -> None:
    page = knowledge.put("rules.md", PAGE)
    for number in range(8):
        knowledge.put(f"{number}.md", PAGE, collection="secret")
        knowledge.put(f"near {number}.md", f"{PAGE} {number}", collection="secret")
    mine = Scope(frozenset({1}))
    assert catalog.alike([page], mine) == {}
    assert catalog.same_groups(mine) == []
    knowledge.put("copy.md", PAGE)
    found = catalog.alike([page], mine)[page]
    assert ([one.path for one in found.same], found.more_same, found.nearly) == (["copy.md"], 0, ())
    everything = catalog.alike([page], catalog.everything())[page]
    assert len(everything.same) + everything.more_same == 9
    assert len(everything.nearly) + everything.more_nearly == 8


def test_exact_copies_hide_no_document_that_is_nearly_the_same(
    catalog: Catalog, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike_module, "COMPARED", 3)
    page = knowledge.put("rules.md", PAGE)
    for number in range(6):
        knowledge.put(f"copy {number}.md", PAGE)
    knowledge.put("rules 2.md", PAGE.replace("21:45", "22:45"))
    found = catalog.alike([page], catalog.everything())[page]
    assert (len(found.same) + found.more_same, [one.path for one in found.nearly]) == (6, ["rules 2.md"])
    assert not found.is_cut
    for number in range(5):
        knowledge.put(f"a hundred words {number}.md", f"{PAGE} {OTHER} {OTHER} {number}")
    found = catalog.alike([page], catalog.everything())[page]
    assert [one.path for one in found.nearly] == ["rules 2.md"], "that which is nearest is compared first"


def test_where_more_are_near_than_are_compared_it_is_said(
    catalog: Catalog, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike_module, "COMPARED", 6)
    page = knowledge.put("rules.md", PAGE)
    for number in range(6):
        knowledge.put(f"near {number}.md", f"{PAGE} {number}")
    for is_cut in (False, True):
        found = catalog.alike([page], catalog.everything())[page]
        assert (len(found.nearly), found.more_nearly, found.is_cut) == (5, 1, is_cut)
        knowledge.put("near 6.md", f"{PAGE} 6")


def test_it_follows_what_becomes_of_documents(catalog: Catalog, knowledge: Knowledge) -> None:
    page, scope = knowledge.put("rules.md", PAGE), Scope(frozenset({1}))
    copy = knowledge.put("copy.md", PAGE)
    assert names(catalog.alike([page], scope), page) == (["copy.md"], [])
    knowledge.put("copy.md", OTHER)
    assert catalog.alike([page, copy], scope) == {}
    knowledge.put("copy.md", PAGE)
    with Session(knowledge.engine) as session:
        session.get_one(Document, copy).deleted_at = session.get_one(Document, page).indexed_at
        session.commit()
    assert catalog.alike([page], scope) == {}, "deleted by hand"
    knowledge.delete("copy.md")
    with Session(knowledge.engine) as session:
        assert session.exec(select(func.count()).select_from(Signature)).one() == 1
        assert set(session.exec(select(SignatureBand.document_id))) == {page}


def test_what_an_older_version_left_is_signed_once(
    catalog: Catalog, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike_module, "SIGNED_AT_ONCE", 2)
    ids = [knowledge.put(f"{number}.md", PAGE) for number in range(5)]
    with Session(knowledge.engine) as session:
        for signature in session.exec(select(Signature).where(Signature.document_id != ids[0])).all():
            session.delete(signature)
        session.get_one(Signature, ids[0]).form = "0"
        session.commit()
    assert sign_unsigned(knowledge.engine) == 5
    assert sign_unsigned(knowledge.engine) == 0
    assert len(catalog.alike(ids, catalog.everything())) == 5


@hypothesis_settings(deadline=None)
@given(WORDS, WORDS)
def test_a_signature_tells_what_share_of_pairs_is_the_same(one: list[str], other: list[str]) -> None:
    first, second = (set(pairwise(words)) or set(words) for words in (one, other))
    share = len(first & second) / max(1, len(first | second))
    told = float((minhash(" ".join(one)) == minhash(" ".join(other))).mean())
    if first and second:
        assert abs(told - share) < 0.3
    assert (same_words(" ".join(one)) == same_words("\n".join(other).upper())) == (one == other)


def test_signatures_of_one_form_are_made_alike_in_every_version() -> None:
    """Where this changes, as with another version of datasketch, FORM has to change too."""
    assert (FORM, minhash(PAGE)[:4].tolist(), next(bands(minhash(PAGE)))) == (
        "1",
        [189902989, 91366291, 456108108, 54972509],
        4374973666122131776,
    )


def test_a_long_text_is_signed_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = minhash(PAGE)
    monkeypatch.setattr(alike_module, "AT_ONCE", 3)
    assert minhash(PAGE).tolist() == whole.tolist()
    assert len(minhash("")) == len(whole) == alike_module.BANDS * alike_module.ROWS
