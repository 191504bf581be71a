# shellcheck shell=bash
# Speaking to a person, in English or Chinese. Sourced, never run; bash 3.2 is enough (macOS), so no newer syntax here.
#
#   say  'Engine %s is up.' '引擎 %s 已启动。' "$version"      a line on stdout
#   warn / fail                                                 the same on stderr; fail CODE … also ends the script

# The rule is that of lab/text/catalog.py, language_of(): any spelling of a language or a locale; else this fails.
language_of() { # language_of SPELLING: "en" or "zh-CN"
    case ${1%%[.@]*} in
        [zZ][hH] | [zZ][hH][-_]*) printf 'zh-CN' ;;
        [eE][nN] | [eE][nN][-_]* | [cC] | [pP][oO][sS][iI][xX]) printf 'en' ;;
        *) return 1 ;;
    esac
}

lab_lang() { # the language a person gets: LAB_LANG, else the locale, else English; "en" or "zh-CN"
    language_of "${LAB_LANG:-}" || language_of "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" || printf 'en'
}

# The choice is made once: a command substitution costs a millisecond, and every script makes it.
LAB_SAY_LANG=$(lab_lang)

text() { # text EN ZH [ARGUMENTS…]: the sentence, without a newline
    local english=$1 chinese=$2
    shift 2
    if [ "$LAB_SAY_LANG" = zh-CN ]; then english=$chinese; fi
    # shellcheck disable=SC2059  # the format is ours: both sentences are templates
    printf "$english" "$@"
}

say() {
    text "$@"
    printf '\n'
}

warn() { say "$@" >&2; }

fail() { # fail CODE EN ZH [ARGUMENTS…]: the one clear line, then the end
    local code=$1
    shift
    warn "$@"
    exit "$code"
}

if [ -n "${LAB_LANG:-}" ] && ! language_of "$LAB_LANG" >/dev/null; then
    fail 2 'LAB_LANG=%s is not a language of the lab. Use one of: en, zh-CN.' \
        'LAB_LANG=%s 不是实验室支持的语言。请使用：en、zh-CN。' "$LAB_LANG"
fi

need_writable() { # a checkout that another user (root, say) or a read-only disk holds: reading is all that goes there
    if [ -w . ]; then return; fi
    fail 3 'The checkout %s cannot be written to by %s, and this needs it. Use a copy of your own: cp -R %s ~/' \
        '目录 %s 不允许用户 %s 写入，而这里需要写入。请复制一份到自己的目录：cp -R %s ~/' \
        "$PWD" "$(id -un 2>/dev/null || id -u)" "$PWD"
}

# Long steps show how far they are: one line that is rewritten on a terminal, a line per tenth in a log.
LAB_PROGRESS_LAST=-1
progress() { # progress PERCENT TEXT
    local percent=$1 what=$2
    if [ -t 1 ]; then
        printf '\r\033[K  %3d %%  %.60s' "$percent" "$what"
    elif [ $((percent / 10)) -gt "$LAB_PROGRESS_LAST" ]; then
        LAB_PROGRESS_LAST=$((percent / 10))
        printf '  %3d %%  %s\n' "$percent" "$what"
    fi
}

progress_end() {
    LAB_PROGRESS_LAST=-1
    if [ -t 1 ]; then printf '\r\033[K'; fi
}

confirm() { # confirm EN ZH: yes unless a person at a terminal says no
    if ! [ -t 0 ] || ! [ -t 1 ]; then return 0; fi
    local answer
    text "$1 [Y/n] " "$2 [Y/n] "
    read -r answer || return 1
    case $answer in
        [nN]* | 否* | 不*) return 1 ;;
        *) return 0 ;;
    esac
}
