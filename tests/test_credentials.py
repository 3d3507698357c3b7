"""Sources of credentials; credentials are not passed to other hosts or shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from modelversions import ConfigurationError
from modelversions.credentials import git_credential_fill, netrc_file, token_from_env

URL = "https://host:8080/m.git"


def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = token_from_env("MODELS_TOKEN")
    with pytest.raises(ConfigurationError, match="variable 'MODELS_TOKEN' is not set"):
        credentials(URL, None)
    monkeypatch.setenv("MODELS_TOKEN", "")
    with pytest.raises(ConfigurationError, match="variable 'MODELS_TOKEN' is empty"):
        credentials(URL, None)
    monkeypatch.setenv("MODELS_TOKEN", "s3cret")
    assert credentials(URL, None) == ("x-access-token", "s3cret")
    assert credentials(URL, "ann") == ("ann", "s3cret")
    assert token_from_env("MODELS_TOKEN", "oauth2")(URL, None) == ("oauth2", "s3cret")
    assert "s3cret" not in repr(credentials)


def test_a_netrc_file_is_searched_for_the_host(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine host login ann password s3cret\n")
    file.chmod(stat.S_IRUSR)
    assert netrc_file(file)(URL, None) == ("ann", "s3cret")
    assert netrc_file(file)(URL, "ann") == ("ann", "s3cret")
    assert netrc_file(file)(URL, "bob") is None
    assert netrc_file(file)("https://other/m", None) is None
    with pytest.raises(ConfigurationError, match="there is no file '.*nothing'; pass the path"):
        netrc_file(tmp_path / "nothing")(URL, None)


def test_the_default_netrc_file_is_that_of_the_user() -> None:
    file = Path("~/.netrc").expanduser()
    assert netrc_file()(URL, None) is None
    file.write_text("default login bob password s3cret\n")
    file.chmod(stat.S_IRUSR)
    assert netrc_file()(URL, None) == ("bob", "s3cret")


def test_the_error_for_an_invalid_netrc_file_does_not_contain_its_content(tmp_path: Path) -> None:
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


def test_credential_helpers_of_git_are_run(tmp_path: Path) -> None:
    request = tmp_path / "request"
    git = program(tmp_path, f"cat > {request}; echo username=ann; echo password=s3=cret")
    assert git_credential_fill(git)(URL, "ann") == ("ann", "s3=cret")
    assert request.read_text() == f"url={URL}\nusername=ann\n\n"
    assert git_credential_fill(git)(URL, None) == ("ann", "s3=cret")


def test_a_helper_without_a_result_is_not_an_error(tmp_path: Path) -> None:
    assert git_credential_fill(program(tmp_path, "cat >/dev/null; exit 1"))(URL, None) is None
    assert git_credential_fill(program(tmp_path, "cat >/dev/null; echo x"))(URL, None) is None
    assert git_credential_fill(str(tmp_path / "nothing"))(URL, None) is None


def test_a_url_or_user_with_a_line_break_is_not_passed_to_git(tmp_path: Path) -> None:
    request = tmp_path / "request"
    git = program(tmp_path, f"cat > {request}; echo username=ann; echo password=s3cret")
    assert git_credential_fill(git)(URL, "ann\nhost=github.com") is None
    assert git_credential_fill(git)(f"{URL}\nhost=github.com", None) is None
    assert git_credential_fill(git)(f"{URL}\0", None) is None
    assert not request.exists()


def test_a_helper_that_times_out_has_no_result(tmp_path: Path) -> None:
    git = program(tmp_path, "exec sleep 60")
    assert git_credential_fill(git, timeout=0.1)(URL, None) is None


def test_accepted_and_rejected_logins_are_reported_to_git(tmp_path: Path) -> None:
    log = tmp_path / "log"
    git = program(tmp_path, f'(echo "$2 $PWD"; cat) >>"{log}"')
    (tmp_path / "clone").mkdir()
    credentials = git_credential_fill(git, path=tmp_path / "clone")
    credentials.approve(URL, "ann", "s3cret")  # type: ignore[attr-defined]
    credentials.reject(URL, "ann", "s3\ncret")  # type: ignore[attr-defined]
    credentials.reject(URL, "ann", "s3cret")  # type: ignore[attr-defined]
    fields = f"url={URL}\nusername=ann\npassword=s3cret\n\n"
    path = tmp_path / "clone"
    assert log.read_text() == f"approve {path}\n{fields}reject {path}\n{fields}"
    assert "s3cret" not in repr(credentials)
