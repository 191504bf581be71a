# shellcheck shell=bash
# What the set-up needs of apt: which sources this machine has, whether a package has a version we can use, and an
# install that shows how far it is. Sourced after say.sh. No mirror is named here: every source comes from the machine.

LAB_TRIXIE_SOURCE=/etc/apt/sources.list.d/socketlab-trixie.sources
LAB_TRIXIE_PIN=/etc/apt/preferences.d/socketlab-trixie

apt_source_files() { # the machine's active source files, our own pinned one left out
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [ -f "$file" ] && [ "$file" != "$LAB_TRIXIE_SOURCE" ]; then printf '%s\n' "$file"; fi
    done
}

distribution_uris() { # URIs that really are DISTRIBUTION's archive: apt knows the Origin of what it fetched; may be empty
    # shellcheck disable=SC2016  # apt's own field, not the shell's
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Origin: $1" 2>/dev/null | sort -u
}

# derive_sources FROM TO URIS FILE…: the same archive at another suite, as deb822 on stdout.
#   FROM, TO  code names; FROM and FROM-security become TO and TO-security, everything else is left out
#   URIS      the archive's own addresses, one a line (distribution_uris); empty: every source with a component "main".
#             A third party's repository often has the suite FROM too, and need not have TO.
# Reads both styles of sources.list(5); options, keys and inline keys are kept.
derive_sources() {
    local from=$1 to=$2 uris=$3
    shift 3
    LAB_URIS=$uris awk -v from="$from" -v to="$to" '
        function bare(uri) { sub(/\/+$/, "", uri); return uri }
        function ours(list,    n, i, part) {
            if (!known_any) return 1
            n = split(list, part, /[ \t]+/)
            for (i = 1; i <= n; i++) if (bare(part[i]) in known) return 1
            return 0
        }
        function moved(list,    n, i, part, out) {
            n = split(list, part, /[ \t]+/)
            for (i = 1; i <= n; i++)
                if (part[i] == from || part[i] == from "-security")
                    out = out (out == "" ? "" : " ") to substr(part[i], length(from) + 1)
            return out
        }
        function has_main(list) { return (" " list " ") ~ /[ \t]main[ \t]/ }
        function field(name, value) { if (value != "") print name ": " value }
        function stanza() {     # one deb822 stanza is complete
            if (value["types"] ~ /(^|[ \t])deb([ \t]|$)/ && tolower(value["enabled"]) != "no" \
                && has_main(value["components"]) && moved(value["suites"]) != "" && ours(value["uris"])) {
                print "Types: deb"
                print "URIs: " value["uris"]
                print "Suites: " moved(value["suites"])
                print "Components: main"
                printf "%s", rest
                print ""
            }
            delete value; rest = ""; name = ""
        }
        function one_line(    line, options, n, i, part, words, uri, suite, components, pair) {
            line = $0; sub(/[ \t]*#.*/, "", line); sub(/^[ \t]*deb[ \t]+/, "", line)
            if (match(line, /^\[[^]]*\][ \t]*/)) {
                options = substr(line, 2, RLENGTH); sub(/\].*/, "", options); line = substr(line, RLENGTH + 1)
            }
            n = split(line, words, /[ \t]+/)
            uri = words[1]; suite = words[2]
            for (i = 3; i <= n; i++) components = components " " words[i]
            if (moved(suite) == "" || !has_main(components) || !ours(uri)) return
            print "Types: deb"
            print "URIs: " uri
            print "Suites: " moved(suite)
            print "Components: main"
            n = split(options, part, /[ \t]+/)
            for (i = 1; i <= n; i++) {
                split(part[i], pair, "=")
                if (pair[1] == "signed-by") field("Signed-By", pair[2])
                if (pair[1] == "trusted") field("Trusted", pair[2])
                if (pair[1] == "arch") { gsub(/,/, " ", pair[2]); field("Architectures", pair[2]) }
                if (pair[1] == "check-valid-until") field("Check-Valid-Until", pair[2])
            }
            print ""
        }
        BEGIN {
            n = split(ENVIRON["LAB_URIS"], part, /[ \t\n]+/)
            for (i = 1; i <= n; i++) if (part[i] != "") { known[bare(part[i])] = 1; known_any = 1 }
        }
        FNR == 1 { stanza() }                                   # a file ends its last stanza
        FILENAME !~ /\.sources$/ { if ($0 ~ /^[ \t]*deb[ \t]/) one_line(); next }
        /^#/ { next }
        /^[ \t]*$/ { stanza(); next }
        /^[ \t]/ {                                              # a continuation: an inline key, or a long list
            if (name ~ /^(types|uris|suites|components|enabled)$/) { sub(/^[ \t]+/, " "); value[name] = value[name] $0 }
            else rest = rest $0 "\n"
            next
        }
        {
            name = tolower($0); sub(/:.*/, "", name)
            line = $0; sub(/^[^:]*:[ \t]*/, "", line); sub(/[ \t]+$/, "", line)
            if (name ~ /^(types|uris|suites|components|enabled)$/) value[name] = line
            else rest = rest $0 "\n"
        }
        END { stanza() }
    ' "$@"
}

apt_candidate() { # the version apt would install of PACKAGE, or nothing
    LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '^(none)$'
}

apt_major() { # the leading number of PACKAGE's candidate version; 0 when there is none
    local version
    version=$(apt_candidate "$1") || true
    version=${version#*:}
    version=${version%%[!0-9]*}
    printf '%s' "${version:-0}"
}

apt_update() {
    local log
    if ! log=$(DEBIAN_FRONTEND=noninteractive apt-get update -o DPkg::Lock::Timeout=300 -qq 2>&1 </dev/null); then
        # One broken third-party source must not stop a set-up that does not need it.
        warn 'apt-get update had a problem; going on. Its last words: %s' 'apt-get update 出了问题，先继续。它最后说：%s' \
            "$(printf '%s\n' "$log" | tail -n 1)"
    fi
}

apt_install() { # apt_install PACKAGE…: without recommended packages, with progress; shows apt's last lines if it fails
    local log status=0
    log=$(mktemp)
    # Status-Fd gives "dlstatus:n:percent:text" while fetching and "pmstatus:package:percent:text" while installing.
    {
        DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -y --no-install-recommends \
            -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -o APT::Status-Fd=3 \
            "$@" 3>&1 >"$log" 2>&1 </dev/null || printf 'status:%s\n' "$?"
    } | {
        while IFS=: read -r kind subject percent words; do
            case $kind in
                dlstatus | pmstatus)
                    percent=${percent%%.*}
                    # Fetching and installing each run from 0 to 100: half of the whole for each.
                    if [ "$kind" = dlstatus ]; then percent=$((percent / 2)); else percent=$((50 + percent / 2)); fi
                    progress "$percent" "$words"
                    ;;
                status) exit "$subject" ;;
            esac
        done
    } || status=$?
    progress_end
    if [ "$status" -ne 0 ]; then
        tail -n 15 "$log" >&2
        warn 'apt-get install failed (its last lines are above). The whole log: %s' \
            'apt-get install 失败（上面是最后几行）。完整日志：%s' "$log"
        return "$status"
    fi
    rm -f "$log"
}

add_trixie_source() { # give a Debian 12 the suite trixie, for the named packages alone (pinned below everything else)
    local files derived
    files=$(apt_source_files)
    # shellcheck disable=SC2086  # one file name a line, none with blanks: apt ignores such names
    derived=$(derive_sources bookworm trixie "$(distribution_uris Debian)" $files)
    if [ -z "$derived" ]; then return 1; fi
    {
        printf '# Socket Lab: Debian 13 beside this Debian 12, for the container engine only. Derived from the sources of this\n'
        printf '# machine; pinned at priority 100 in %s.\n' "$LAB_TRIXIE_PIN"
        printf '%s\n' "$derived"
    } >"$LAB_TRIXIE_SOURCE"
    {
        printf '# Socket Lab: a package comes from trixie only when it is asked for by name, or has come from there before.\n'
        printf 'Package: *\nPin: release n=trixie*\nPin-Priority: 100\n'
    } >"$LAB_TRIXIE_PIN"
}
