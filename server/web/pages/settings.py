"""The settings page: what can be changed in the browser, where each value comes from, and when it counts.

Each thing is a form of its own that says what it showed: what somebody else has changed meanwhile is never overwritten
unseen. What was set where Docent is started is shown, and cannot be changed here.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from indexer.errors import DocentError
from indexer.knowledge.calibration import read_calibration
from server.errors import BadRequest, Conflict, Forbidden
from server.llm.model_files import InstalledModel, installed_models, model_name, resolve_model, write_choice
from server.runtime.services import OperatorDep, ScopeDep, Services, ServicesDep
from server.settings import keep
from server.web.pages.page_route import PageRoute
from server.web.pages.shell import shell
from server.web.session import OwnerDep, SessionsDep, VisitorDep
from server.web.templating import page

SHARES = {
    "0": "Hardly anything is refused",
    "0.02": "2 in 100",
    "0.05": "5 in 100 (usual)",
    "0.1": "10 in 100",
    "0.2": "20 in 100",
}
"""Of the questions that the documents answer, how many may be refused: those that docs/operating.md has figures of."""
PASSWORD_LENGTH = (8, 200)  # characters
SAVED = {
    "model": "Saved. It writes the answers from the next start of Docent on.",
    "refusals": "Saved. It counts from the next question on.",
    "password": "Saved. Every other browser is asked for the new password.",
    "no-password": "Saved. No password is asked for any more.",
}

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class Choice:
    """One of several, as a form shows them."""

    value: str
    words: str


@dataclass(frozen=True)
class Shown:
    """One thing that can be set: what it is now, from what it can be chosen, and where it is changed if not here."""

    now: str
    choices: tuple[Choice, ...]
    fixed: str  # empty: it is changed here
    note: str = ""


@router.get("/settings")
def settings_page(
    request: Request, services: ServicesDep, sessions: SessionsDep, scope: ScopeDep, owner: OwnerDep, saved: str = ""
) -> Response:
    return page(
        request,
        "settings.html",
        **shell(services, scope, owner),
        saved=saved if saved in SAVED else "",
        said=SAVED.get(saved, ""),
        may_change=services.may_operate(request),
        models=model_choices(services),
        refusals=refusal_choices(services),
        password={
            "there": not sessions.is_open,
            "fixed": services.settings.where_set("password"),
            "removable": services.settings.is_loopback,
            "least": PASSWORD_LENGTH[0],
            "most": PASSWORD_LENGTH[1],
        },
    )


def model_choices(services: Services) -> Shown:
    """The installed models, and which of them the next start uses."""
    settings = services.settings
    if settings.generator_url:
        return Shown("", (), settings.where_set("generator_url"), "Another server writes the answers.")
    usable = [model for model in installed_models(settings) if model.header is not None]
    return Shown(
        _model_of_next_start(services),
        tuple(Choice(model.name, model.name) for model in usable),
        settings.where_set("model"),
        _model_note(services, usable),
    )


def _model_of_next_start(services: Services) -> str:
    try:
        path = resolve_model(services.settings)
    except DocentError:  # the status page says what is wrong with it
        return ""
    return model_name(path) if path is not None else ""


def _model_note(services: Services, usable: list[InstalledModel]) -> str:
    writes, chosen = services.generator, _model_of_next_start(services)
    if services.settings.where_set("model"):
        return f"{chosen or 'None'} is used."
    if writes is not None and chosen and writes.name != chosen:
        return f"Until the next start of Docent {writes.name} writes the answers."
    if not usable:
        return "None is installed."
    return "Another one is loaded at the next start of Docent."


def refusal_choices(services: Services) -> Shown:
    """The usual shares, and the one that is set where it is none of them."""
    now = _share(services.settings.false_refusals)
    choices = [Choice(value, words) for value, words in SHARES.items()]
    if now not in SHARES:
        choices.append(Choice(now, f"{float(now) * 100:g} in 100"))
    fitted = read_calibration(services.catalog.engine).labelled
    note = f"Fitted to {len(fitted)} questions of your own." if fitted else ""
    return Shown(now, tuple(choices), services.settings.where_set("false_refusals"), note)


def _share(share: float) -> str:
    return f"{share:g}"


@router.post("/settings/model")
def choose_model(
    _operator: OperatorDep,
    services: ServicesDep,
    model: Annotated[str, Form()] = "",
    before: Annotated[str, Form()] = "",
) -> Response:
    shown = model_choices(services)
    _check(shown, model, before, "The model")
    write_choice(services.settings, model)
    return _saved("model")


@router.post("/settings/refusals")
def choose_refusals(
    _operator: OperatorDep,
    services: ServicesDep,
    share: Annotated[str, Form()] = "",
    before: Annotated[str, Form()] = "",
) -> Response:
    """It counts at once, and for the commands that are run from now on."""
    shown = refusal_choices(services)
    _check(shown, share, before, "The share of refusals")
    keep(services.settings.data, false_refusals=float(share))
    services.settings.false_refusals = float(share)
    return _saved("refusals")


@router.post("/settings/password")
def choose_password(
    request: Request,
    _operator: OperatorDep,
    services: ServicesDep,
    sessions: SessionsDep,
    visitor: VisitorDep,
    current: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
    remove: Annotated[bool, Form()] = False,
) -> Response:
    """Whoever changes it stays logged in."""
    _check_fixed(services.settings.where_set("password"))
    address = request.client.host if request.client else ""
    if not sessions.is_open and not sessions.is_right(current, visitor, address):
        raise Forbidden("That is not the password that is in use.", "Nothing was changed.")
    if remove:
        if not services.settings.is_loopback:
            raise Forbidden("Other computers reach this page, so it needs a password.", "Nothing was changed.")
        sessions.change_password("")
        return _saved("no-password")
    least, most = PASSWORD_LENGTH
    if not least <= len(password) <= most:
        raise BadRequest(f"A password has {least} to {most} characters.", "Nothing was changed.", param="password")
    if password != again:
        raise BadRequest("The two passwords are not the same.", "Nothing was changed.", param="again")
    sessions.change_password(password)
    response = _saved("password")
    sessions.write(response, visitor, https=request.url.scheme == "https")
    return response


def _check(shown: Shown, value: str, before: str, what: str) -> None:
    """Raises Forbidden, BadRequest; and Conflict where it is not any more what the page showed."""
    _check_fixed(shown.fixed)
    if value not in [choice.value for choice in shown.choices]:
        raise BadRequest("There is no such choice.", "Open the page Settings again and choose one that it shows.")
    if before != shown.now:
        words = next((choice.words for choice in shown.choices if choice.value == shown.now), shown.now)
        raise Conflict(
            f"{what} was changed meanwhile, in another window or by somebody else: it is now “{words}”.",
            "Your change was not saved. Open the page Settings again to see it, then choose.",
        )


def _check_fixed(fixed: str) -> None:
    if fixed:
        raise Forbidden(f"This is set in {fixed}, and can be changed only there.", "Nothing was changed.")


def _saved(what: str) -> RedirectResponse:
    return RedirectResponse(f"/settings?saved={what}#{what.removeprefix('no-')}", status_code=303)
