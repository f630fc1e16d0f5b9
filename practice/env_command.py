"""The command that points other programs at the local cloud."""

from __future__ import annotations

import os
import shlex
import sys

import typer

from practice.local_cloud.address import HOST, NO_USER_SETTINGS
from practice.local_cloud.lifecycle import LocalCloud
from practice.sandbox import require_local_cloud

_OF_THE_USERS_ACCOUNT = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")


def env(context: typer.Context) -> None:
    """Print what points a shell's AWS clients at the local cloud: eval "$(python -m practice env)".

    Whoever has these credentials can run code as you, until the local cloud stops. A new shell is as before.
    """
    sys.stdout.write(shell_commands(require_local_cloud(context.obj.directory)))


def shell_commands(cloud: LocalCloud) -> str:
    """Commands of a POSIX shell that set the variables, and take away those of the user's own account."""
    past_proxies = {
        name: ",".join(filter(None, (os.environ.get(name), HOST, "localhost"))) for name in ("NO_PROXY", "no_proxy")
    }
    variables = {**cloud.state.access.variables, **NO_USER_SETTINGS, **past_proxies}
    exports = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    return "".join([f"unset {' '.join(_OF_THE_USERS_ACCOUNT)}\n", *exports])
