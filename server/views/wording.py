"""Numbers, times and sizes in words for people (pure)."""

import re
from datetime import UTC, datetime


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def indexing(done: int, total: int) -> str:
    """How far it is; before and after the files are gone through there is no number."""
    return f"Indexing: {done:,} of {total:,}" if total else "Indexing"


def duration(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    if seconds < 1:
        return "under a second"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def ago(then: datetime, now: datetime) -> str:
    minutes = int((aware(now) - aware(then)).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{counted(minutes, 'minute')} ago"
    if minutes < 24 * 60:
        return f"{counted(minutes // 60, 'hour')} ago"
    return f"{counted(minutes // (24 * 60), 'day')} ago"


def file_size(size: int) -> str:
    """Bytes as people say them."""
    if size < 1000:
        return counted(size, "byte")
    for unit in ("kB", "MB"):
        size_in_unit = size / (1000 if unit == "kB" else 1_000_000)
        if size_in_unit < 999.5:
            return f"{size_in_unit:.1f} {unit}" if size_in_unit < 10 else f"{size_in_unit:.0f} {unit}"
    return f"{size / 1_000_000_000:.1f} GB"


_BINARY = re.compile(r"(\d[\d,]*(?:\.\d+)?) ([MG])iB\b")


def decimal_units(text: str) -> str:
    """A sentence in the units in which files and memory are told elsewhere on the page: 1.0 GiB is 1.1 GB."""
    powers = {"M": 1 << 20, "G": 1 << 30}
    return _BINARY.sub(lambda found: file_size(round(float(found[1].replace(",", "")) * powers[found[2]])), text)


def moment(when: datetime, now: datetime) -> str:
    """In the server's time zone, to the minute; the year where it is another one."""
    local = aware(when).astimezone()
    year = "" if local.year == aware(now).astimezone().year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def machine_moment(when: datetime) -> str:
    """The same for programs, and for whoever points at it: with the zone, to the second."""
    return aware(when).astimezone().isoformat(timespec="seconds")


def aware(moment: datetime) -> datetime:
    """A time of the database is UTC, whether it says so or not."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
