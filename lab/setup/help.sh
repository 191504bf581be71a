#!/usr/bin/env bash
# `make help`: every target with the one line that stands beside it in the Makefile ("## English | 中文").

set -euo pipefail

# shellcheck source=lab/setup/say.sh
. "${BASH_SOURCE[0]%/*}/say.sh"

say 'Socket Lab: how a network server really behaves. Begin with: make exercise-0' \
    'Socket Lab：看清网络服务器的真实行为。从这里开始：make exercise-0'
LC_ALL=C awk -v language="$LAB_SAY_LANG" '
    /^# --- / { title = 1 }                                  # a blank line between groups
    /^[a-z0-9%-]+:.*## / {
        if (title) { print ""; title = 0 }
        target = $0; sub(/:.*/, "", target); sub(/%/, "N", target)
        split(substr($0, index($0, "## ") + 3), words, / \| /)
        printf "  make %-14s  %s\n", target, words[language == "zh-CN" ? 2 : 1]
    }
' "$1"
