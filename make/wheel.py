"""Build hook: puts templates and static files into the wheel, as server/_assets.

An editable installation gets none: it would keep old copies, and the checkout's own files are the ones to serve.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPTS = ("htmx.min.js", "sse.min.js")


class AssetsHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        vendor = Path(self.root, "static", "vendor")
        missing = [name for name in SCRIPTS if not (vendor / name).is_file()]
        if missing:
            raise SystemExit(
                f"A wheel holds the page's scripts, and {vendor} lacks {', '.join(missing)}: run `make setup`."
            )
        for folder in ("templates", "static"):
            build_data["force_include"][str(Path(self.root, folder))] = f"server/_assets/{folder}"
