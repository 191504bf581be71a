#!/usr/bin/env bash
# The base image without a registry: built from the distribution's own packages (mmdebstrap, then docker import).
#
#   build-base.sh NAME[:TAG]
#
# Debian gives Debian 13 (trixie), Ubuntu gives its own release. The mirror is the one this machine already uses.
# Exit codes: 0 built, 2 wrong usage, 3 this machine cannot build it.

set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../lab/setup" && pwd)
# shellcheck source=lab/setup/say.sh
. "$setup/say.sh"
# shellcheck source=lab/setup/apt.sh
. "$setup/apt.sh"

unset DOCKER_DEFAULT_PLATFORM     # the base is of this machine's own architecture, whatever is preferred elsewhere
export SOURCE_DATE_EPOCH=1735689600 # any constant: twice the same packages, twice the same bytes

work=''
clean_up() { if [ -n "$work" ]; then rm -rf "$work"; fi; }
trap clean_up EXIT

choose_suite() { # sets origin (as the archive's Release file says it), from and suite
    # shellcheck source=/dev/null
    from=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    case $(. /etc/os-release && printf '%s' "$ID") in
        debian) origin=Debian suite=$from ;;
        ubuntu) origin=Ubuntu suite=$from ;;
        *) return 1 ;;
    esac
    if [ "$from" = bookworm ]; then suite=trixie; fi
}

need_mmdebstrap() {
    if command -v mmdebstrap >/dev/null 2>&1; then return; fi
    say 'Installing mmdebstrap, which builds a small Debian from packages …' '正在安装 mmdebstrap（用软件包构建小型 Debian 系统）……'
    if [ -z "$(apt_candidate mmdebstrap)" ]; then apt_update; fi
    apt_install mmdebstrap || fail 3 'mmdebstrap could not be installed. Type: apt-get install mmdebstrap' \
        '无法安装 mmdebstrap。请执行：apt-get install mmdebstrap'
}

own_settings() { # what apt needs on this network, for the build and inside the image: one mmdebstrap option a line
    local proxy='' secure='' key
    eval "$(apt-config shell proxy Acquire::http::Proxy secure Acquire::https::Proxy)"
    if [ -n "$proxy" ]; then printf '%s\n' "--aptopt=Acquire::http::Proxy \"$proxy\""; fi
    if [ -n "$secure" ]; then printf '%s\n' "--aptopt=Acquire::https::Proxy \"$secure\""; fi
    if grep -q '^URIs:.*https:' "$work/lab.sources"; then
        # A mirror behind https: the image's own apt needs the certificates this machine trusts.
        printf '%s\n' --include=ca-certificates \
            '--customize-hook=copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs'
    fi
    sed -n 's/^Signed-By:[ \t]*\(\/.*\)/\1/p' "$work/lab.sources" | sort -u | while read -r key; do
        # A key that no package of the image brings must come along, or its apt would refuse the source.
        printf '%s\n' "--customize-hook=test -e \"\$1$key\" || { mkdir -p \"\$1$(dirname "$key")\" && cp '$key' \"\$1$key\"; }"
    done
}

show_progress() { # mmdebstrap says what it is doing, not how far it is: these are its usual shares of the time
    local line
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$work/log"
        case $line in
            'I: running apt-get update'*) progress 5 "$(text 'reading the package lists' '读取软件包列表')" ;;
            'I: downloading packages'*) progress 20 "$(text 'fetching packages' '下载软件包')" ;;
            'I: extracting archives'*) progress 35 "$(text 'unpacking' '解包')" ;;
            'I: installing essential'*) progress 50 "$(text 'installing the essential packages' '安装基础软件包')" ;;
            'I: installing remaining'*) progress 75 "$(text 'installing the rest' '安装其余软件包')" ;;
            'I: cleaning package'*) progress 88 "$(text 'cleaning up' '清理')" ;;
            'I: creating tarball'*) progress 92 "$(text 'packing' '打包')" ;;
        esac
    done
    progress_end
}

build() { # build NAME: mmdebstrap into a tar file, and that into the engine
    local name=$1 options=()
    mapfile -t options < <(own_settings)
    # Documentation and translations are a third of the time and are never read in a lab host.
    mmdebstrap --variant=minbase --format=tar \
        --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        ${options[@]+"${options[@]}"} "$suite" "$work/base.tar" "$work/lab.sources" 2>&1 | show_progress || return 1
    docker import --change 'CMD ["bash"]' --change 'LABEL socketlab=image' "$work/base.tar" "$name" >>"$work/log"
}

main() {
    local name=${1:-} began=$SECONDS origin from suite
    if [ $# -ne 1 ] || [ -z "$name" ]; then fail 2 'usage: build-base.sh NAME[:TAG]' '用法：build-base.sh 名称[:标签]'; fi
    if ! [ -r /etc/os-release ] || ! command -v apt-get >/dev/null 2>&1 || ! choose_suite; then
        fail 3 'Only Debian and Ubuntu can build the base image from packages. Type, where a registry answers: docker pull debian:trixie-slim' \
            '只有 Debian 和 Ubuntu 能用软件包构建基础镜像。请在能访问镜像仓库时执行：docker pull debian:trixie-slim'
    fi
    if [ "$(id -u)" -ne 0 ]; then
        fail 3 'Building the base image from packages needs root. Type: sudo images/host/build-base.sh %s' \
            '用软件包构建基础镜像需要 root 权限。请执行：sudo images/host/build-base.sh %s' "$name"
    fi
    need_mmdebstrap
    work=$(mktemp -d)
    # shellcheck disable=SC2046  # one file name a line, none with blanks
    derive_sources "$from" "$suite" "$(distribution_uris "$origin")" $(apt_source_files) >"$work/lab.sources"
    if ! [ -s "$work/lab.sources" ]; then
        fail 3 'No %s source with "%s main" was found in /etc/apt: add one, then: make images' \
            '在 /etc/apt 中没有找到 %s 的 "%s main" 软件源：请添加后执行 make images' "$origin" "$from"
    fi
    say 'Building the base image from the packages of %s %s (about half a minute) …' \
        '正在用 %s %s 的软件包构建基础镜像（约半分钟）……' "$origin" "$suite"
    if ! build "$name"; then
        tail -n 8 "$work/log" >&2
        fail 3 'The base image could not be built (the last lines are above). Try: make images' \
            '无法构建基础镜像（上面是最后几行输出）。请再试：make images'
    fi
    say 'Base image %s: built from packages in %s s.' '基础镜像 %s：已用软件包构建，用时 %s 秒。' "$name" "$((SECONDS - began))"
}

main "$@"
