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
    return "\n\n".join(part for command in (indexer, docent) for part in _command(command, click.Context(command)))


def _command(command: click.Command, context: click.Context) -> list[str]:
    """A heading, the command's own help and a list of its options, for it and the commands below it."""
    name = context.info_name or command.name or ""
    path = f"{context.parent.command_path} {name}" if context.parent else name
    if isinstance(command, click.Group):
        parts = [f"## {path}\n\n{_prose(command.help)}"] if context.parent is None else []
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                parts += _command(found, click.Context(found, parent=context, info_name=below))
        return parts
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    options = [
        f"- `{', '.join(option.opts)}{_value(option)}`: {_prose(option.help)}"
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and option.name != "help"
    ]
    return [f"### {path}\n\n{_prose(command.help)}\n\n```\n{usage}\n```", *(["\n".join(options)] if options else [])]


def _value(option: click.Option) -> str:
    return "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('x')))}"


def _prose(text: str | None) -> str:
    return " ".join((text or "").split())


def main() -> int:
    indexer.name, docent.name = "indexer", "docent"
    parts = {"settings": settings_table(), "commands": commands()}
    stale = []
    for path, part in (("README.md", "settings"), ("docs/settings.md", "settings"), ("docs/commands.md", "commands")):
        text = (ROOT / path).read_text(encoding="utf-8")
        before, mark, rest = text.partition(f"<!-- {part} -->\n")
        _, end, after = rest.partition(f"\n<!-- end of {part} -->")
        if not mark or not end:
            raise SystemExit(f"{path} lacks the marks <!-- {part} --> and <!-- end of {part} -->.")
        wanted = f"{before}{mark}{parts[part]}{end}{after}"
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
