"""HTTP proxies."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import (
    Registry,
)
from tests.builders import Builder
from tests.servers import PATH, http_server, proxied, relaying


def test_a_proxy_is_used_for_its_scheme(
    served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0")
    assert isinstance(served_repo.repo, Repo)
    with http_server(served_repo.repo, relaying) as url, ExitStack() as stack:
        port = int(url.split(":")[2].split("/")[0])
        proxy = stack.enter_context(proxied(port))
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # for another scheme
        with Registry.open(url) as remote_registry:
            assert "m" in remote_registry
        monkeypatch.setenv("http_proxy", f"ann:s3%2Fcret@127.0.0.1:{proxy.port}")
        with Registry.open("http://models.invalid" + PATH) as remote_registry:
            assert "m" in remote_registry
        assert proxy.total
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        proxy.reset()
        with Registry.open(url) as remote_registry:
            assert "m" in remote_registry
        assert not proxy.total


def test_a_proxy_can_be_configured(served_repo: Builder) -> None:
    served_repo.tags("m@v1.0.0")
    assert isinstance(served_repo.repo, Repo)
    with http_server(served_repo.repo, relaying) as url:
        port = int(url.split(":")[2].split("/")[0])
        text = f"[http]\n\tproxy = http://127.0.0.1:{port}\n"
        Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(text)
        with Registry.open("http://models.invalid" + PATH) as remote_registry:
            assert "m" in remote_registry
