#!/usr/bin/env bash
# A Chromium for the tests of a run's page (tests/page/), and a font with Chinese characters to draw it with.
#
#   chromium.sh
#
# Silent and quick when both are there. As root on Debian and Ubuntu it installs what is missing with apt; elsewhere it
# says what to install. LAB_CHROMIUM names another browser of that family. Exit codes: 0 it is there, 3 it is not.

set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lab/setup/say.sh
. "$setup/say.sh"
# shellcheck source=lab/setup/apt.sh
. "$setup/apt.sh"

PACKAGE=chromium
FONT=fonts-wqy-microhei # 1.6 MB; the usual ones take fifty

has_chromium() {
    local name
    for name in "${LAB_CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

has_chinese_font() { # where nothing can tell, it is not missed: a missing font makes boxes, not failures
    if ! command -v fc-list >/dev/null 2>&1; then return 0; fi
    [ -n "$(fc-list :lang=zh-cn family 2>/dev/null | head -n 1)" ]
}

can_install() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; }

install() { # install PACKAGE…: with apt, saying so
    say 'Installing %s with apt, for the tests of the page …' '正在用 apt 安装 %s，供页面的测试使用……' "$*"
    if [ -z "$(apt_candidate "$1")" ]; then apt_update; fi
    # A list of packages that is too old names versions that are gone: once more with a new one.
    apt_install "$@" || { apt_update && apt_install "$@"; }
}

main() {
    if has_chromium; then
        if ! has_chinese_font && can_install; then install "$FONT" || true; fi
        return 0
    fi
    if can_install && install "$PACKAGE" "$FONT" && has_chromium; then return 0; fi
    fail 3 'The tests of the page need Chromium. Install the package chromium (as root: apt-get install %s), or name one: LAB_CHROMIUM=/path/to/it' \
        '页面的测试需要 Chromium。请安装 chromium（root 执行：apt-get install %s），或指定一个：LAB_CHROMIUM=/path/to/it' "$PACKAGE"
}

main "$@"
