#!/usr/bin/env bash
# `ip link set DEV address` with the address that DEV has already deletes its permanent neighbours; its routes stay.
#
# The kernel tells of a change of address without comparing (NETDEV_CHANGEADDR), and neigh_changeaddr() then drops every
# entry of the device, those of `nud permanent` too: what was entered by hand is gone, and nothing says so. `ip link set
# DEV mtu` with the same value leaves them alone.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uname -sr
ip -V
cat >"$folder/show.sh" <<'SHELL'
set -euo pipefail
look() {
    neighbours=$(ip neighbour show dev left nud permanent | grep -c lladdr || true)
    routes=$(ip route show 10.7.0.0/24 | grep -c via || true)
    echo "$1: neighbours $neighbours, routes $routes" | tee -a "$0.seen"
}
ip link add left type veth peer name right
ip address add 10.9.8.1/24 dev left
ip link set left up
ip link set right up
ip neighbour add 10.9.8.7 lladdr 02:00:00:00:00:07 dev left nud permanent
ip route add 10.7.0.0/24 via 10.9.8.7 dev left
look entered
ip link set left mtu 1500
look "its own mtu set again"
ip link set left address "$(ip -o link show left | grep -o 'link/ether [0-9a-f:]*' | cut -d' ' -f2)"
look "its own address set again"
SHELL
unshare --net bash "$folder/show.sh"
cat >"$folder/expected" <<'SEEN'
entered: neighbours 1, routes 1
its own mtu set again: neighbours 1, routes 1
its own address set again: neighbours 0, routes 1
SEEN
diff "$folder/show.sh.seen" "$folder/expected"
