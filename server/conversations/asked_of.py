"""What a question was asked of, where that is not everything: a collection, or documents, as JSON for chat.db (pure).

It holds what tells later who may know of it, and the names as they were, so that a page can say what is gone.
"""

import json
from dataclasses import astuple, dataclass, replace

from indexer.passages import ChosenDocument, Scope


@dataclass(frozen=True)
class AskedOf:
    """A collection, or documents, or neither: everything."""

    collection: str = ""
    collection_id: int = 0  # 0 in what was stored before ids were kept
    documents: tuple[ChosenDocument, ...] = ()

    def narrows(self, scope: Scope) -> Scope:
        """The part of `scope` that is asked."""
        if self.documents:
            return scope.choosing(frozenset(document.id for document in self.documents))
        return scope.narrowed(frozenset({self.collection_id})) if self.collection else scope

    def seen_by(self, scope: Scope) -> "AskedOf":
        """The same, without the names that the asker of `scope` may not know."""
        known = self.collection if self.collection_id in scope.collections else ""
        return replace(self, collection=known, documents=tuple(one for one in self.documents if one.is_in(scope)))

    def without_hidden_names(self, scope: Scope) -> "AskedOf":
        """The same, as many things, nameless where the asker of `scope` may not know what they were called."""
        hidden = self.collection and self.collection_id not in scope.collections
        documents = (one if one.is_in(scope) else replace(one, title="", path="") for one in self.documents)
        return replace(self, collection=NAMELESS if hidden else self.collection, documents=tuple(documents))


EVERYTHING = AskedOf()
NAMELESS = " "
"""A collection without a name that anybody may know: no collection is called so."""


def asked_of_to_json(asked: AskedOf) -> str:
    """Empty for everything."""
    if asked == EVERYTHING:
        return ""
    documents = [astuple(document) for document in asked.documents]
    return json.dumps([asked.collection, asked.collection_id, documents], ensure_ascii=False)


def asked_of_from_json(stored: str) -> AskedOf:
    if not stored:
        return EVERYTHING
    collection, collection_id, documents = json.loads(stored)
    return AskedOf(collection, collection_id, tuple(ChosenDocument(*document) for document in documents))
