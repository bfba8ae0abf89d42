"""Where the page's templates and static files are: beside the packages in a checkout, inside the package in a wheel."""

from pathlib import Path

_PACKAGED = Path(__file__).parent / "_assets"
_ROOT = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[1]

TEMPLATES = _ROOT / "templates"
STATIC = _ROOT / "static"
