"""Signatures: how the programs that sign and verify are called, and how their results are used.

The programs are fakes; tests/compat runs the real ones.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dulwich.refs import Ref
from dulwich.repo import Repo

from modelversions import (
    ConfigurationError,
    Event,
    Identity,
    Registry,
    SignatureStatus,
    SigningError,
)
from tests.builders import ANN, START, Builder

AUTHOR = Identity("Ann", "ann@example.com")
PGP = "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
SSH = PGP.replace("PGP", "SSH")
SIGNS = f"""
sys.stderr.write("[GNUPG:] SIG_CREATED D 22 8\\n")
sys.stdout.write({PGP!r})
"""
SSH_SIGNS = f"""
if "sign" in sys.argv:
    open(sys.argv[-1] + ".sig", "w").write({SSH!r})
"""

Configure = Callable[..., Registry]


@pytest.fixture
def configure(disk: Builder, tmp_path: Path) -> Configure:
    """Create registries with some settings, and with a program that runs some code."""
    assert isinstance(disk.repo, Repo)
    repo = disk.repo

    def make(program: str = "", **values: str) -> Registry:
        path = tmp_path / "program"
        log = f"open({str(tmp_path / 'log')!r}, 'a').write(repr(sys.argv[1:]) + '\\n')"
        path.write_text(f"#!{sys.executable}\nimport sys\n{log}\n{program}")
        path.chmod(0o700)
        config = repo.get_config()
        for format in ("openpgp", "ssh", "x509"):
            config.set((b"gpg", format.encode()), b"program", str(path).encode())
        for name, value in values.items():
            *section, key = name.split("_")
            config.set(tuple(part.encode() for part in section), key.encode(), value.encode())
        config.write_to_path()
        return Registry.from_repo(repo)

    return make


def register(registry: Registry, sign: bool | str | None = None) -> Event:
    return registry.register("m", "v1.0.0", author=AUTHOR, sign=sign)


def read_log(tmp_path: Path) -> str:
    return (tmp_path / "log").read_text()


class TestSigning:
    @pytest.mark.parametrize(
        ("values", "sign", "signed"),
        [
            ({}, None, False),
            ({}, True, True),
            ({}, "ABCD", True),
            ({"tag_gpgSign": "true"}, None, True),
            ({"tag_gpgSign": "on"}, False, False),
            ({"tag_gpgSign": "false"}, None, False),
            ({"tag_forceSignAnnotated": "1"}, None, True),
        ],
    )
    def test_when(
        self, configure: Configure, values: dict[str, str], sign: bool | str | None, signed: bool
    ) -> None:
        registry = configure(SIGNS, **values)
        event = register(registry, sign)
        raw = registry._store._files.raw(registry._refs([event])[0].id)[1]  # type: ignore[attr-defined]
        assert raw.endswith(PGP.encode()) == signed
        message = "Registering artifact m version v1.0.0"
        assert event.message == message == registry["m"]["v1.0.0"].message

    @pytest.mark.parametrize(
        ("values", "sign", "key"),
        [
            ({}, True, ANN),
            ({"user_signingKey": "CONF"}, True, "CONF"),
            ({"user_signingKey": "CONF"}, "MINE", "MINE"),
            ({"gpg_format": "x509"}, "MINE", "MINE"),
        ],
    )
    def test_with_which_key(
        self,
        configure: Configure,
        tmp_path: Path,
        values: dict[str, str],
        sign: bool | str,
        key: str,
    ) -> None:
        register(configure(SIGNS, **values), sign)
        assert read_log(tmp_path) == f"['--status-fd=2', '-bsau', {key!r}]\n"

    @pytest.mark.parametrize(
        ("key", "agent"), [("~/key", False), ("ssh-ed25519 AAAA", True), ("key::ssh-x AA", True)]
    )
    def test_with_an_ssh_key(
        self, configure: Configure, tmp_path: Path, key: str, agent: bool
    ) -> None:
        registry = configure(SSH_SIGNS, gpg_format="ssh", user_signingKey=key)
        register(registry, sign=True)
        assert ("-U" in read_log(tmp_path)) == agent
        assert "~" not in read_log(tmp_path)
        assert registry["m"]["v1.0.0"].message.startswith("Registering")

    def test_with_the_ssh_key_that_a_command_names(
        self, configure: Configure, tmp_path: Path
    ) -> None:
        values = {"gpg_format": "ssh", "gpg_ssh_defaultKeyCommand": "echo /the/key"}
        register(configure(SSH_SIGNS, **values), sign=True)
        assert "/the/key" in read_log(tmp_path)

    @pytest.mark.parametrize(
        ("program", "values", "hint"),
        [
            (
                "sys.exit(2)",
                {},
                "could not sign: status 2; no tag was written, check the key or pass sign=False$",
            ),
            ("print(end='')", {}, "could not sign"),
            (
                "sys.stderr.write('no such key'); sys.exit(2)",
                {},
                (
                    "could not sign: no such key; no tag was written, check the key or pass "
                    "sign=False$"
                ),
            ),
            (
                "sys.stderr.write('[GNUPG:] INV_SGNR 9 x\\nno such key'); sys.exit(2)",
                {},
                (
                    "could not sign: no such key; no tag was written, check the key or pass "
                    "sign=False$"
                ),
            ),
            ("sys.exit(1)", {"gpg_format": "ssh", "user_signingKey": "k"}, "could not sign"),
            ("", {"gpg_format": "ssh", "user_signingKey": "k"}, "could not sign"),
            ("", {"gpg_format": "ssh"}, "there is no SSH key"),
            (
                "",
                {"gpg_format": "ssh", "gpg_ssh_defaultKeyCommand": "false"},
                "there is no SSH key",
            ),
            ("", {"gpg_format": "minisign"}, "gpg.format is 'minisign'"),
            (
                "",
                {"gpg_openpgp_program": "/no/such/program"},
                "'/no/such/program' for signatures cannot be run",
            ),
        ],
    )
    def test_a_program_that_fails_is_an_error_and_no_tag_is_written(
        self, configure: Configure, program: str, values: dict[str, str], hint: str
    ) -> None:
        registry = configure(program, **values)
        with pytest.raises(SigningError, match=hint):
            register(registry, sign=True)
        assert list(registry) == []


@pytest.fixture
def signed(disk: Builder) -> Callable[[str], str]:
    """Create tags that end with a signature."""

    def make(signature: str) -> str:
        sha = disk.commits["c1"]
        head = f"object {sha}\ntype commit\ntag m@v1.0.0\ntagger {ANN} {START} +0000\n\nx\n"
        disk.raw("m@v1.0.0", head + signature)
        return "m@v1.0.0"

    return make


Signed = Callable[[str], str]


class TestVerifying:
    @pytest.mark.parametrize(
        ("line", "status", "signer"),
        [
            ("GOODSIG 12AB Ann <a@b>", SignatureStatus.GOOD, "Ann <a@b>"),
            ("BADSIG 12AB Ann <a@b>", SignatureStatus.BAD, "Ann <a@b>"),
            ("EXPKEYSIG 12AB Ann <a@b>", SignatureStatus.UNKNOWN, "Ann <a@b>"),
            ("REVKEYSIG 12AB Ann <a@b>", SignatureStatus.UNKNOWN, "Ann <a@b>"),
            ("ERRSIG 12AB 22 8 00 1700000000 9", SignatureStatus.UNKNOWN, ""),
        ],
    )
    @pytest.mark.parametrize("signature", [PGP, PGP.replace("PGP SIGNATURE", "SIGNED MESSAGE")])
    def test_the_status_line_of_gpg(
        self,
        configure: Configure,
        signed: Signed,
        line: str,
        status: SignatureStatus,
        signer: str,
        signature: str,
    ) -> None:
        program = f"print('[GNUPG:] {line}'); sys.stderr.write('a detail')"
        found = configure(program).verify(signed(signature))
        assert (found.status, found.signer, found.key) == (status, signer, "12AB")
        assert found.detail == "a detail"
        assert str(found.status) == status.value == found.status
        assert bool(found) == (status is SignatureStatus.GOOD)

    @pytest.mark.parametrize(
        ("line", "shown"),
        [
            ("GOODSIG 12AB Ann <a@b>", "good, by Ann &lt;a@b&gt;, key 12AB"),
            ("NODATA", "bad"),
        ],
    )
    def test_a_version_is_displayed_with_its_verified_signature(
        self, configure: Configure, signed: Signed, line: str, shown: str
    ) -> None:
        registry = configure(f"print('[GNUPG:] {line}')")
        tag = signed(PGP)
        before = registry["m"]["v1.0.0"]
        assert "Signature" not in before._repr_html_()
        registry.verify(tag)
        for version in (before, registry["m"].latest):
            assert version is not None
            assert f'>Signature</dt><dd class="mv-fact">{shown}</dd>' in version._repr_html_()
        assert "Signature" in registry["m"]._repr_html_()
        assert "Signature" not in pickle.loads(pickle.dumps(before))._repr_html_()
        assert "Signature" not in pickle.loads(pickle.dumps(registry["m"]))._repr_html_()
        registry.register("m", "v2.0.0", author=AUTHOR, force=True)
        assert "Signature" not in registry["m"]["v2.0.0"]._repr_html_()

    def test_gpg_without_output(self, configure: Configure, signed: Signed) -> None:
        assert configure("sys.exit(2)").verify(signed(PGP)).status is SignatureStatus.BAD

    def test_a_good_signature_from_a_program_that_fails_is_not_good(
        self, configure: Configure, signed: Signed
    ) -> None:
        found = configure("print('[GNUPG:] GOODSIG 12AB Ann'); sys.exit(1)").verify(signed(PGP))
        assert found.status is SignatureStatus.UNKNOWN

    def test_two_signatures(self, configure: Configure, signed: Signed) -> None:
        program = "for key in 'AB': print('[GNUPG:] GOODSIG', key, 'Ann')"
        found = configure(program).verify(signed(PGP))
        assert (found.status, found.signer, found.key) == (SignatureStatus.UNKNOWN, "", "")
        assert "has 2 signatures, and must have one" in found.detail

    @pytest.mark.parametrize(
        ("line", "minimum", "good"),
        [
            ("TRUST_MARGINAL 0 pgp", "", True),
            ("TRUST_MARGINAL 0 pgp", "Marginal", True),
            ("TRUST_MARGINAL 0 pgp", "fully", False),
            ("TRUST_NEVER", "never", True),
            ("TRUST_OTHER", "never", False),
            ("", "undefined", True),
            ("", "never", False),
        ],
    )
    def test_the_minimum_trust_level(
        self, configure: Configure, signed: Signed, line: str, minimum: str, good: bool
    ) -> None:
        program = f"print('[GNUPG:] GOODSIG 12AB Ann'); print('[GNUPG:] {line}')"
        values = {"gpg_minTrustLevel": minimum} if minimum else {}
        found = configure(program, **values).verify(signed(PGP))
        assert found.status is (SignatureStatus.GOOD if good else SignatureStatus.UNKNOWN)
        assert ("below gpg.minTrustLevel" in found.detail) != good

    def test_an_unknown_trust_level(self, configure: Configure, signed: Signed) -> None:
        registry = configure("print('[GNUPG:] GOODSIG 12AB Ann')", gpg_minTrustLevel="full")
        with pytest.raises(ConfigurationError, match="gpg.minTrustLevel is 'full'.* fully"):
            registry.verify(signed(PGP))

    def test_a_signature_for_another_name_is_bad(
        self, configure: Configure, signed: Signed, disk: Builder
    ) -> None:
        id = disk.repo.refs[Ref(b"refs/tags/" + signed(PGP).encode())]
        disk.ref("refs/tags/m@v2.0.0", id.decode())
        registry = configure("print('[GNUPG:] GOODSIG 12AB Ann')")
        assert registry.verify("m@v1.0.0")
        found = registry.verify("m@v2.0.0")
        assert (found.status, found.signer) == (SignatureStatus.BAD, "Ann")
        assert found.detail == "this is the signature of the tag 'm@v1.0.0', not of 'm@v2.0.0'"

    @pytest.mark.parametrize("tagger", ["", "tagger unknown"])
    def test_a_tag_without_a_tagger_is_bad(
        self, configure: Configure, disk: Builder, tagger: str
    ) -> None:
        head = f"object {disk.commits['c1']}\ntype commit\ntag m@v1.0.0\n{tagger}\n\nx\n"
        disk.raw("m@v1.0.0", (head if tagger else head.replace("\n\n", "\n", 1)) + PGP)
        found = configure("print('[GNUPG:] GOODSIG 12AB Ann')").verify("m@v1.0.0")
        assert (found.status, found.signer) == (SignatureStatus.BAD, "")

    def test_a_tag_object_that_cannot_be_parsed_is_bad(
        self, configure: Configure, disk: Builder
    ) -> None:
        disk.raw("m@v1.0.0", f"object {disk.commits['c1']}\n\nx\n{PGP}")
        found = configure("print('[GNUPG:] GOODSIG 12AB Ann')").verify("m@v1.0.0")
        assert found.status is SignatureStatus.BAD

    @pytest.mark.parametrize(
        ("seconds", "option"),
        [
            ("1500000000", time.strftime("-Overify-time=%Y%m%d%H%M%S", time.localtime(1500000000))),
            ("9" * 25, time.strftime("-Overify-time=%Y%m%d%H%M%S", time.localtime(0))),
            ("", None),
        ],
    )
    def test_an_ssh_key_is_verified_at_the_time_of_the_tag(
        self,
        configure: Configure,
        disk: Builder,
        tmp_path: Path,
        seconds: str,
        option: str | None,
    ) -> None:
        tagger = f"tagger {ANN} {seconds} +0000" if seconds else f"tagger {ANN}"
        head = f"object {disk.commits['c1']}\ntype commit\ntag m@v1.0.0\n{tagger}\n\nx\n"
        disk.raw("m@v1.0.0", head + SSH)
        configure("print('ann@example.com')").verify("m@v1.0.0")
        calls = read_log(tmp_path).splitlines()
        assert len(calls) == 3
        assert all((f"'{option}'" in call) == bool(option) for call in calls)
        assert all(("verify-time" in call) == bool(option) for call in calls)

    def test_an_ssh_key_of_a_known_signer(
        self, configure: Configure, signed: Signed, tmp_path: Path
    ) -> None:
        program = """
if "find-principals" in sys.argv:
    print("eve@example.com")
    print("ann@example.com")
elif "verify" in sys.argv and "ann@example.com" in sys.argv:
    print('Good "git" signature for ann@example.com with ED25519 key SHA256:abc')
else:
    sys.exit(255)
"""
        values = {"gpg_ssh_allowedSignersFile": "/signers", "gpg_ssh_revocationFile": "/revoked"}
        found = configure(program, **values).verify(signed(SSH))
        assert found
        assert (found.signer, found.key) == ("ann@example.com", "SHA256:abc")
        assert "'-r', '/revoked'" in read_log(tmp_path)

    def test_an_unknown_ssh_key(self, configure: Configure, signed: Signed) -> None:
        program = """
if "check-novalidate" not in sys.argv:
    sys.exit(255)
print('Good "git" signature with ED25519 key SHA256:abc')
"""
        found = configure(program, gpg_ssh_allowedSignersFile="/s").verify(signed(SSH))
        assert (found.status, found.signer) == (SignatureStatus.UNKNOWN, "")
        assert found.key == "SHA256:abc"
        assert found.detail.startswith("Good")

    def test_no_trusted_ssh_keys(self, configure: Configure, signed: Signed) -> None:
        program = """
if "check-novalidate" not in sys.argv:
    sys.exit(255)
print('Good "git" signature with ED25519 key SHA256:abc')
"""
        found = configure(program).verify(signed(SSH))
        assert found.status is SignatureStatus.UNKNOWN
        assert "gpg.ssh.allowedSignersFile is not set" in found.detail

    def test_a_bad_ssh_signature(self, configure: Configure, signed: Signed) -> None:
        assert configure("sys.exit(255)").verify(signed(SSH)).status is SignatureStatus.BAD

    def test_no_signature(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0").ref("refs/tags/light", disk.commits["c1"])
        registry = disk.registry
        for tag in (registry["m"][0], registry.history()[0], "m@v1.0.0", "light"):
            assert registry.verify(tag).status is SignatureStatus.UNSIGNED
