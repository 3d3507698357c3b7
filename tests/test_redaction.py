"""No message, attribute or log record contains the login of a URL."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from modelversions import ModelVersionsError, Registry
from modelversions.errors import InvalidArgumentError, redact
from modelversions.git.urls import Url
from modelversions.values.tag_name import diagnose
from tests.builders import Builder
from tests.servers import LOCAL

SECRETS = ("t0ken", "s3cret", "pa%73s")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'https://u:t0ken@h/x'", "'https://***@h/x'"),
        ("https://t0ken@h/x is", "https://***@h/x is"),
        ("'https://h/x?token=t0ken' is", "'https://h/x?***' is"),
        ("https://h/x?a=t0ken&b", "https://h/x?***"),
        ("HTTP://u:s3c@ret/w@h/x", "HTTP://***@h/x"),
        ("https://u:s3c/ret@h/x", "https://***@h/x"),
        ("https://host:8443/team@x/y", "https://host:8443/team@x/y"),
        ("socks5h://u:t0ken@h:1", "socks5h://***@h:1"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://git:t0ken@host/x", "ssh://***@host/x"),
        ("ssh://host:22/x@y", "ssh://host:22/x@y"),
        ("https://host/@team/x@y", "https://host/@team/x@y"),
        ("git@host:x and m@v1.0.0", "git@host:x and m@v1.0.0"),
        ("https://u:t0ken@h and https://v:s3cret@i", "https://***@h and https://***@i"),
    ],
)
def test_redact(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_errors_are_redacted_with_their_data() -> None:
    error = InvalidArgumentError("x https://u:s3cret@h", argument="a", value="https://u:t0ken@h")
    assert str(error) == "x https://***@h"
    assert error.value == "https://***@h"
    assert InvalidArgumentError("x", argument="a", value=3).value == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://u:t0ken@h/x",
        f"http://u:s3@cret/w@{LOCAL}:1/x",
        f"http://u:t0ken@{LOCAL}:1/x",
        f"http://t0ken-of-some-length@{LOCAL}:1/x",
        "https://u:t0ken@[h/x",
        "https://u:t0ken@h:99999999/x",
        "ftp://u:t0ken@h/x",
        "ssh://u:t0ken@h/x",
    ],
)
def test_no_call_shows_the_login_of_a_url(
    disk: Builder, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    caplog.set_level(logging.DEBUG)
    disk.tags("m@v1.0.0")
    registry = disk.registry
    calls: list[Callable[[], object]] = [
        lambda: registry.push(url),
        lambda: registry.delete_tags(url),
        lambda: registry.resolve(url),
        lambda: registry.event(url),
        lambda: registry[url],
        lambda: registry["m"][url],
        lambda: registry["m"].stages[url],
        lambda: registry.at(url),
        lambda: registry.register(url, "v1.0.0"),
        lambda: registry.register("m", url),
        lambda: registry.register("m", "v2.0.0", commit=url),
        lambda: registry.assign("m", "v1.0.0", url),
    ]
    if "h/x" not in url or "[" in url or not url.startswith("http"):  # no request is sent
        calls += [
            lambda: list(Registry.open(url, timeout=5)),
            lambda: registry.fetch(remote=url),
            lambda: registry.push(remote=url),
        ]
    for call in calls:
        try:
            call()
        except ModelVersionsError as error:
            chain: BaseException | None = error
            while chain is not None:
                text = f"{chain!r} {chain}"
                assert not any(part in text for part in (*SECRETS, "s3@", "cret/w")), text
                chain = chain.__cause__ or (
                    None if chain.__suppress_context__ else chain.__context__
                )
    assert not any(part in caplog.text for part in (*SECRETS, "s3@", "cret/w"))


def test_a_password_with_a_slash() -> None:
    url = Url.parse("https://u:p@ss/w@h/x")
    assert str(url) == "https://***@h/x"
    assert url.has_split_password
    assert not Url.parse("https://u@h/@x").has_split_password


@pytest.mark.parametrize("piece", ["a.", "a", ":", "://", "a:/", "http://", "@", "a://b:"])
def test_the_time_for_long_texts_is_not_quadratic(piece: str) -> None:
    def seconds(size: int) -> float:
        text = "m@v1.0.0-" + piece * (size // len(piece)) + "!"
        start = time.perf_counter()
        redact(text)
        diagnose(text)
        return time.perf_counter() - start

    small = min(seconds(3_000) for _ in range(3))
    assert (
        min(seconds(60_000) for _ in range(3)) < 100 * small + 0.1
    )  # a factor of 400 if quadratic
