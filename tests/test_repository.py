"""What the repository says about itself is true: its trees, the imports, the lock files, the wheel."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from indexer.documents.extract.formats import FORMATS

ROOT = Path(__file__).parents[1]
PACKAGES = ("indexer", "server")

FLOORS = {
    "indexer": (
        ("indexer.cli",),
        ("indexer.commands",),
        ("indexer.evaluate",),
        ("indexer.progress",),
        ("indexer.enrich", "indexer.rebuild", "indexer.verify"),
        ("indexer.search", "indexer.ingest", "indexer.console"),
        ("indexer.library_errors",),
        ("indexer.knowledge", "indexer.embed_remote"),
        ("indexer.documents", "indexer.client"),
        ("indexer.documents.extract", "indexer.passages", "indexer.embed"),
        ("indexer.text", "indexer.settings"),
        ("indexer.errors",),
    ),
    "server": (
        ("server.cli",),
        ("server.commands",),
        ("server.app",),
        ("server.web.api", "server.web.pages"),
        ("server.web", "server.views", "server.runtime"),
        ("server.conversations", "server.library"),
        ("server.answering",),
        ("server.llm",),
        ("server.engine", "server.sessions"),
        ("server.login_limit",),
        ("server.settings", "server.errors"),
    ),
}
"""Every room of a package, from the whole to the parts: a room imports itself and rooms of lower floors, none
beside it."""

ENTRIES, FILE_LINES, FUNCTION_LINES = {"indexer": 20, "server": 16}, 400, 60
UNCOUNTED = {"__init__.py", "__main__.py", "__pycache__"}

PURE = (
    "indexer.passages",
    "indexer.text",
    "indexer.documents.chunk",
    "indexer.search.answerability",
    "indexer.search.central",
    "server.answering.citations",
    "server.answering.events",
    "server.answering.evidence",
    "server.answering.extractive",
    "server.answering.negation",
    "server.answering.outline",
    "server.answering.prompt",
    "server.answering.relevance",
    "server.answering.support",
    "server.conversations.asked_of",
    "server.conversations.shapes",
    "server.conversations.evidence_json",
    "server.views.choosing",
    "server.views.conversation_list",
    "server.views.export",
    "server.views.notes",
    "server.views.presentation",
    "server.views.render",
    "server.views.source_view",
    "server.views.wording",
)
"""Modules, and packages of them, that reach neither a database nor an index nor a model, whatever they import."""

HEAVY = {"sqlalchemy", "sqlmodel", "torch", "sentence_transformers", "faiss", "llama_cpp", "fastapi", "httpx"}


@cache
def tracked() -> tuple[str, ...]:
    """Paths in git's index that exist, POSIX form."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    out = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(path for path in out.split("\0") if path and (ROOT / path).is_file())


# The trees: of folders in the README, of every file in docs/architecture.md


def tree(page: str) -> dict[str, str]:
    """Paths that a page's tree names, folders with a closing slash, and the job of each."""
    blocks = re.findall(r"```text\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if block.startswith("indexer/")]
    entries: dict[str, str] = {}
    folders: list[str] = []
    for line in block.splitlines():
        indent = len(line) - len(line.lstrip())
        name, _, job = line.strip().partition(" ")
        folders = folders[: indent // 4]
        entries["".join([*folders, name])] = job.strip()
        if name.endswith("/"):
            folders.append(name)
    return entries


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_every_entry_of_a_tree_has_one_job(page: str) -> None:
    assert [path for path, job in tree(page).items() if not re.search("[A-Za-z]", job)] == []


def test_the_readme_names_every_folder_of_the_repository_and_of_its_packages() -> None:
    there = {path.partition("/")[0] + "/" for path in tracked() if "/" in path}
    for path in tracked():
        if path.startswith(PACKAGES):
            parts = path.split("/")[:-1]
            there |= {"/".join(parts[:depth]) + "/" for depth in range(1, len(parts) + 1) if "versions" not in parts}
    named = set(tree("README.md"))
    assert sorted(there - named) == [], "not in the README's tree"
    assert sorted(named - there) == [], "in the README's tree, but not in the repository"


def test_the_architecture_names_every_file_and_nothing_else() -> None:
    named = set(tree("docs/architecture.md"))
    opened = {"", *(path[: path.rstrip("/").rfind("/") + 1] for path in named)}
    there = set()
    for path in tracked():
        parts = path.split("/")
        for depth in range(len(parts)):
            folder = "/".join(parts[:depth]) + "/" if depth else ""
            if folder in opened:
                there.add(folder + parts[depth] + ("/" if depth < len(parts) - 1 else ""))
    there |= {path for path in tracked() if path.startswith(PACKAGES) and "/migrations/" not in path}
    assert sorted(there - named) == [], "not in the tree of docs/architecture.md"
    assert sorted(named - there) == [], "in the tree of docs/architecture.md, but not in the repository"


# Size


def test_no_room_is_crowded_and_nothing_is_too_long_to_hold_in_the_head() -> None:
    for package in PACKAGES:
        entries = [path for path in (ROOT / package).iterdir() if path.name not in UNCOUNTED]
        assert len(entries) <= ENTRIES[package], package
    long = []
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        if source.count("\n") > FILE_LINES:
            long.append(module_name(path))
        functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
        long += [f"{module_name(path)}.{n.name}" for n in functions if n.end_lineno - n.lineno >= FUNCTION_LINES]
    assert long == []


# Imports


@dataclass(frozen=True)
class Import:
    module: str
    inside_function: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[Import]:
    """What a file imports, or names to be loaded, except for type checkers alone."""

    def visit(node: ast.AST, inside: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: imports are absolute"
                yield from (Import(f"{child.module}.{alias.name}", inside) for alias in child.names)
            elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            else:
                if isinstance(child, ast.Call) and ast.unparse(child.func).endswith("import_module"):
                    yield Import(ast.unparse(child.args[0]).strip("'"), inside)
                elif isinstance(child, ast.Call) and ast.unparse(child.func) in ("done_by", "Work"):
                    yield Import(ast.unparse(child.args[0]).strip("'").replace(":", "."), False)
                yield from visit(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), False)


@cache
def sources() -> dict[str, tuple[Import, ...]]:
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {module_name(path): tuple(imports(path)) for path in files}


def own_module(name: str) -> str:
    """The module of ours that an imported name stands in, or ""."""
    while name and name not in sources():
        name = name.rpartition(".")[0]
    return name


@cache
def graph() -> dict[str, frozenset[str]]:
    return {
        module: frozenset(own_module(one.module) for one in found) - {"", module, *PACKAGES}
        for module, found in sources().items()
    }


def reachable(module: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        for found in graph().get(waiting.pop(), frozenset()) - seen:
            seen.add(found)
            waiting.append(found)
    return seen


def test_the_indexer_never_imports_the_server() -> None:
    found = [
        module
        for module, all_of in sources().items()
        if module.split(".")[0] == "indexer" and any(one.module.split(".")[0] == "server" for one in all_of)
    ]
    assert found == []


def test_no_module_imports_itself_in_a_circle() -> None:
    assert [module for module in graph() if module in reachable(module)] == []


def test_own_modules_are_imported_at_the_top_of_a_file() -> None:
    found = [
        f"{module} imports {one.module}"
        for module, all_of in sources().items()
        for one in all_of
        if one.inside_function and one.module.split(".")[0] in PACKAGES
    ]
    assert found == []


def room(module: str) -> str:
    """The room that a module stands in: the longest name among the floors that is its package or itself."""
    rooms = [name for floors in FLOORS.values() for floor in floors for name in floor]
    return max((name for name in rooms if f"{module}.".startswith(f"{name}.")), key=len, default="")


def test_every_module_has_a_room_and_every_room_a_module() -> None:
    entries = {"indexer", "server", "indexer.__main__", "server.__main__"}
    assert [module for module in sources() if not room(module) and module not in entries] == []
    named = {name for floors in FLOORS.values() for floor in floors for name in floor}
    assert named - {room(module) for module in sources()} == set()


def test_imports_run_from_a_room_to_lower_floors() -> None:
    floor = {name: at for floors in FLOORS.values() for at, names in enumerate(floors) for name in names}
    wrong = [
        f"{module} imports {target}"
        for module, targets in graph().items()
        for target in targets
        if room(module)
        and room(module) != room(target)
        and room(module).split(".")[0] == room(target).split(".")[0]
        and floor[room(module)] >= floor[room(target)]
    ]
    assert wrong == []


def test_every_package_says_what_belongs_there_and_what_does_not() -> None:
    packages = [path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")]
    silent = []
    for path in packages:
        says = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if not all(word in says for word in ("What belongs here:", "What does not:", "Imports")):
            silent.append(module_name(path))
    assert silent == []


def test_every_package_says_what_it_imports() -> None:
    """By the last part of each room's name; settings and errors go without saying, and commands import everything."""
    wrong = []
    for package in {name for name in sources() if (ROOT / name.replace(".", "/") / "__init__.py").exists()} - set(
        PACKAGES
    ):
        if room(package) != package or package.endswith(".commands"):
            continue
        says = ast.get_docstring(
            ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
        )
        (said,) = re.findall(r"Imports[^.]*\.", says or "", re.DOTALL)
        reached = {room(t) for module in graph() if room(module) == package for t in graph()[module]} - {package, ""}
        imported = {name.rpartition(".")[2] for name in reached} - {"settings", "errors"}
        if imported != set(re.findall(r"`(\w+)`", said)):
            wrong.append(f"{package} imports {sorted(imported)}")
    assert wrong == []


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_reach_neither_a_database_nor_a_model(name: str) -> None:
    modules = [module for module in sources() if module == name or module.startswith(f"{name}.")]
    assert modules
    loaded = {
        f"{by} imports {one.module}"
        for module in modules
        for by in {module, *reachable(module)}
        for one in sources()[by]
        if one.module.split(".")[0] in HEAVY
    }
    assert loaded == set()


def test_llama_cpp_has_one_importer() -> None:
    importers = {m for m, found in sources().items() if any(one.module.split(".")[0] == "llama_cpp" for one in found)}
    assert importers == {"server.engine.llama"}


# What must not be in the repository

MACHINE = re.compile(r"(?<![\w.$}])/(?:work|root|home)/|\bpypi\.org|registry\.npmjs\.org|files\.pythonhosted\.org")


def test_no_file_names_a_development_machine_or_a_registry() -> None:
    found = []
    for path in tracked():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        found += [f"{path}:{number}" for number, line in enumerate(text.splitlines(), 1) if MACHINE.search(line)]
    assert found == []


# Locks

PINNED = re.compile(r"^([a-z0-9-]+)==([^ ]+)", re.MULTILINE)


def pyproject() -> dict[str, list[str]]:
    """Requirements as they are written: of the product, and of its development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"run": project["dependencies"], "dev": project["optional-dependencies"]["dev"]}


def lock(name: str) -> dict[str, set[str]]:
    """Versions of each package; there may be one for each Python."""
    versions: dict[str, set[str]] = {}
    for package, version in PINNED.findall((ROOT / name).read_text(encoding="utf-8")):
        versions.setdefault(package, set()).add(version)
    return versions


@pytest.mark.parametrize(("name", "parts"), [("requirements.lock", ["run"]), ("requirements-dev.lock", ["run", "dev"])])
def test_a_lock_is_in_step_with_pyproject(name: str, parts: list[str]) -> None:
    locked = lock(name)
    for requirement in (one for part in parts for one in pyproject()[part]):
        package, _, version = requirement.split(";")[0].strip().partition("==")
        assert version, f"{requirement} is not pinned"
        if package != "torch":  # set-up installs it by itself: the CPU build where there is no GPU
            assert locked.get(package) == {version}, f"{requirement}: run `make lock`"


def test_the_development_lock_pins_what_the_product_runs_with() -> None:
    product, development = lock("requirements.lock"), lock("requirements-dev.lock")
    assert {package: development.get(package) for package in product} == product


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_hashes_and_neither_addresses_nor_cuda(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert [name for name in lock(name) if re.match(r"torch$|triton|cuda-|nvidia-", name)] == []


def test_scripts_of_the_page_are_pinned_with_hashes() -> None:
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert wanted
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    for path, package in packages.items():
        assert not path or package["integrity"].startswith("sha512-")
        assert "resolved" not in package


# The wheel


def build_wheel(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, timeout=120)


def test_a_wheel_holds_templates_styles_scripts_and_migrations(tmp_path: Path) -> None:
    built = build_wheel(ROOT, tmp_path)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"server/_assets/static/vendor/{name}" for name in ("htmx.min.js", "sse.min.js")} <= names
    expected = {
        path if path.startswith(PACKAGES) else f"server/_assets/{path}"
        for path in tracked()
        if path.startswith(("indexer/", "server/", "templates/", "static/"))
    }
    assert expected - names == set()


def test_a_wheel_without_the_scripts_of_the_page_is_refused(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("make", "indexer", "server"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    built = build_wheel(tmp_path, tmp_path / "dist")
    assert built.returncode != 0
    assert "lacks htmx.min.js, sse.min.js: run `make setup`" in built.stdout + built.stderr


# The documentation


def test_the_guide_names_every_ending_that_is_read() -> None:
    guide = (ROOT / "docs" / "documents.md").read_text(encoding="utf-8")
    assert [ending for ending in FORMATS if f"`{ending}`" not in guide] == []


def test_links_between_pages_of_the_guide_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_files_that_the_guide_names_are_there() -> None:
    named = re.compile(r"`((?:indexer|server|tests|benchmarks|make|docs)/[\w./-]*)`")
    gone = [
        f"{page.name}: {path}"
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for path in named.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / path).exists()
    ]
    assert gone == []


def test_settings_and_commands_in_the_documentation_are_the_codes_own() -> None:
    checked = subprocess.run(
        [sys.executable, "make/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
