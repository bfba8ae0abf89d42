"""Made documents for property tests: headings, paragraphs, items, tables and pages, with words that hurt."""

from hypothesis import strategies as st

from indexer.documents.extract.document import Block, ExtractedDocument, Kind

LONG = st.sampled_from(["x", "ab1", "日本", "é", "…"]).flatmap(
    lambda unit: st.sampled_from([99, 130, 10_000]).map(lambda length: (unit * length)[:length])
)
WORDS = st.one_of(
    st.sampled_from("the leave of 12.5 days, is granted. (see) 🙂 日本語。 naïve e.g. Dr. Ask? Yes. Overtime".split()),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=12),
)
_LINES = st.one_of(
    st.lists(WORDS, min_size=1, max_size=60).map(" ".join),
    st.tuples(WORDS, LONG, WORDS).map(" ".join),
    st.tuples(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), st.integers(2, 40)).map(
        lambda made: " ".join([made[0]] * made[1])
    ),
)
_SHORT = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
_KINDS: list[Kind] = ["heading", "paragraph", "paragraph", "item", "header", "row", "row", "code"]


@st.composite
def documents(draw: st.DrawFn) -> ExtractedDocument:
    paged = draw(st.booleans())
    page = 1
    text = ""
    blocks: list[Block] = []
    for kind in draw(st.lists(st.sampled_from(_KINDS), min_size=1, max_size=16)):
        words = draw(_SHORT if kind in ("heading", "item") and draw(st.booleans()) else _LINES).strip()
        if not words:
            continue
        if kind == "code":
            words = words.replace(" ", "\n")
        text += draw(st.sampled_from(["\n", "\n\n"])) if text else ""
        page += draw(st.sampled_from([0, 0, 0, 1, 2]))
        level = draw(st.integers(1, 6)) if kind == "heading" else int(kind == "item")
        blocks.append(Block(kind, len(text), len(text) + len(words), level, page if paged else None))
        text += words
    title = draw(st.one_of(st.just(""), _SHORT, _LINES)).strip()
    return ExtractedDocument(title, text, tuple(blocks), page if paged else None)
