"""Tells settings from Kubernetes' service links: variables for each Service of the namespace.

A Service named `offload` or `offload-…` gives every pod `OFFLOAD_PORT=tcp://10.0.0.1:8000`, `OFFLOAD_SERVICE_HOST`, …:
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
"""

import re

DEFAULT_PORT = 8000

_NAME = re.compile(
    r"OFFLOAD_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)", re.ASCII
)
_PORT = re.compile(r"OFFLOAD_(\w+_)?PORT", re.ASCII)
_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def is_service_link(name: str, value: str) -> bool:
    """Returns True for a variable that Kubernetes has set. `OFFLOAD_PORT` is one only with an address as its value."""
    name = name.upper()
    return bool(_NAME.fullmatch(name) or (_PORT.fullmatch(name) and _ADDRESS.match(value)))


def without_service_link(port: object) -> object:
    """Returns the value of `OFFLOAD_PORT`, or the default in place of a service link."""
    return DEFAULT_PORT if isinstance(port, str) and is_service_link("OFFLOAD_PORT", port) else port
