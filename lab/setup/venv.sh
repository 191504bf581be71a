#!/usr/bin/env bash
# The project's own Python environment, .venv: locked versions, each checked against its hash, and the project itself.
#
#   venv.sh [dev]       dev adds what `make test` and `make check` need
#
# Silent and quick when nothing has changed since. Exit codes: 0 it is there, 2 wrong usage, 3 this machine cannot have it.

set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd -P "$setup/../.."
# shellcheck source=lab/setup/say.sh
. "$setup/say.sh"
# shellcheck source=lab/setup/apt.sh
. "$setup/apt.sh"

# The user's own Python settings are not the project's: a PYTHONPATH, or pip told to install elsewhere.
unset PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

STAMP=.venv/.socketlab
LOG=''
clean_up() { if [ -n "$LOG" ]; then rm -f "$LOG"; fi; }
trap clean_up EXIT

digest() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi
}

# The stamp says where the environment was made (a folder that was moved or copied is another one: the tools' scripts hold
# absolute paths), then from what: a line for each set.
is_from_here() { [ -f "$STAMP" ] && [[ $(<"$STAMP") == "$PWD"$'\n'* ]]; }

wanted_line() { # wanted_line LOCK
    local sum
    # The tool sections of pyproject.toml do not matter to what is installed.
    sum=$({ cat "$1" && sed '/^\[tool\.pytest/,$d' pyproject.toml; } | digest)
    printf '%s %s\n' "$1" "${sum%% *}"
}

is_current() { # is_current LOCK
    [ -x .venv/bin/python ] && [ -x .venv/bin/lab ] && is_from_here && grep -qxF "$(wanted_line "$1")" "$STAMP"
}

can_install() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; }

PROBE='import os, sys
if sys.version_info < (3, 11): sys.exit(1)
base = getattr(sys, "_base_executable", sys.executable)
print("%d.%d" % sys.version_info[:2], "%d.%d.%d" % sys.version_info[:3], os.path.realpath(base))'

find_python() { # sets python (a path that names its release, so that an upgrade of the system is noticed), minor, version
    local name found
    for name in "${LAB_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$name" ] && found=$("$name" -c "$PROBE" 2>/dev/null); then
            read -r minor version python <<<"$found"
            return 0
        fi
    done
    return 1
}

install_package() { # install_package PACKAGE: with apt, saying so
    say 'Installing %s with apt …' '正在用 apt 安装 %s……' "$1"
    if [ -z "$(apt_candidate "$1")" ]; then apt_update; fi
    apt_install "$1"
}

need_python() {
    if find_python; then return; fi
    if can_install && install_package python3 && find_python; then return; fi
    if can_install && install_package python3.11 && find_python; then return; fi
    fail 3 'The lab needs Python 3.11 or newer. Install it, or name one: make venv LAB_PYTHON=/path/to/python3' \
        '实验需要 Python 3.11 或更新的版本。请安装，或指定一个：make venv LAB_PYTHON=/path/to/python3'
}

need_venv_module() { # Debian and Ubuntu ship venv without ensurepip, which it needs
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then return; fi
    if can_install && { install_package "python$minor-venv" || install_package python3-venv; } &&
        "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        return
    fi
    fail 3 'Python %s has no venv module. Type: sudo apt-get install python%s-venv' \
        'Python %s 缺少 venv 模块。请执行：sudo apt-get install python%s-venv' "$version" "$minor"
}

give_up() { # give_up WHAT: the end of the log, and the remedy
    tail -n 12 "$LOG" >&2
    fail 3 'The Python environment could not be made (%s; the last lines are above). Once the cause is gone: make venv' \
        '无法创建 Python 环境（%s；上面是最后几行输出）。排除原因后执行：make venv' "$1"
}

pip_install() { # pip_install LOCK: everything in it, showing which package it is at
    local lock=$1 total
    total=$(grep -c '^[a-z0-9].*==' "$lock")
    # The lock is complete, so nothing has to be resolved (--no-deps); a file whose hash differs is refused.
    .venv/bin/python -m pip install --require-hashes --no-deps --requirement "$lock" 2>&1 | {
        local count=0 line
        while IFS= read -r line; do
            printf '%s\n' "$line" >>"$LOG"
            case $line in
                Collecting\ * | Requirement\ already*)
                    count=$((count + 1))
                    line=${line#Collecting } line=${line#Requirement already satisfied: }
                    progress $((count * 80 / total)) "${line%% *}"
                    ;;
                Installing\ collected*) progress 85 "$(text 'unpacking' '解包')" ;;
            esac
        done
        progress_end
    }
}

# `.venv/bin/lab`, called by hand in a copy of the checkout, must not run the code of the other one: neither the command
# nor the file that names the code holds an absolute path. (Nor could Python read one that is not ASCII under LC_ALL=POSIX.)
unbind() {
    local place
    cp lab/setup/launch.sh .venv/bin/lab
    for place in .venv/lib/python*/site-packages/lab.pth; do printf '../../../..\n' >"$place"; done
}

make_venv() { # make_venv LOCK
    local lock=$1 began=$SECONDS
    LOG=$(mktemp)
    if ! is_from_here || ! [ -x .venv/bin/python ]; then
        need_python
        need_venv_module
        say 'Making the Python environment .venv (Python %s) …' '正在创建 Python 环境 .venv（Python %s）……' "$version"
        "$python" -m venv --clear .venv >"$LOG" 2>&1 || give_up 'python -m venv'
    else
        say 'Bringing the Python environment .venv up to date …' '正在更新 Python 环境 .venv……'
    fi
    rm -f "$STAMP" # a half-made environment must not pass for a whole one
    pip_install "$lock" || give_up 'pip install'
    .venv/bin/python -m pip install --no-index --no-build-isolation --no-deps --editable . >>"$LOG" 2>&1 ||
        give_up 'pip install --editable .'
    unbind >>"$LOG" 2>&1 || give_up 'lab.pth'
    {
        printf '%s\n' "$PWD"
        # What `make test` needs contains what the lab needs.
        wanted_line requirements.lock
        if [ "$lock" != requirements.lock ]; then wanted_line "$lock"; fi
    } >"$STAMP"
    say 'The Python environment is ready (after %s s).' 'Python 环境已就绪（用时 %s 秒）。' "$((SECONDS - began))"
}

main() {
    local lock
    case ${1:-} in
        '') lock=requirements.lock ;;
        dev) lock=requirements-dev.lock && need_writable ;; # tests and checks keep their caches there
        *) fail 2 'usage: venv.sh [dev]' '用法：venv.sh [dev]' ;;
    esac
    if is_current "$lock"; then
        # ready.sh compares times: a file that only looks new need not be read again. The checkout may be another user's.
        if ! cmp -s lab/setup/launch.sh .venv/bin/lab; then cp lab/setup/launch.sh .venv/bin/lab 2>/dev/null || true; fi
        touch "$STAMP" 2>/dev/null || true
        exit 0
    fi
    if command -v flock >/dev/null 2>&1; then
        # Two terminals may both type make: the second waits, then finds it done.
        exec 9<pyproject.toml
        flock -w 900 9
        if is_current "$lock"; then exit 0; fi
    fi
    need_writable
    make_venv "$lock"
}

main "$@"
