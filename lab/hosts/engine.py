"""The Docker engine: reach it, or say why not and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.errors import MachineError
from lab.hosts.endpoint import sdk_address, why_silent

if TYPE_CHECKING:
    from docker import DockerClient

LABEL = "socketlab"


@contextlib.contextmanager
def engine(timeout: float = 30.0) -> Iterator[DockerClient]:
    """Yield a client of the engine; every fault of the engine becomes a MachineError.

    The import costs a tenth of a second, so it is done here and not at the top.
    """
    import docker  # noqa: PLC0415
    from docker.errors import APIError, DockerException  # noqa: PLC0415
    from docker.utils import config  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    # Of what the command merely ignores in its configuration the SDK dies: it is to read none of it.
    config.find_config_file = lambda *_, **__: None
    with sdk_address() as address:
        try:
            client = docker.DockerClient(base_url=address, timeout=int(timeout))
        except DockerException as error:
            raise why_silent(_last_line(error)) from error
        try:
            yield client
        except APIError as error:  # first: it is a RequestException too
            raise MachineError("engine-refused", detail=_last_line(error.explanation or error)) from error
        except (RequestException, ConnectionError) as error:
            raise MachineError("engine-lost", detail=_last_line(error)) from error
        finally:
            client.close()


def _last_line(words: object) -> str:
    lines = str(words).strip().splitlines()
    return lines[-1] if lines else "no words"
