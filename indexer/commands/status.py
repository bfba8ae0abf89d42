"""`indexer status`: what is indexed, what could not be read and why, what is under way, and how much room it takes."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from indexer.console import inert
from indexer.errors import program
from indexer.knowledge.catalog import Catalog, Reason, RebuildProgress
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import LedgerEntry
from indexer.progress import kind_of_reason
from indexer.settings import IndexerSettings


@dataclass
class _Group:
    """Files that are not indexed, of one state and one kind of reason."""

    state: str
    entries: list[LedgerEntry] = field(default_factory=list)

    @property
    def documents(self) -> list[str]:
        return [entry.path for entry in self.entries]

    @property
    def one(self) -> LedgerEntry:
        """One of those with the most frequent reason."""
        reason, _ = Counter(entry.reason for entry in self.entries).most_common(1)[0]
        return next(entry for entry in self.entries if entry.reason == reason)

    @property
    def is_alike(self) -> bool:
        """Whether all have the very same reason, down to the numbers in it."""
        return len({entry.reason for entry in self.entries}) == 1


@dataclass
class _Shown:
    """A collection as it is shown."""

    name: str
    documents: int
    chunks: int
    updated_at: datetime | None
    states: dict[str, int]
    read_by_older: int
    remarks: int  # documents that are indexed, of which not everything was read
    groups: list[_Group]


def run(collection: tuple[str, ...], files: bool, as_json: bool) -> None:
    settings = IndexerSettings()
    catalog = Catalog(open_knowledge(settings))
    scope = catalog.chosen(list(collection), catalog.everything())
    unread = [(name, entry) for name, entry in catalog.ledger(scope) if entry.state != "indexed"]
    reasons, older, chunks = catalog.reasons(scope), catalog.read_by_older(scope), catalog.count_chunks(scope)
    shown = [
        _Shown(
            one.name,
            one.documents,
            chunks.get(one.id, 0),
            one.updated_at,
            _states(reasons, one.name),
            older.get(one.name, 0),
            sum(r.files for r in reasons if r.collection == one.name and r.state == "indexed" and r.reason),
            _groups(unread, one.name),
        )
        for one in catalog.collections(scope)
    ]
    names = catalog.names(scope)
    same = [[(names[one.collection_id], one.path) for one in group] for group in catalog.same_groups(scope)]
    rebuild, room = catalog.rebuild(), _room(settings)
    if as_json:
        groups = [[{"collection": name, "document": path} for name, path in group] for group in same]
        said = _as_json(shown, unread, rebuild, room) | ({"same": groups} if groups else {})
        click.echo(json.dumps(said, ensure_ascii=False))
    else:
        _show(shown, files, rebuild, room)
        _show_same(same)


def _states(reasons: Sequence[Reason], collection: str) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for one in reasons:
        if one.collection == collection:
            counted[one.state] += one.files
    return dict(counted.most_common())


def _groups(unread: Sequence[tuple[str, LedgerEntry]], collection: str) -> list[_Group]:
    """The largest first."""
    groups: dict[tuple[str, str], _Group] = {}
    for name, entry in unread:
        if name == collection:
            kind = (entry.state, kind_of_reason(entry.reason))
            groups.setdefault(kind, _Group(entry.state)).entries.append(entry)
    return sorted(groups.values(), key=lambda group: (-len(group.entries), group.state, group.one.reason))


def _room(settings: IndexerSettings) -> dict[str, int]:
    """Bytes on the disk: the database with what is not yet in its main file, the search index, the uploads' copies."""
    database = [settings.knowledge_path.with_name(settings.knowledge_path.name + end) for end in ("", "-wal")]
    return {
        "database": sum(_size(path) for path in database),
        "index": _folder_size(settings.index_path),
        "uploads": _folder_size(settings.uploads_path),
    }


def _folder_size(folder: Path) -> int:
    return sum(_size(path) for path in folder.rglob("*")) if folder.is_dir() else 0


def _size(path: Path) -> int:
    try:
        return path.stat(follow_symlinks=False).st_size if path.is_file() else 0
    except OSError:  # it was replaced in this moment
        return 0


def _as_json(
    shown: Sequence[_Shown],
    unread: Sequence[tuple[str, LedgerEntry]],
    rebuild: RebuildProgress | None,
    room: Mapping[str, int],
) -> dict[str, Any]:
    return {
        "collections": [
            {
                "name": one.name,
                "documents": one.documents,
                "chunks": one.chunks,
                "updated_at": one.updated_at.isoformat() if one.updated_at else None,
                "states": one.states,
                "read_by_older": one.read_by_older,
                "with_remarks": one.remarks,
                "reasons": [_group_json(group) for group in one.groups],
            }
            for one in shown
        ],
        "not_indexed": [
            {"collection": name, "document": e.path, "state": e.state, "reason": e.reason} for name, e in unread
        ],
        "rebuild": _rebuild_json(rebuild) if rebuild else None,
        "bytes": dict(room),
    }


def _group_json(group: _Group) -> dict[str, Any]:
    documents = group.documents
    return {"state": group.state, "reason": group.one.reason, "files": len(documents), "documents": documents}


def _rebuild_json(progress: RebuildProgress) -> dict[str, Any]:
    rebuild = progress.rebuild
    made_with = {key: value for key, value in rebuild.made_with.items() if key != "digest"}
    return {
        "phase": rebuild.phase,
        "documents": progress.done,
        "of": progress.total,
        "started_at": rebuild.started_at,
        **made_with,
    }


def _show(shown: Sequence[_Shown], files: bool, rebuild: RebuildProgress | None, room: Mapping[str, int]) -> None:
    if not shown:
        click.echo(f"Nothing is indexed yet. Run `{program('indexer')} ingest FOLDER`.")
    for one in shown:
        when = f", last changed {one.updated_at:%Y-%m-%d %H:%M} UTC" if one.updated_at else ""
        click.echo(inert(f"{one.name}: {one.documents} documents, {one.chunks} passages{when}"))
        if len(one.states) > 1:
            click.echo("  " + ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in one.states.items()))
        if one.remarks:
            click.echo(f"  {one.remarks} documents with remarks of what was not read (`indexer export` has each)")
        if one.read_by_older:
            click.echo(f"  {one.read_by_older} documents were read by an older reader: the next `indexer ingest` of "
                       "their folder reads them again")  # fmt: skip
        for group in one.groups:
            _show_group(one.name, group, files)
    if any(len(group.entries) > 1 for one in shown for group in one.groups) and not files:
        click.echo("`indexer status --files` names every file that is not indexed, with its reason.")
    if rebuild:
        click.echo(_rebuild_line(rebuild))
    click.echo(f"On the disk: {', '.join(f'{what} {size / 1e6:.1f} MB' for what, size in room.items())}")


def _show_group(collection: str, group: _Group, files: bool) -> None:
    one, count = group.one, len(group.entries)
    if count == 1:
        click.echo(inert(f"  {group.state:9} {collection}/{one.path}: {one.reason}"))
        return
    which = "" if group.is_alike else f", one of them {one.path}"
    click.echo(inert(f"  {group.state:9} {count} files{which}: {one.reason}"))
    for entry in group.entries if files else ():
        own = "" if group.is_alike else f": {entry.reason}"
        click.echo(inert(f"            {collection}/{entry.path}{own}"))


def _rebuild_line(progress: RebuildProgress) -> str:
    rebuild = progress.rebuild
    goal = f"{rebuild.made_with['embedder']}, passages of {rebuild.made_with['chunk_tokens']} tokens"
    match rebuild.phase:
        case "making":
            return inert(
                f"A rebuild for {goal} has {progress.done} of {progress.total} documents. If it does not run any more, "
                "`indexer rebuild` goes on with it and `indexer rebuild --discard` throws it away."
            )
        case "clearing":
            return inert(
                f"A rebuild for {goal} has ended; `indexer rebuild` removes what is left of the older passages."
            )
        case "discarding":
            return "A rebuild was given up; `indexer rebuild --discard` removes what is left of it."


def _show_same(groups: Sequence[Sequence[tuple[str, str]]]) -> None:
    for group in groups:
        click.echo(inert("  same words " + ", ".join(f"{name}/{path}" for name, path in group)))
