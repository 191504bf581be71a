#!/usr/bin/env bash
# `make check`: everything a machine can check without running the code. All checks run; one failure fails the whole.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=lab/setup/say.sh
. lab/setup/say.sh

bash lab/setup/venv.sh dev || exit
bin=$PWD/.venv/bin
failed=()

check() { # check NAME COMMAND…: quiet when it passes
    local name=$1 log
    shift
    if log=$("$@" 2>&1); then
        printf '  ok    %s\n' "$name"
    else
        printf '%s\n  FAIL  %s\n' "$log" "$name"
        failed+=("$name")
    fi
}

# Files a clone has, and new ones not yet added; without git (an archive), what the folder holds.
files() { # files GLOB…
    git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null ||
        find . -path ./.venv -prune -o -type f \( -name "$1" \) -print
}

scripts=(.ci/run) dockerfiles=()
while IFS= read -r file; do scripts+=("$file"); done < <(files '*.sh')
while IFS= read -r file; do dockerfiles+=("$file"); done < <(files '*Dockerfile')

check 'ruff check' "$bin/ruff" check .
check 'ruff format' "$bin/ruff" format --check .
check 'mypy' "$bin/mypy"
check 'import-linter' "$bin/lint-imports" --no-cache
check 'shellcheck' "$bin/shellcheck" --external-sources "${scripts[@]}"
# An architecture without a wheel has no hadolint in .venv: one found on PATH does as well, none is said aloud.
if hadolint=$(PATH=$bin:$PATH command -v hadolint); then
    check 'hadolint' "$hadolint" "${dockerfiles[@]}"
else
    warn '  SKIP  hadolint: not in .venv and not on PATH; the Dockerfile was NOT checked' \
        '  SKIP  hadolint：.venv 和 PATH 中都没有，Dockerfile 未被检查'
fi
# The compose plugin reads the file by itself; only where it is missing must the set-up run first.
docker compose version >/dev/null 2>&1 || bash lab/setup/engine.sh || exit
check 'compose.yaml' docker compose --file compose.yaml config --quiet

if [ "${#failed[@]}" -gt 0 ]; then
    fail 1 'make check: %s of the checks failed: %s' 'make check：%s 项检查未通过：%s' "${#failed[@]}" "${failed[*]}"
fi
say 'make check: all passed.' 'make check：全部通过。'
