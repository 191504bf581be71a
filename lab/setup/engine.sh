#!/usr/bin/env bash
# A running container engine with the compose plugin, whatever this machine looked like before.
#
#   engine.sh           make it so: start it, or install it on Debian and Ubuntu; silent when nothing is missing
#   engine.sh --check   only report what is there
#
# LAB_ENGINE=never forbids both installing and starting, LAB_ENGINE=start forbids only installing.
# Exit codes: 0 it runs, 2 wrong usage, 3 this machine has none.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lab/setup/say.sh
. "$here/say.sh"
# shellcheck source=lab/setup/apt.sh
. "$here/apt.sh"

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LAB_ENGINE_LOG=/var/log/socketlab-dockerd.log
LAB_ENGINE_DEADLINE=${LAB_ENGINE_DEADLINE:-60}
LAB_ENGINE_LOCK=/run/socketlab-engine.lock

has() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }
has_systemd() { [ -d /run/systemd/system ] && has systemctl; }

# --- what is there ---------------------------------------------------------------------------------------------------

engine_says= # the server's version, or why the client could not reach one

engine_is_elsewhere() { # is the client told to use another engine than this machine's own? Which: $elsewhere; how not: $undo
    local address
    # In the client's own order, which lab/hosts/endpoint.py follows too.
    elsewhere=${DOCKER_HOST:-} undo='unset DOCKER_HOST' address=${DOCKER_HOST:-}
    if [ -z "$elsewhere" ]; then
        elsewhere=${DOCKER_CONTEXT:-} undo='unset DOCKER_CONTEXT'
        if [ -z "$elsewhere" ] && has docker; then
            elsewhere=$(docker context show 2>/dev/null) || elsewhere=''
            undo='docker context use default'
        fi
        if [ "$elsewhere" = default ]; then elsewhere=''; fi
        if [ -n "$elsewhere" ] && has docker; then
            address=$(docker context inspect --format '{{.Endpoints.docker.Host}}' "$elsewhere" 2>/dev/null) || address=''
        fi
    elif [[ $elsewhere != *[![:space:]]* ]]; then
        address=unix://
    fi
    case $address in unix:// | unix:///var/run/docker.sock | unix:///run/docker.sock) elsewhere='' ;; esac
    [ -n "$elsewhere" ]
}

engine_state() { # running | denied | elsewhere | stopped | absent, into $state; explains itself in $engine_says
    if has docker && engine_says=$(docker version --format '{{.Server.Version}}' 2>&1); then
        state=running
        return
    fi
    case $engine_says in
        *'permission denied'*) state=denied ;;
        *)
            if engine_is_elsewhere; then
                state=elsewhere # ours to report, not to replace
            elif has dockerd; then
                state=stopped
            else
                state=absent
            fi
            ;;
    esac
}

has_compose() {
    local dir
    # The plugin's file is looked for first: asking the client costs ten times as much.
    for dir in "${DOCKER_CONFIG:-${HOME:-/root}/.docker}" /usr/local/lib/docker /usr/local/libexec/docker \
        /usr/lib/docker /usr/libexec/docker; do
        if [ -x "$dir/cli-plugins/docker-compose" ]; then return 0; fi
    done
    docker compose version >/dev/null 2>&1
}

distribution() { # ID, its relatives and its release, from os-release(5): sets os_id, os_like, os_codename, os_name
    os_id=unknown os_like='' os_codename='' os_name=$(uname -s)
    if [ -r /etc/os-release ]; then
        # shellcheck source=/dev/null
        eval "$(. /etc/os-release && printf 'os_id=%q os_like=%q os_codename=%q os_name=%q' \
            "${ID:-unknown}" "${ID_LIKE:-}" "${VERSION_CODENAME:-}" "${PRETTY_NAME:-}")"
    fi
}

# --- starting --------------------------------------------------------------------------------------------------------

drop_stale_pid_file() { # drop_stale_pid_file FILE PROGRAM: only when that process is gone, or the number has a new owner
    local file=$1 program=$2 pid
    if ! [ -f "$file" ]; then return 0; fi
    pid=$(tr -cd 0-9 <"$file")
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$program" ]; then return 0; fi
    say 'A pid file of an engine that is gone: removed %s.' '删除了已退出引擎留下的 pid 文件 %s。' "$file"
    rm -f "$file"
}

launch_dockerd() { # detached: it must outlive this shell, make, and the terminal
    drop_stale_pid_file /var/run/docker.pid dockerd
    drop_stale_pid_file /var/run/docker/containerd/containerd.pid containerd
    (
        # The engine's own limit bounds every container's; small machines may refuse to raise it, and that is no error.
        ulimit -n 1048576 2>/dev/null || true
        # Descriptors above 2 belong to make's job server, to our lock, to whoever called: the engine must not hold them.
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
        done
        exec setsid dockerd </dev/null >>"$LAB_ENGINE_LOG" 2>&1
    ) &
    engine_pid=$!
}

engine_is_starting() { [ -z "${engine_pid:-}" ] || kill -0 "$engine_pid" 2>/dev/null; }

start_engine() {
    local began=$SECONDS where
    engine_pid=''
    if has_systemd; then
        say 'The container engine is installed but stopped. Starting it: systemctl start docker' \
            '容器引擎已安装但没有运行。正在启动：systemctl start docker'
        where='journalctl -u docker'
        systemctl start docker || fail 3 'systemd could not start the engine. Look: journalctl -u docker' \
            'systemd 无法启动引擎。请查看：journalctl -u docker'
    else
        say 'The container engine is installed but stopped. Starting dockerd (its log: %s)' \
            '容器引擎已安装但没有运行。正在启动 dockerd（日志：%s）' "$LAB_ENGINE_LOG"
        where=$LAB_ENGINE_LOG
        launch_dockerd
    fi
    until engine_state && [ "$state" = running ]; do
        if ! engine_is_starting || [ $((SECONDS - began)) -ge "$LAB_ENGINE_DEADLINE" ]; then
            if [ -n "$engine_pid" ] && [ -r "$LAB_ENGINE_LOG" ]; then tail -n 8 "$LAB_ENGINE_LOG" >&2; fi
            fail 3 'The engine did not come up within %s s. What it said is in: %s' \
                '引擎在 %s 秒内没有启动。它的日志在：%s' "$((SECONDS - began))" "$where"
        fi
        sleep 0.1
    done
    say 'The engine %s is up (after %s s).' '引擎 %s 已启动（用时 %s 秒）。' "$engine_says" "$((SECONDS - began))"
}

# --- installing ------------------------------------------------------------------------------------------------------

# plan_install: sets packages and origin (a person's words for where they come from), or returns 1 when apt has none.
plan_install() {
    local engine='' client='' compose='' suite=''
    needs_trixie=''
    if [ "$state" = absent ]; then engine=docker.io; fi
    # An engine from elsewhere (docker-ce) has its own plugin package; the rest are the distribution's.
    if has_compose; then
        compose=''
    elif [ "$(apt_major docker-compose-plugin)" -ge 2 ] && [ -z "$engine" ]; then
        compose=docker-compose-plugin
    elif [ "$(apt_major docker-compose-v2)" -ge 2 ]; then
        compose=docker-compose-v2
    elif [ "$(apt_major docker-compose)" -ge 2 ]; then
        compose=docker-compose
    elif [ "$os_id" = debian ] && [ "$os_codename" = bookworm ]; then
        # Debian 12 has engine 20.10 and compose 1.29: too old. Debian 13's run on it; runc stays Debian 12's.
        needs_trixie=yes suite=/trixie compose=docker-compose
    else
        return 1
    fi
    if [ -n "$engine" ] && [ -z "$suite" ] && [ -z "$(apt_candidate docker.io)" ]; then return 1; fi
    if ! has docker; then
        if [ -n "$suite" ] || [ -n "$(apt_candidate docker-cli)" ]; then client=docker-cli; fi
    fi
    packages=''
    local package
    for package in $engine $client $compose; do packages="$packages $package$suite"; done
    packages=${packages# }
    # Without iptables the engine cannot make a network; it is only recommended by some releases.
    if [ -n "$engine" ] && ! has iptables; then packages="$packages iptables"; fi
}

announce_install() {
    if [ "$state" = absent ]; then
        say 'There is no container engine on this machine (%s).' '这台机器上没有容器引擎（%s）。' "$os_name"
    else
        say 'The container engine has no compose plugin.' '容器引擎缺少 compose 插件。'
    fi
    if [ -n "$needs_trixie" ]; then
        say 'To install, with apt: %s' '将用 apt 安装：%s' "$packages"
        say '  from Debian 13 (trixie): this release has versions that are too old. %s is added, derived from your own' \
            '  来自 Debian 13（trixie），因为本发行版的版本太旧。新增 %s，由本机已有的软件源' "$LAB_TRIXIE_SOURCE"
        say '  sources and pinned at priority 100: nothing else on this machine changes its release.' \
            '  推导得出，优先级固定为 100：机器上其他软件的版本来源不变。'
    else
        say 'To install, with apt, from your own sources (%s): %s' '将用 apt 从本机已有的软件源（%s）安装：%s' \
            "${os_codename:-$os_id}" "$packages"
    fi
}

install_engine() {
    local began=$SECONDS
    announce_install
    confirm 'Go on?' '继续吗？' || fail 3 'Nothing was installed. The lab needs a container engine: make engine' \
        '没有安装任何东西。实验需要容器引擎：make engine'
    if [ -n "$needs_trixie" ]; then
        add_trixie_source || fail 3 'No Debian source with "bookworm main" was found in /etc/apt: add one, then: make engine' \
            '在 /etc/apt 中没有找到 "bookworm main" 的 Debian 软件源：请添加后执行 make engine'
    fi
    say 'Reading the package lists …' '正在读取软件包列表……'
    apt_update
    say 'Installing …' '正在安装……'
    # shellcheck disable=SC2086  # a list of package names
    apt_install $packages || fail 3 'The engine could not be installed. Type: apt-get install %s' \
        '无法安装引擎。请执行：apt-get install %s' "$packages"
    say 'Installed (after %s s).' '安装完成（用时 %s 秒）。' "$((SECONDS - began))"
}

# --- when we may not, or cannot --------------------------------------------------------------------------------------

install_command() { # the exact line to type on this machine, for a person who has to do it
    case " $os_id $os_like " in
        *' debian '* | *' ubuntu '*) printf 'sudo make engine' ;;
        *' fedora '* | *' rhel '*) printf 'sudo dnf install moby-engine docker-cli docker-compose && sudo systemctl enable --now docker' ;;
        *' arch '*) printf 'sudo pacman -S docker docker-compose && sudo systemctl enable --now docker' ;;
        *suse*) printf 'sudo zypper install docker docker-compose && sudo systemctl enable --now docker' ;;
        *' alpine '*) printf 'doas apk add docker docker-cli-compose && doas rc-update add docker && doas service docker start' ;;
        *)
            if [ "$(uname -s)" = Darwin ]; then
                printf 'brew install --cask docker && open -a Docker'
            else
                printf 'sudo dockerd   (after installing Docker Engine and its compose plugin)'
            fi
            ;;
    esac
}

start_command() {
    if [ "$(uname -s)" = Darwin ]; then
        printf 'open -a Docker'
    elif has_systemd; then
        printf 'sudo systemctl start docker'
    else
        printf 'sudo make engine'
    fi
}

refuse_start() { # LAB_ENGINE=never, and the engine would have to be started
    fail 3 'The container engine is stopped, and LAB_ENGINE=%s forbids starting it. Type: %s' \
        '容器引擎没有运行，而 LAB_ENGINE=%s 禁止启动。请执行：%s' "$LAB_ENGINE" "$(start_command)"
}

refuse_forbidden() { # LAB_ENGINE=never or start, and something would have to be installed
    if [ "$state" = absent ]; then
        fail 3 'There is no container engine, and LAB_ENGINE=%s forbids installing one. Type: env -u LAB_ENGINE make engine' \
            '没有容器引擎，而 LAB_ENGINE=%s 禁止安装。请执行：env -u LAB_ENGINE make engine' "$LAB_ENGINE"
    fi
    fail 3 'The engine has no compose plugin, and LAB_ENGINE=%s forbids installing it. Type: env -u LAB_ENGINE make engine' \
        '引擎缺少 compose 插件，而 LAB_ENGINE=%s 禁止安装。请执行：env -u LAB_ENGINE make engine' "$LAB_ENGINE"
}

refuse_denied() {
    fail 3 'The engine runs, but %s may not talk to it. Type: sudo usermod -aG docker %s   then log in again (or: newgrp docker)' \
        '引擎在运行，但用户 %s 没有权限访问它。请执行：sudo usermod -aG docker %s   然后重新登录（或执行 newgrp docker）' \
        "$(id -un)" "$(id -un)"
}

refuse_elsewhere() {
    fail 3 'The docker command is set to use the engine at %s, and none answers there. Start it, or type: %s' \
        'docker 命令被设置为使用 %s 的引擎，而那里没有响应。请启动它，或执行：%s' "$elsewhere" "$undo"
}

refuse_install() {
    local what
    if [ "$state" = running ]; then
        what=$(text 'The container engine has no compose plugin' '容器引擎缺少 compose 插件')
    else
        what=$(text 'There is no container engine on this machine (%s)' '这台机器上没有容器引擎（%s）' "$os_name")
    fi
    fail 3 '%s, and this user or system is not one the lab can install it on. Type: %s' \
        '%s，而实验无法以当前用户或在此系统上自动安装。请执行：%s' "$what" "$(install_command)"
}

# --- the whole -------------------------------------------------------------------------------------------------------

report() { # --check: what is there, in a line, and whether that is enough
    local compose
    if has docker && has_compose; then compose=$(docker compose version --short 2>/dev/null) || compose=unknown; else compose=none; fi
    case $state in
        running) say 'engine: running, version %s; compose: %s' '引擎：运行中，版本 %s；compose：%s' "$engine_says" "$compose" ;;
        denied) say 'engine: running, but user %s may not use it; compose: %s' '引擎：运行中，但用户 %s 无权使用；compose：%s' "$(id -un)" "$compose" ;;
        elsewhere) say 'engine: none answers at %s; compose: %s' '引擎：%s 没有响应；compose：%s' "$elsewhere" "$compose" ;;
        stopped) say 'engine: installed, stopped; compose: %s' '引擎：已安装，未运行；compose：%s' "$compose" ;;
        absent) say 'engine: not installed; compose: %s' '引擎：未安装；compose：%s' "$compose" ;;
    esac
    if [ "$state" = running ] && [ "$compose" != none ]; then exit 0; fi
    exit 3
}

one_at_a_time() { # two terminals may both type make: the second waits, then finds it done
    if has flock && { : >>"$LAB_ENGINE_LOCK"; } 2>/dev/null; then
        exec 9>>"$LAB_ENGINE_LOCK"
        flock -w 900 9
        engine_state
    fi
}

is_ready() { [ "$state" = running ] && has_compose; }

install_what_is_missing() {
    distribution
    if ! is_root || ! has apt-get; then refuse_install; fi
    # A fresh image has no package lists at all, and then every candidate would seem to be missing.
    if [ -z "$(apt_candidate docker.io)" ]; then
        say 'Reading the package lists …' '正在读取软件包列表……'
        apt_update
    fi
    plan_install || refuse_install
    install_engine
    engine_state # the packages may have started it, or policy-rc.d kept them from it
}

check_usage() {
    case ${1:-} in
        '' | --check) ;;
        *) fail 2 'usage: engine.sh [--check]' '用法：engine.sh [--check]' ;;
    esac
    case $LAB_ENGINE in
        auto | start | never) ;;
        *) fail 2 'LAB_ENGINE is "%s": it may be auto, start or never.' \
            'LAB_ENGINE 的值是 "%s"：只能是 auto、start 或 never。' "$LAB_ENGINE" ;;
    esac
}

main() {
    LAB_ENGINE=${LAB_ENGINE:-auto}
    check_usage "$@"
    engine_state
    if [ "${1:-}" = --check ]; then report; fi
    if is_ready; then exit 0; fi
    case $state in
        denied) refuse_denied ;;
        elsewhere) refuse_elsewhere ;;
    esac
    if [ "$LAB_ENGINE" = never ] && [ "$state" = stopped ]; then refuse_start; fi
    one_at_a_time
    if is_ready; then exit 0; fi
    if [ "$state" = absent ] || ! has_compose; then
        if [ "$LAB_ENGINE" != auto ]; then refuse_forbidden; fi
        install_what_is_missing
    fi
    if [ "$state" != running ]; then
        if ! is_root; then
            fail 3 'The container engine is installed but stopped. Type: %s' \
                '容器引擎已安装但没有运行。请执行：%s' "$(start_command)"
        fi
        start_engine
    fi
    is_ready || fail 3 'The engine runs, but "docker compose" still does not. Look: docker compose version' \
        '引擎在运行，但 "docker compose" 仍不可用。请查看：docker compose version'
}

# Tests source this file for its functions.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi
