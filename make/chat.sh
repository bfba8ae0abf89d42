#!/usr/bin/env bash
# Sets everything up and serves the chat over the documents in DOCS: what `make chat` runs. A folder or file that is not
# there is told before the minutes of set-up. The page is there at once and answers with quotations; MODEL says which
# language model is fetched behind it, where it is not installed:
#
#   nothing                     a small one that fits this machine, unless one is installed
#   a name                      that one of `docent models list`
#   a GGUF file's path          that file; nothing is fetched
#   none                        none, and none that is installed is used
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

[ -d "$DOCS" ] || fail "There is no folder $DOCS. Name the folder of your documents: make chat DOCS=/path/to/documents"

set -- serve --ingest "$DOCS"
case "${MODEL:-}" in
    none) export DOCENT_MODEL=none ;;
    */* | *.gguf)
        [ -f "$MODEL" ] || fail "There is no file $MODEL. Name a GGUF file, or a model of: .venv/bin/docent models list"
        export DOCENT_MODEL=$MODEL
        ;;
    *) set -- "$@" --fetch "${MODEL:-default}" ;;
esac

make/setup.sh
exec .venv/bin/docent "$@"
