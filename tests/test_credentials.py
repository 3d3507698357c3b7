"""Credentials: where they come from, and that they go nowhere else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from modelversions import ConfigurationError
from modelversions.credentials import git_credential_fill, netrc_file, token_from_env

URL = "https://host:8080/m.git"


def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = token_from_env("MODELS_TOKEN")
    with pytest.raises(ConfigurationError, match="variable 'MODELS_TOKEN' is not set"):
        ask(URL, None)
    monkeypatch.setenv("MODELS_TOKEN", "")
    with pytest.raises(ConfigurationError, match="variable 'MODELS_TOKEN' is empty"):
        ask(URL, None)
    monkeypatch.setenv("MODELS_TOKEN", "s3cret")
    assert ask(URL, None) == ("x-access-token", "s3cret")
    assert ask(URL, "ann") == ("ann", "s3cret")
    assert token_from_env("MODELS_TOKEN", "oauth2")(URL, None) == ("oauth2", "s3cret")
    assert "s3cret" not in repr(ask)


def test_a_netrc_file_is_asked_for_the_host(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine host login ann password s3cret\n")
    file.chmod(stat.S_IRUSR)
    assert netrc_file(file)(URL, None) == ("ann", "s3cret")
    assert netrc_file(file)(URL, "ann") == ("ann", "s3cret")
    assert netrc_file(file)(URL, "bob") is None
    assert netrc_file(file)("https://other/m", None) is None
    with pytest.raises(ConfigurationError, match="there is no file '.*nothing'; pass the path"):
        netrc_file(tmp_path / "nothing")(URL, None)


def test_the_users_own_netrc_file_is_the_usual_one() -> None:
    file = Path("~/.netrc").expanduser()
    assert netrc_file()(URL, None) is None
    file.write_text("default login bob password s3cret\n")
    file.chmod(stat.S_IRUSR)
    assert netrc_file()(URL, None) == ("bob", "s3cret")


def test_a_netrc_file_that_cannot_be_read_is_an_error_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine host login ann pass s3cret\n")
    with pytest.raises(ConfigurationError, match="cannot be read for a password") as caught:
        netrc_file(file)(URL, None)
    assert caught.value.file == str(file)
    assert caught.value.__cause__ is None
    assert "s3cret" not in str(caught.value)


def program(tmp_path: Path, text: str) -> str:
    path = tmp_path / "git"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_gits_helpers_are_asked_when_that_is_wanted(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    git = program(tmp_path, f"cat > {heard}; echo username=ann; echo password=s3=cret")
    assert git_credential_fill(git)(URL, "ann") == ("ann", "s3=cret")
    assert heard.read_text() == f"url={URL}\nusername=ann\n\n"
    assert git_credential_fill(git)(URL, None) == ("ann", "s3=cret")


def test_a_helper_that_knows_nothing_is_no_error(tmp_path: Path) -> None:
    assert git_credential_fill(program(tmp_path, "cat >/dev/null; exit 1"))(URL, None) is None
    assert git_credential_fill(program(tmp_path, "cat >/dev/null; echo x"))(URL, None) is None
    assert git_credential_fill(str(tmp_path / "nothing"))(URL, None) is None


def test_a_question_about_another_host_is_not_passed_on(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    git = program(tmp_path, f"cat > {heard}; echo username=ann; echo password=s3cret")
    assert git_credential_fill(git)(URL, "ann\nhost=github.com") is None
    assert git_credential_fill(git)(f"{URL}\nhost=github.com", None) is None
    assert git_credential_fill(git)(f"{URL}\0", None) is None
    assert not heard.exists()


def test_a_helper_that_takes_too_long_knows_nothing(tmp_path: Path) -> None:
    git = program(tmp_path, "exec sleep 60")
    assert git_credential_fill(git, timeout=0.1)(URL, None) is None


def test_git_is_told_what_became_of_a_login(tmp_path: Path) -> None:
    said = tmp_path / "said"
    git = program(tmp_path, f'(echo "$2 $PWD"; cat) >>"{said}"')
    (tmp_path / "clone").mkdir()
    ask = git_credential_fill(git, path=tmp_path / "clone")
    ask.approve(URL, "ann", "s3cret")  # type: ignore[attr-defined]
    ask.reject(URL, "ann", "s3\ncret")  # type: ignore[attr-defined]
    ask.reject(URL, "ann", "s3cret")  # type: ignore[attr-defined]
    fields = f"url={URL}\nusername=ann\npassword=s3cret\n\n"
    where = tmp_path / "clone"
    assert said.read_text() == f"approve {where}\n{fields}reject {where}\n{fields}"
    assert "s3cret" not in repr(ask)
