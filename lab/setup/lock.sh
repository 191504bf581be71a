#!/usr/bin/env bash
# Rewrites requirements.lock and requirements-dev.lock from pyproject.toml: every version, with the hash of every file of
# the release, so that one lock serves every platform. No index and no host name are written into them.
#
#   lock.sh [--upgrade]
#
# For maintainers; asks the public registry whatever this machine's pip is configured to ask.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools/venv"

# A local index may hold wheels of its own making: their hashes would be useless to anybody else.
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL PIP_INDEX_URL
export PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND='bash lab/setup/lock.sh'

"$tools/venv/bin/pip" install --quiet pip-tools
compile() {
    "$tools/venv/bin/pip-compile" --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras \
        --allow-unsafe --build-deps-for=editable --resolver=backtracking "$@" pyproject.toml
}
compile "$@" --output-file requirements.lock
compile "$@" --extra dev --constraint requirements.lock --output-file requirements-dev.lock
