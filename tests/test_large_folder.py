"""A folder that is written straight into the databases is one that the application reads."""

from sqlmodel import Session, select

from indexer.knowledge.calibration import is_due
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Document
from indexer.search.store import Store
from server.conversations.store import open_conversations
from server.settings import ServerSettings
from tests.large_folder import COLLECTIONS, Library, write_conversations, write_library

LIBRARY = Library(documents=20, characters=4_000, chunks=2)  # more chunks than are left without a calibration


def test_every_chunk_is_taken_into_the_index_and_nothing_is_left_to_do(settings: ServerSettings) -> None:
    engine = open_knowledge(settings)
    write_library(engine, settings, LIBRARY)
    store = Store(engine, settings.index_path)
    store.load()
    assert len(store) == LIBRARY.documents * LIBRARY.chunks
    assert not is_due(engine)
    with Session(engine) as session:
        documents = session.exec(select(Document)).all()
    assert {document.collection_id for document in documents} == set(range(1, len(COLLECTIONS) + 1))
    assert {len(document.text) for document in documents} == {LIBRARY.characters}


def test_each_owner_has_conversations_whose_citations_are_words_of_the_documents(settings: ServerSettings) -> None:
    conversations = open_conversations(settings)
    told = write_conversations(conversations.engine, LIBRARY, turns=16, owners=2, length=4)
    for owner, addresses in told.items():
        assert [line.id for line in conversations.lines(owner)] == addresses
        for address in addresses:
            turns = conversations.turns(address, owner)
            assert len(turns) == 4
            for turn in turns:
                cited = [view.citation for view in turn.citations]
                assert [turn.answer[one.at : one.at + 3] for one in cited] == ["[1]", "[2]"]
                assert [LIBRARY.text(one.document_id - 1)[one.start : one.end] for one in cited] == [
                    one.quote for one in cited
                ]
