"""Requests that schemathesis makes from the description of the API, and whether the answers are as it describes them.

What a description cannot say (which roles a message may have, that a model of this name is not here) is refused with a
status below 500, in the shape that the description gives for refusals.
"""

import contextlib
from dataclasses import dataclass, field

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.hostile_http.client import KEY, PLANNED, Target

CHECKS = [content_type_conformance, response_headers_conformance, response_schema_conformance, status_code_conformance]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
SECONDS = 60.0


@dataclass
class Described:
    """The API of a server under test; `sent` counts the requests."""

    target: Target
    sent: int = 0
    _found: list[str] = field(default_factory=list)

    def faults(self, count: int, seed_: int) -> list[str]:
        """What is wrong with the answers to about so many requests; at most one of each kind and operation."""
        operations = [
            one.ok() for one in schemathesis.openapi.from_dict(self.target.app.openapi()).get_all_operations()
        ]
        varied = [one for one in operations if one.body or one.path_parameters or one.query]
        self._found = []
        for operation in operations:
            share = count // len(varied) if operation in varied else 1
            for mode in MODES:
                self._try(operation, mode, max(1, share // len(MODES)), seed_)
        return list(dict.fromkeys(self._found))

    def _try(self, operation: APIOperation, mode: GenerationMode, count: int, seed_: int) -> None:
        @seed(seed_)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Case) -> None:
            self._send(operation.label, case)

        with contextlib.suppress(Unsatisfiable):  # nothing that this operation takes can be wrong
            send()

    def _send(self, label: str, case: Case) -> None:
        self.sent += 1
        self.target.heard.said.clear()
        if (
            isinstance(case.body, dict) and "model" in case.body and self.sent % 4
        ):  # else hardly any request would go beyond this name
            case.body["model"] = "docent"
        address = f"http://127.0.0.1:{self.target.port}"
        answer = case.call(base_url=address, headers={"Authorization": f"Bearer {KEY}"}, timeout=SECONDS)
        self.target.statuses[answer.status_code] = self.target.statuses.get(answer.status_code, 0) + 1
        if answer.status_code >= 500 and (answer.status_code not in PLANNED or "problem_" in answer.text):
            self._found.append(f"{label}: {answer.status_code} {answer.text[:200]} to {str(case.body)[:300]}")
        if self.target.heard.said:
            self._found.append(f"{label}: {answer.status_code}, and logged {self.target.heard.said[0][:200]}")
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            for one in failures.exceptions:
                self._found.append(
                    f"{label}: {answer.status_code} is not as described: {type(one).__name__} {one!s:.300}"
                )
