#!/usr/bin/env bash
# `make clean`: what the lab made on this machine, except the recorded runs. The engine itself stays.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=lab/setup/say.sh
. lab/setup/say.sh

need_writable
if command -v docker >/dev/null 2>&1 && docker version >/dev/null 2>&1; then
    if [ -x .venv/bin/lab ]; then .venv/bin/lab down; fi
    # Every layer we build or import carries this label; another lab's running hosts keep theirs.
    images=$(docker image ls --quiet --filter label=socketlab=image | sort -u)
    if [ -n "$images" ]; then
        # shellcheck disable=SC2086  # identifiers, one a line
        docker image rm --force $images >/dev/null 2>&1 ||
            warn 'Some images are still in use; they stay.' '部分镜像仍在使用中，予以保留。'
    fi
fi
rm -rf .venv .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
find . -name __pycache__ -type d -prune -exec rm -rf {} +
say 'Clean. The recorded runs are still in runs/, and the container engine is still installed.' \
    '已清理。runs/ 中的实验记录和已安装的容器引擎均保留。'
