"""Who asks in this request, for routes."""

from typing import Annotated

from fastapi import Depends, Request

from server.sessions import Sessions, Visitor


def get_sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.services.sessions
    return sessions


def get_visitor(request: Request) -> Visitor:
    visitor: Visitor = request.state.visitor
    return visitor


VisitorDep = Annotated[Visitor, Depends(get_visitor)]


def get_owner(visitor: VisitorDep) -> str:
    return visitor.owner


SessionsDep = Annotated[Sessions, Depends(get_sessions)]
OwnerDep = Annotated[str, Depends(get_owner)]
