"""Writes the parts of the documentation that the code knows best: every setting, every command with its options.

python make/reference.py           writes them between their marks
python make/reference.py --check   changes nothing; exit status 1 when they are not what the code says
"""

import sys
from pathlib import Path

import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from indexer.cli import main as indexer
from server.cli import main as docent
from server.settings import ServerSettings

ROOT = Path(__file__).parents[1]


def settings_table() -> str:
    lines = ["| Setting | Default | What it is |", "|---|---|---|"]
    for name, field in ServerSettings.model_fields.items():
        lines.append(f"| `DOCENT_{name.upper()}` | {_default(field)} | {field.description} |")
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    value = field.default
    return "none" if value in (None, "") or isinstance(value, SecretStr) else f"`{value}`"


def commands() -> str:
    roots = (click.Context(indexer, info_name="indexer"), click.Context(docent, info_name="docent"))
    return "\n\n".join(part for root in roots for part in _described(root))


def _described(context: click.Context) -> list[str]:
    """A heading, the command's own help, its usage and a list of its options; for a group, of the commands below it."""
    command, path = context.command, context.command_path
    if isinstance(command, click.Group):
        parts = [f"## {path}\n\n{_prose(command.help)}"] if context.parent is None else []
        for name, below in sorted(command.commands.items()):
            parts += _described(click.Context(below, parent=context, info_name=name))
        return parts
    options = [
        f"- `{', '.join(option.opts)}{_value(option, context)}`: {_prose(option.help)}"
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    ]
    usage = " ".join(piece for piece in command.collect_usage_pieces(context) if options or piece != "[OPTIONS]")
    parts = [f"### {path}", _prose(command.help), f"```\n{path} {usage}".rstrip() + "\n```"]
    return [*parts, *(["\n".join(options)] if options else [])]


def _value(option: click.Option, context: click.Context) -> str:
    return "" if option.is_flag else f" {option.make_metavar(context)}"


def _prose(text: str | None) -> str:
    return " ".join((text or "").split())


def main() -> int:
    parts = {"settings": settings_table(), "commands": commands()}
    stale = []
    for path, part in (("README.md", "settings"), ("docs/settings.md", "settings"), ("docs/commands.md", "commands")):
        text = (ROOT / path).read_text(encoding="utf-8")
        before, mark, rest = text.partition(f"<!-- {part} -->\n")
        _, end, after = rest.partition(f"<!-- end of {part} -->")
        if not mark or not end:
            raise SystemExit(f"{path} lacks the marks <!-- {part} --> and <!-- end of {part} -->.")
        wanted = f"{before}{mark}{parts[part]}\n{end}{after}"
        if wanted != text:
            stale.append(path)
            if "--check" not in sys.argv:
                (ROOT / path).write_text(wanted, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"Not what the code says: {', '.join(stale)}. Run `make reference`.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
