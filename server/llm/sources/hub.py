"""The Hugging Face hub as a source: asked what it has, then one file fetched over plain HTTP.

The hub's own package says where it is and who asks (HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE work as it documents). Its
other transfer protocol needs more hosts to be reachable and cannot resume, so it is not used.
"""

import os
import re
import ssl
from dataclasses import dataclass
from typing import Any

import httpx
import truststore

from server.llm.catalogue import Hub
from server.llm.sources.download import Request, download
from server.llm.sources.transfer import PullCancelled, SourceFailed, Target, Watch, answer

NAME = "the Hugging Face hub"
SHA256 = re.compile(r"[0-9a-f]{64}")
DEFAULT_ENDPOINT = "https://huggingface.co"


@dataclass(frozen=True)
class Offered:
    """What the hub says of a file before it sends it."""

    size: int  # bytes; 0: it does not say
    sha256: str  # empty: it does not say


def address(source: Hub) -> str:
    endpoint = os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
    return f"{endpoint}/{source.repository}/resolve/{source.revision}/{source.path}"


def offered(source: Hub, watch: Watch) -> Offered:
    """Raises SourceFailed, Silent or PullCancelled."""
    url, limit = address(source), watch.patience + 1
    try:
        found = answer(lambda: _package().get_hf_file_metadata(url, timeout=limit), watch)
    except (SourceFailed, PullCancelled):
        raise
    except Exception as error:  # the package raises its own, its HTTP library's and ValueError
        raise _failed(error, source) from error
    sha256 = found.etag if found.etag and SHA256.fullmatch(found.etag) else ""
    return Offered(found.size or 0, sha256)


def fetch(source: Hub, target: Target, watch: Watch) -> None:
    """Complete the target's partial file. Raises SourceFailed, Silent or PullCancelled, and OSError for the disk."""
    found = offered(source, watch)
    if target.sha256 and found.sha256 and found.sha256 != target.sha256:
        raise SourceFailed(
            f"The hub now offers another file as {target.file} (sha256 {found.sha256}) than the one that was checked.",
            "Nothing was fetched. A newer version of Docent may know the new file.",
        )
    headers = {str(name): str(value) for name, value in _package().build_hf_headers(library_name="docent").items()}
    trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(verify=trust) as client:
        request = Request(client, address(source), target.file, target.size or found.size, headers=headers)
        download(request, target.partial, watch, watch.report)


def _package() -> Any:
    """It takes half a second to import and reads its switches then."""
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import file_download

    return file_download


def _failed(error: Exception, source: Hub) -> SourceFailed:
    status = getattr(getattr(error, "response", None), "status_code", None)
    place = f"{source.path} in {source.repository}"
    if status == 404:
        return SourceFailed(f"The hub has no {place} (revision {source.revision}).", "Check the spelling.")
    if status in (401, 403):
        return SourceFailed(
            f"The hub does not give out {place} to everybody, or it does not exist.",
            "Check the spelling; if its licence has to be accepted, do so on the hub and set HF_TOKEN.",
        )
    if status is not None:
        return SourceFailed(f"The hub answered with HTTP status {status}.")
    reason = str(error).strip().splitlines()[0:1] or [type(error).__name__]
    where = address(source).split("/resolve/")[0]
    return SourceFailed(f"The hub at {where} could not be reached or broke off ({reason[0][:200]}).")
