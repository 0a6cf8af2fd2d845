"""``ssh://`` addresses by the ssh program, with the user's own keys and configuration."""

from __future__ import annotations

import importlib.util
import sys
import types


def prepare() -> None:
    """Make the SDK able to use the ssh program.

    Its module for ssh:// imports paramiko when it is loaded, also where the program is used instead, which needs
    nothing of it: an empty module of that name is enough.
    """
    import docker.api.client as sdk

    if hasattr(sdk, "SSHHTTPAdapter") or importlib.util.find_spec("paramiko") is not None:
        return
    stand_in = sys.modules["paramiko"] = types.ModuleType("paramiko")
    try:
        from docker.transport.sshconn import SSHHTTPAdapter
    finally:
        if sys.modules.get("paramiko") is stand_in:
            del sys.modules["paramiko"]
    sdk.SSHHTTPAdapter = SSHHTTPAdapter
