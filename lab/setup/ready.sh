#!/usr/bin/env bash
# What every target of the Makefile that needs the engine begins with: is everything there? A few milliseconds when it is.
#
#   ready.sh [dev]      dev as in venv.sh

set -euo pipefail

setup=${BASH_SOURCE[0]%/*}
cd -P "$setup/../.."
lock=requirements.lock
if [ "${1:-}" = dev ]; then lock=requirements-dev.lock; fi

# No program is run here: files tell. What they cannot tell, engine.sh and venv.sh find out.
venv_is_current() {
    [ -x .venv/bin/lab ] && [ -f .venv/.socketlab ] &&
        [ .venv/.socketlab -nt "$lock" ] && [ .venv/.socketlab -nt pyproject.toml ] &&
        [ .venv/.socketlab -nt lab/setup/launch.sh ] &&
        [[ $(<.venv/.socketlab) == "$PWD"$'\n'*"$lock "* ]]
}

engine_is_up() {
    local pid='' dir config=${DOCKER_CONFIG:-${HOME:-/root}/.docker}
    [ -z "${DOCKER_HOST:-}${DOCKER_CONTEXT:-}" ] && [ -S /var/run/docker.sock ] && [ -w /var/run/docker.sock ] || return 1
    # `docker context use` writes there, and then another engine may be meant. The client heeds no capitals in a name.
    if [ -r "$config/config.json" ] &&
        [[ $(<"$config/config.json") == *'"'[cC][uU][rR][rR][eE][nN][tT][cC][oO][nN][tT][eE][xX][tT]'"'* ]]; then
        return 1
    fi
    if [ -r /var/run/docker.pid ]; then pid=$(</var/run/docker.pid); fi
    [ -n "$pid" ] && [ -d "/proc/$pid" ] || return 1
    for dir in /usr/libexec/docker /usr/lib/docker /usr/local/lib/docker /usr/local/libexec/docker "$config"; do
        if [ -x "$dir/cli-plugins/docker-compose" ]; then return 0; fi
    done
    return 1
}

if ! engine_is_up; then "$BASH" lab/setup/engine.sh; fi
if ! venv_is_current; then "$BASH" lab/setup/venv.sh "$@"; fi
