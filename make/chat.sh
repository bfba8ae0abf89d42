#!/usr/bin/env bash
# Serves the chat over the documents in DOCS, with the language model MODEL where one is named: what `make chat` runs
# after set-up. MODEL is a GGUF file's path, or a name of `docent models list`, which is pulled when it is not there.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

# Asking whether a model is there is quick; `pull` reads the whole file to check it.
installed() {
    .venv/bin/docent models list --json | .venv/bin/python -c '
import json, sys
sys.exit(sys.argv[1].lower() not in [model["name"].lower() for model in json.load(sys.stdin)["installed"]])' "$1"
}

[ -d "$DOCS" ] || fail "There is no folder $DOCS. Name the folder of your documents: make chat DOCS=/path/to/documents"

case "${MODEL:-}" in
    "") ;;
    */* | *.gguf)
        [ -f "$MODEL" ] || fail "There is no file $MODEL. Name a GGUF file, or a model of: .venv/bin/docent models list"
        export DOCENT_MODEL=$MODEL
        ;;
    *)
        installed "$MODEL" || .venv/bin/docent models pull "$MODEL"
        export DOCENT_MODEL=$MODEL
        ;;
esac

exec .venv/bin/docent serve --ingest "$DOCS"
