"""The language model as pages see it: how one is installed, how far the one is that is fetched, cancel, try again."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from server.llm.catalogue import CATALOGUE, DEFAULT_MODEL
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.views.wording import file_size
from server.web.pages.page_route import PageRoute, own_path
from server.web.pages.shell import shell, writer
from server.web.session import OwnerDep
from server.web.templating import is_fragment, page

OFFERED = next(model for model in CATALOGUE if model.name == DEFAULT_MODEL)

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/language-model")
def language_model(request: Request, services: ServicesDep, scope: ScopeDep, owner: OwnerDep) -> Response:
    """How one is installed: where answers without one lead."""
    context = shell(services, scope, owner)
    return page(request, "language_model.html", **context, offered=OFFERED, offered_size=file_size(OFFERED.size))


@router.get("/language-model/arrival")
def arrival(request: Request, services: ServicesDep, stage: str = "", whole: bool = False) -> Response:
    """What a page asks every two seconds while a model is on its way. `stage` is what it shows: only its words come
    while that is true, and later all that changes with it. A page that is `whole` is loaded anew then."""
    state = services.arrival.state
    if state.stage == stage:
        return page(request, "_arrival_now.html", arrival=state, whole=whole)
    if whole:
        return Response(headers={"HX-Refresh": "true"})
    return _changed(request, services, {"HX-Retarget": "#arrival", "HX-Reswap": "outerHTML"})


@router.post("/language-model/cancel")
async def cancel(request: Request, services: ServicesDep) -> Response:
    services.arrival.cancel()
    return await asyncio.to_thread(_back, request, services)


@router.post("/language-model/again")
async def again(request: Request, services: ServicesDep) -> Response:
    """Fetch or open again the model that the start asked for; no other."""
    services.arrival.again()
    return await asyncio.to_thread(_back, request, services)


def _back(request: Request, services: Services) -> Response:
    if is_fragment(request):
        return _changed(request, services)
    return RedirectResponse(own_path(request.headers.get("Referer", "")), status_code=303)


def _changed(request: Request, services: Services, headers: dict[str, str] | None = None) -> Response:
    return page(request, "_arrival_changed.html", 200, headers, **writer(services), whole=False)
