"""Who asks in this request, for routes."""

from typing import Annotated

from fastapi import Depends, Request

from server.sessions import Sessions, Visitor


def get_sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.services.sessions
    return sessions


def get_owner(request: Request) -> str:
    visitor: Visitor = request.state.visitor
    return visitor.owner


SessionsDep = Annotated[Sessions, Depends(get_sessions)]
OwnerDep = Annotated[str, Depends(get_owner)]
