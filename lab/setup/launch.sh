#!/bin/sh
# The command `lab`, which venv.sh puts into .venv/bin. It finds Python, and so the code, from where it stands itself: in a
# copy of the checkout it runs the copy's code, and a checkout may be moved. (pip's own would hold the old path.)

here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/python" -P -m lab "$@"
