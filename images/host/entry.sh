#!/bin/sh
# The first thing a lab host does, as root and before anything else runs in it: guard its namespace, make the wire
# honest, say that it is ready, wait. Anything that cannot be done stops the host: a lab without its guard must not run.
#
# LAB_ALLOWED     the lab hosts' own addresses, separated by commas: the only ones a packet may go to or come from
# LAB_NEIGHBOURS  address=hardware address of each, separated by commas

set -eu

die() {
    echo "entry.sh: $*" >&2
    exit 1
}

[ -n "${LAB_ALLOWED:-}" ] || die 'LAB_ALLOWED is not set: it names the addresses this host may talk to'

# Addresses, not the subnet: a machine that itself is 192.168.1.50 answers ARP for that address on the lab's bridge, and
# its reply would then look for .101 on the home LAN. Dropped before routing asks for a neighbour: not even ARP goes out.
# The engine's name server (127.0.0.11) is on loopback but may forward to the outside: refused, names are in /etc/hosts.
# The set has a name so that an exercise can add an address of its own to it.
nft -f - <<RULES || die 'nft cannot set the guard (is NET_ADMIN granted, and has the kernel nf_tables?)'
table inet lab_guard {
    set hosts {
        type ipv4_addr
        elements = { $LAB_ALLOWED }
    }
    chain output {
        type filter hook output priority filter; policy drop;
        ip daddr 127.0.0.11 reject
        oifname "lo" accept
        ip daddr @hosts accept
    }
    chain input {
        type filter hook input priority filter; policy drop;
        iifname "lo" accept
        ip saddr @hosts accept
    }
}
RULES

# Nobody is asked who has a lab host's address: a machine with that same address on its home LAN answers ARP on every
# link it has, the lab's bridge too, and packets allowed above would then go to the machine. So each host has the
# hardware address by which the others know it, whatever engine and compose have given it; the agent holds it to that.
own=$(ip -o -4 address show dev eth0 2>/dev/null) || own=''
neighbours=$(echo "${LAB_NEIGHBOURS:-}" | tr ',' ' ')
{
    # First: to set an address, even the same one, empties the neighbour table, of permanent entries too.
    for neighbour in $neighbours; do
        case $own in
            *" ${neighbour%=*}/"*)
                echo "${neighbour#*=}" >/run/lab-address
                echo "link set dev eth0 address ${neighbour#*=}"
                ;;
        esac
    done
    for neighbour in $neighbours; do
        echo "neigh replace ${neighbour%=*} lladdr ${neighbour#*=} dev eth0 nud permanent"
    done
} | ip -batch - || die "ip cannot set ${LAB_NEIGHBOURS}"

# With offloads on, 200 kB shows as a dozen "segments" of 65,160 bytes with wrong checksums. LAB_OFFLOADS=on keeps them
# for benchmarks: they cost nine tenths of the throughput.
if [ "${LAB_OFFLOADS:-off}" = off ]; then
    for interface in /sys/class/net/eth*; do
        ethtool -K "${interface##*/}" tso off gso off gro off tx off rx off sg off >/dev/null ||
            die "ethtool cannot switch off the offloads of ${interface##*/}"
    done
fi

: >/run/lab-ready
echo 'the guard stands'
exec sleep infinity
