"""The protocols that may be used, by Git's ``protocol.*`` settings and ``GIT_ALLOW_PROTOCOL``."""

from __future__ import annotations

import os
from collections.abc import Mapping

from modelversions.errors import ConfigurationError
from modelversions.git.config import GitConfig, parse_bool

_POLICIES = ("always", "never", "user")
_DEFAULTS = {"file": "user"}


def is_allowed(
    protocol: str,
    config: GitConfig,
    env: Mapping[str, str] | None = None,
    *,
    from_user: bool = True,
) -> bool:
    """Return whether Git would use a protocol.

    Args:
        protocol: "https", "http", "ssh", "git" or "file".
        config: Git's configuration.
        env: the environment. Default: ``os.environ``.
        from_user: whether the URL comes from the user; False for the target of a redirect.

    Raises:
        ConfigurationError: a setting has an unknown value.
    """
    env = os.environ if env is None else env
    if "GIT_ALLOW_PROTOCOL" in env:
        return protocol in env["GIT_ALLOW_PROTOCOL"].split(":")
    policy = (
        _policy(config, f"protocol.{protocol}.allow")
        or _policy(config, "protocol.allow")
        or _DEFAULTS.get(protocol, "always")
    )
    if policy == "user":
        value = env.get("GIT_PROTOCOL_FROM_USER", "true")
        return from_user and parse_bool("GIT_PROTOCOL_FROM_USER", value)
    return policy == "always"


def check_protocol(protocol: str, config: GitConfig, env: Mapping[str, str] | None = None) -> None:
    """Check that Git would use a protocol.

    Raises:
        ConfigurationError: the protocol is not allowed.
    """
    if not is_allowed(protocol, config, env):
        raise ConfigurationError(
            f"the protocol {protocol!r} is not allowed; if it should be, set Git's "
            f"protocol.{protocol}.allow to 'always', or add it to GIT_ALLOW_PROTOCOL if that is "
            "set",
            file="git config",
        )


def _policy(config: GitConfig, key: str) -> str | None:
    policy = config.get(key)
    if policy is None or policy.lower() in _POLICIES:
        return policy and policy.lower()
    raise ConfigurationError(
        f"{key} is {policy!r}, and must be one of {', '.join(_POLICIES)}", file="git config"
    )
