"""What a question is asked of: the picker at the question box, and what is chosen in it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from indexer.knowledge.chosen import MOST_DOCUMENTS, documents_with, find_documents
from indexer.passages import ChosenDocument, Scope
from server.conversations.asked_of import EVERYTHING, AskedOf
from server.errors import BadRequest, NotFound
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.views.choosing import Choice, choice
from server.web.pages.page_route import PageRoute
from server.web.parameters import MaybeRow
from server.web.session import OwnerDep
from server.web.templating import is_fragment, page

LISTED = 8  # collections, and documents, that the picker shows at once
WORDS = 200  # characters that are searched for
TOO_MANY = f"At most {MOST_DOCUMENTS} documents can be asked at once. Choose a collection instead."
GONE = "What you chose to ask is not there any more."
TAKE_IT_OFF = "Take it off beside the question box, or choose something else."

MOST_SENT = 10 * MOST_DOCUMENTS  # of an address or a form; more than MOST_DOCUMENTS are answered with TOO_MANY
Documents = Annotated[list[MaybeRow], Query(default_factory=list, max_length=MOST_SENT)]

_CHAT = re.compile(r"/(?:c/[0-9a-f]{1,40})?")
"""Pages with a question box."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/ask/of")
def asked_of(
    request: Request,
    services: ServicesDep,
    scope: ScopeDep,
    owner: OwnerDep,
    document: Documents,
    collection: str = "",
    add: MaybeRow = None,
    conversation: str = "",
) -> Response:
    """The line of the question box that says what is asked, chosen anew; the page's address then says the same."""
    ids = chosen_ids([*document, add])
    problem = TOO_MANY if len(ids) > MOST_DOCUMENTS else ""
    wanted = wanted_of(collection, ids[:MOST_DOCUMENTS])
    chosen = shown_choice(services, scope, _with_names(services, wanted, conversation, owner), problem)
    if not is_fragment(request):
        return RedirectResponse(f"/?{chosen.query}", status_code=303)
    here = urlsplit(request.headers.get("HX-Current-URL", "")).path
    headers = {"HX-Replace-Url": f"{here}?{chosen.query}"} if _CHAT.fullmatch(here) else {}
    return page(
        request, "_asking_changed.html", 200, headers, choice=chosen, at=here or "/", first=here == "/", examples=[]
    )


@router.get("/ask/find")
def find(request: Request, services: ServicesDep, scope: ScopeDep, q: str = "") -> Response:
    """What the picker lists: collections and documents whose names hold the words."""
    if not is_fragment(request):
        return RedirectResponse("/", status_code=303)
    words = q.strip()[:WORDS]
    collections = [one.name for one in services.catalog.collections(scope) if one.documents]
    found = [name for name in collections if words.casefold() in name.casefold()]
    return page(
        request,
        "_choices.html",
        collections=found[:LISTED] if len(collections) > 1 else [],
        documents=find_documents(services.catalog.engine, words, scope, LISTED),
    )


def chosen_ids(documents: Sequence[int | None]) -> list[int]:
    """Each once, in their order."""
    return [id_ for id_ in dict.fromkeys(documents) if id_ is not None]


def wanted_of(collection: str, ids: Sequence[int]) -> AskedOf:
    """What an address or a form names: its documents, where it names any, or else its collection."""
    if ids:
        return AskedOf(documents=tuple(ChosenDocument(id_, 0, "", "", "") for id_ in ids))
    return AskedOf(collection)


def found_of(services: Services, scope: Scope, wanted: AskedOf) -> tuple[AskedOf, AskedOf]:
    """What of it the asker can ask, as it is called now, and what is gone. Blocks."""
    if wanted.documents:
        there = documents_with(services.catalog.engine, [document.id for document in wanted.documents], scope)
        ids = {document.id for document in there}
        gone = tuple(document for document in wanted.documents if document.id not in ids)
        return AskedOf(documents=tuple(there)), AskedOf(documents=gone)
    if not wanted.collection:
        return EVERYTHING, EVERYTHING
    names = services.catalog.names(scope)
    same = [id_ for id_, name in names.items() if id_ == wanted.collection_id or name == wanted.collection]
    if not same:
        return EVERYTHING, wanted
    id_ = wanted.collection_id if wanted.collection_id in same else same[0]
    return AskedOf(names[id_], id_), EVERYTHING


def to_ask(services: Services, scope: Scope, wanted: AskedOf) -> AskedOf:
    """What a question is asked of. Raises BadRequest where all of it is gone: it is never widened. Blocks."""
    if len(wanted.documents) > MOST_DOCUMENTS:
        raise BadRequest(TOO_MANY, param="document")
    there, _gone = found_of(services, scope, wanted)
    if there == EVERYTHING and wanted != EVERYTHING:
        raise BadRequest(GONE, TAKE_IT_OFF, param="document" if wanted.documents else "collection")
    return there


def shown_choice(services: Services, scope: Scope, wanted: AskedOf, problem: str = "") -> Choice:
    """What the question box shows of it. Blocks."""
    there, gone = found_of(services, scope, wanted)
    return choice(there, gone.without_hidden_names(scope), problem)


def page_choice(
    services: Services,
    scope: Scope,
    owner: str,
    conversation: str,
    collection: str | None,
    documents: Sequence[int | None],
) -> Choice:
    """What the question box of a page asks: what the page's address names, or else what the conversation asked last.
    Blocks. Raises NotFound."""
    if collection is not None or documents:
        ids = chosen_ids(documents)[:MOST_DOCUMENTS]
        wanted = _with_names(services, wanted_of(collection or "", ids), conversation, owner)
    else:
        wanted = services.conversations.asked_of(conversation, owner) if conversation else EVERYTHING
    return shown_choice(services, scope, wanted)


def narrowed_to(services: Services, scope: Scope, chosen: Choice) -> Scope:
    """What is searched where that is chosen; nothing where it is gone. Blocks."""
    wanted = wanted_of(chosen.collection, chosen.documents)
    there, _gone = found_of(services, scope, wanted)
    return there.narrows(scope) if there != EVERYTHING or wanted == EVERYTHING else scope.choosing(frozenset())


def _with_names(services: Services, wanted: AskedOf, conversation: str, owner: str) -> AskedOf:
    """With the names that a conversation remembers, for what is gone since."""
    if not conversation or not wanted.documents:
        return wanted
    try:
        known = {document.id: document for document in services.conversations.asked_of(conversation, owner).documents}
    except NotFound:
        return wanted
    return replace(wanted, documents=tuple(known.get(document.id, document) for document in wanted.documents))
