"""Signed tags: C git and this library verify those of each other, with GPG and SSH keys."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelversions import Identity, Registry, SignatureStatus, SigningError
from tests.compat.git import Git, init

pytestmark = [
    pytest.mark.compat,
    pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not installed"),
    pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed"),
]

ANN = Identity("Ann", "ann@example.com")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Create a GPG key and an SSH key in a new directory."""
    home = tmp_path_factory.mktemp("keys")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    generate = ["--passphrase", "", "--quick-gen-key", str(ANN), "ed25519", "sign", "never"]
    subprocess.run([*gpg, *generate], check=True, capture_output=True)
    key = home / "id"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    public = key.with_suffix(".pub").read_text()
    (home / "signers").write_text(f'{ANN.email} namespaces="git" {public}')
    yield home
    subprocess.run(
        ["gpgconf", "--homedir", str(home), "--kill", "all"], check=True, capture_output=True
    )


@pytest.fixture(params=["openpgp", "ssh"])
def git(
    request: pytest.FixtureRequest, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Git:
    monkeypatch.setenv("GNUPGHOME", str(keys))
    git = init(tmp_path / "repo")
    git.commit()
    git("config", "gpg.format", request.param)
    if request.param == "ssh":
        git("config", "user.signingKey", str(keys / "id"))
        git("config", "gpg.ssh.allowedSignersFile", str(keys / "signers"))
    return git


def home() -> dict[str, str]:
    return {"GNUPGHOME": os.environ["GNUPGHOME"]}


def test_git_verifies_tags_signed_by_this_library(git: Git) -> None:
    git("config", "tag.gpgSign", "true")
    with Registry.open(git.path) as registry:
        event = registry.register("m", "v1.0.0", author=ANN)
        git("tag", "-v", event.tag, env=home())
        found = registry.verify(event)
        assert found.status is SignatureStatus.GOOD
        assert "ann@example.com" in found.signer
        assert found.key
        assert event.message == "Registering artifact m version v1.0.0"
        assert registry.event(event.tag) == event
    assert git("fsck", "--strict", "--no-dangling") == ""


def test_this_library_verifies_tags_signed_by_git(git: Git) -> None:
    git("tag", "-s", "-m", "theirs", "m@v1.0.0", env=home())
    git("tag", "-a", "-m", "not signed", "m@v2.0.0")
    with Registry.open(git.path) as registry:
        assert registry.verify(registry["m"]["v1.0.0"])
        assert registry["m"]["v1.0.0"].message == "theirs"
        assert registry.verify("m@v2.0.0").status is SignatureStatus.UNSIGNED


def test_a_tag_changed_after_signing(git: Git) -> None:
    git("tag", "-s", "-m", "theirs", "m@v1.0.0", env=home())
    text = git("cat-file", "tag", "m@v1.0.0").replace("theirs", "forged")
    id = git("hash-object", "-t", "tag", "-w", "--stdin", text=text).strip()
    git("update-ref", "refs/tags/m@v1.0.0", id)
    with Registry.open(git.path) as registry:
        assert registry.verify("m@v1.0.0").status is SignatureStatus.BAD


def test_an_unknown_key(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("tag", "-s", "-m", "theirs", "m@v1.0.0", env=home())
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (other / "signers").write_text("")
    monkeypatch.setenv("GNUPGHOME", str(other))
    git("config", "gpg.ssh.allowedSignersFile", str(other / "signers"))
    with Registry.open(git.path) as registry:
        found = registry.verify("m@v1.0.0")
    assert found.status is SignatureStatus.UNKNOWN
    assert found.signer == ""


def test_a_missing_key(git: Git) -> None:
    with Registry.open(git.path) as registry:
        with pytest.raises(SigningError, match=r"(?s)could not sign: .*; no tag was written"):
            registry.register("m", "v1.0.0", author=ANN, sign="/no/such/key")
        assert list(registry) == []


def is_good_for_both(git: Git, tag: str) -> bool:
    """Return whether a signature is good, after checking that C git returns the same."""
    try:
        git("verify-tag", tag, env=home())
        theirs = True
    except subprocess.CalledProcessError:
        theirs = False
    with Registry.open(git.path) as registry:
        assert bool(registry.verify(tag)) == theirs
    return theirs


@pytest.mark.parametrize("level", ["undefined", "never", "marginal", "FULLY", "ultimate"])
def test_the_minimum_trust_of_a_key(git: Git, level: str) -> None:
    git("tag", "-s", "-m", "theirs", "m@v1.0.0", env=home())
    git("config", "gpg.minTrustLevel", level)
    is_ssh = git("config", "gpg.format").strip() == "ssh"
    assert is_good_for_both(git, "m@v1.0.0") == (not is_ssh or level != "ultimate")


@pytest.mark.parametrize("git", ["openpgp"], indirect=True)
def test_a_key_that_is_not_trusted_enough(git: Git, keys: Path) -> None:
    git("tag", "-s", "-m", "theirs", "m@v1.0.0", env=home())
    git("config", "gpg.minTrustLevel", "marginal")
    assert is_good_for_both(git, "m@v1.0.0")
    owner_trust = keys / "trustdb.gpg"
    content = owner_trust.read_bytes()
    owner_trust.unlink()
    try:
        assert not is_good_for_both(git, "m@v1.0.0")
    finally:
        owner_trust.write_bytes(content)


@pytest.mark.parametrize("git", ["openpgp"], indirect=True)
def test_a_tag_with_two_signers(git: Git, keys: Path) -> None:
    gpg = ["gpg", "--homedir", str(keys), "--batch", "--pinentry-mode", "loopback"]
    generate = ["--passphrase", "", "--quick-gen-key", "Bob <bob@example.com>", "ed25519", "sign"]
    subprocess.run([*gpg, *generate, "never"], check=True, capture_output=True)
    git("tag", "-a", "-m", "theirs", "m@v1.0.0")
    payload = git("cat-file", "tag", "m@v1.0.0")
    two = [*gpg, "-u", ANN.email, "-u", "bob@example.com", "-abs"]
    done = subprocess.run(two, input=payload.encode(), check=True, capture_output=True)
    text = payload + done.stdout.decode()
    id = git("hash-object", "-t", "tag", "-w", "--stdin", text=text).strip()
    git("update-ref", "refs/tags/m@v1.0.0", id)
    assert not is_good_for_both(git, "m@v1.0.0")


@pytest.mark.parametrize("git", ["ssh"], indirect=True)
@pytest.mark.parametrize(
    ("validity", "is_good"),
    [
        ('valid-after="20200101"', True),
        ('valid-before="20200101"', False),
        ('valid-after="20120101",valid-before="20200101"', False),
    ],
)
@pytest.mark.parametrize("year", [2015, 2025])
def test_an_ssh_key_is_verified_at_the_time_of_the_tag(
    git: Git, keys: Path, tmp_path: Path, validity: str, is_good: bool, year: int
) -> None:
    public = (keys / "id.pub").read_text()
    signers = tmp_path / "signers"
    signers.write_text(f'{ANN.email} namespaces="git",{validity} {public}')
    git("config", "gpg.ssh.allowedSignersFile", str(signers))
    date = {"GIT_COMMITTER_DATE": f"{year}-06-01T00:00:00Z"}
    git("tag", "-s", "-m", "theirs", "m@v1.0.0", env={**home(), **date})
    assert is_good_for_both(git, "m@v1.0.0") == (is_good == (year == 2025))


@pytest.mark.parametrize("git", ["ssh"], indirect=True)
def test_a_relative_signers_file_is_in_the_work_tree(
    git: Git, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("tag", "-s", "-m", "theirs", "m@v1.0.0", env=home())
    git("config", "gpg.ssh.allowedSignersFile", "signers")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    content = (keys / "signers").read_text()
    monkeypatch.chdir(elsewhere)
    (elsewhere / "signers").write_text(content)
    (git.path / "signers").write_text("")
    assert not is_good_for_both(git, "m@v1.0.0")
    (git.path / "signers").write_text(content)
    (elsewhere / "signers").unlink()
    assert is_good_for_both(git, "m@v1.0.0")


def test_a_signed_object_under_another_name(git: Git) -> None:
    git("tag", "-s", "-m", "theirs", "m@v1.0.0", env=home())
    git("update-ref", "refs/tags/m@v2.0.0", "m@v1.0.0")
    git("verify-tag", "m@v2.0.0", env=home())  # C git does not compare the names
    with Registry.open(git.path) as registry:
        assert registry.verify("m@v1.0.0")
        assert registry.verify("m@v2.0.0").status is SignatureStatus.BAD
