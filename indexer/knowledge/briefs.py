"""What a language model has written about a whole document, kept beside it until its words change.

Whether the asker may read the document is for the caller to see to (`Catalog.document`).
"""

import hashlib

from sqlalchemy import Engine
from sqlmodel import Session

from indexer.knowledge.database import begin_writing
from indexer.knowledge.tables import Document, KeptBrief


def content_hash(text: str) -> str:
    """Of a document's text: two files of other bytes may say the same, and a later reader may read one otherwise."""
    return hashlib.sha256(text.encode()).hexdigest()


def kept_brief(engine: Engine, document_id: int, content: str, model: str) -> str | None:
    """What `model` wrote of the document when its text had this hash."""
    with Session(engine) as session:
        kept = session.get(KeptBrief, document_id)
        return kept.made if kept is not None and (kept.content, kept.model) == (content, model) else None


def keep_brief(engine: Engine, document_id: int, content: str, model: str, made: str) -> bool:
    """Keep it in place of an older one, unless the document is gone or says something else by now; whether it is kept.
    Raises sqlalchemy's OperationalError where nothing can be written."""
    with Session(engine) as session:
        begin_writing(session)  # or an ingest could put other words between the look and the writing
        document = session.get(Document, document_id)
        if document is None or document.deleted_at is not None or content_hash(document.text) != content:
            return False
        session.merge(KeptBrief(document_id=document_id, content=content, model=model, made=made))
        session.commit()
        return True
