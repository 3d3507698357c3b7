"""Sign tags and verify signatures, with the programs that Git would run.

dulwich signs and verifies too, but does not return the signer, and verifies an SSH signature only
for the principal "git".
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelversions.errors import DubiousOwnershipError, SigningError
from modelversions.git.config import GitConfig
from modelversions.git.programs import Programs
from modelversions.git.store import SIGNATURES, Signature, SignatureStatus

_PROGRAMS = {"openpgp": "gpg", "x509": "gpgsm", "ssh": "ssh-keygen"}
_BEGIN = re.compile(rb"^-----BEGIN (%b)-----" % "|".join(SIGNATURES).encode(), re.MULTILINE)
_FORMATS = {b"SSH SIGNATURE": "ssh", b"SIGNED MESSAGE": "x509"}
_STATUS = re.compile(
    r"^\[GNUPG:\] (GOODSIG|BADSIG|ERRSIG|EXPSIG|EXPKEYSIG|REVKEYSIG) (\S+) ?(.*)$", re.MULTILINE
)
_SSH_GOOD = re.compile(r'Good "git" signature (?:for (?P<who>.+) )?with \S+ key (?P<key>\S+)')


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Split a tag object into the signed content and the signature, which may be empty.

    The signature begins at the last line that begins one.
    """
    start = len(raw)
    if b"-----BEGIN " not in raw:
        return raw, b""
    for match in _BEGIN.finditer(raw):
        start = match.start()
    return raw[:start], raw[start:]


def wanted(config: GitConfig, *, sign: bool | str | None) -> bool:
    """Return whether to sign a tag: by the argument, or by Git's configuration.

    Raises:
        ConfigurationError: the configuration cannot be read.
    """
    if sign is None:
        return config.get_bool("tag.gpgSign") or config.get_bool("tag.forceSignAnnotated")
    return sign is not False


def sign(programs: Programs, payload: bytes, signer: str, key: str | None) -> bytes:
    """Return the signature of a tag object's bytes.

    Args:
        programs: runs what Git's configuration names.
        payload: the tag object without a signature.
        signer: ``Name <mail>``, whose key GPG uses if none is configured.
        key: the key, as for ``user.signingKey``, which is the default.

    Raises:
        SigningError: the program cannot be run, or failed.
        DubiousOwnershipError: another user owns the repository whose configuration names it.
    """
    format = programs.config.get("gpg.format") or "openpgp"
    if format not in _PROGRAMS:
        raise SigningError(
            f"gpg.format is {format!r}, and must be 'openpgp', 'x509' or 'ssh'", program=format
        )
    key = key or programs.config.get("user.signingKey")
    if format == "ssh":
        return _sign_ssh(programs, payload, key)
    done = _run(
        programs, [_program(programs, format), "--status-fd=2", "-bsau", key or signer], payload
    )
    if done.returncode or b"[GNUPG:] SIG_CREATED" not in done.stderr:
        raise _failed(done)
    return done.stdout.replace(b"\r\n", b"\n")


def check(programs: Programs, raw: bytes) -> Signature:
    """Verify the signature of a tag object.

    Raises:
        SigningError: the program that verifies it cannot be run.
        DubiousOwnershipError: another user owns the repository whose configuration names it.
    """
    payload, signature = split(raw)
    if not signature:
        return Signature(SignatureStatus.UNSIGNED)
    begin = _BEGIN.match(signature)
    assert begin is not None
    format = _FORMATS.get(begin[1], "openpgp")
    with _file(signature) as path:
        if format == "ssh":
            return _check_ssh(programs, payload, path)
        program = _program(programs, format)
        done = _run(
            programs,
            [program, "--status-fd=1", "--keyid-format=long", "--verify", path, "-"],
            payload,
        )
    return _judge_gpg(done)


def _judge_gpg(done: subprocess.CompletedProcess[bytes]) -> Signature:
    detail = done.stderr.decode(errors="replace").strip()
    verdict = _STATUS.search(done.stdout.decode(errors="replace"))
    if verdict is None:
        return Signature(SignatureStatus.BAD, detail=detail)
    word, key, signer = verdict.groups()
    if word == "GOODSIG" and done.returncode == 0:
        return Signature(SignatureStatus.GOOD, signer, key, detail)
    if word == "BADSIG":
        return Signature(SignatureStatus.BAD, signer, key, detail)
    return Signature(SignatureStatus.UNKNOWN, "" if word == "ERRSIG" else signer, key, detail)


def _sign_ssh(programs: Programs, payload: bytes, key: str | None) -> bytes:
    program = _program(programs, "ssh")
    key = key or _default_ssh_key(programs)
    literal = key.startswith(("key::", "ssh-", "ecdsa-", "sk-"))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "payload")
        data.write_bytes(payload)
        path = str(Path(key).expanduser())
        if literal:  # a public key; the agent has the private one
            path = str(Path(folder, "key"))
            Path(path).write_text(key.removeprefix("key::") + "\n")
        agent = ["-U"] if literal else []
        done = _run(
            programs, [program, "-Y", "sign", "-n", "git", "-f", path, *agent, str(data)], b""
        )
        signature = Path(f"{data}.sig")
        if done.returncode or not signature.exists():
            raise _failed(done)
        return signature.read_bytes().replace(b"\r\n", b"\n")


def _default_ssh_key(programs: Programs) -> str:
    command = programs.config.get("gpg.ssh.defaultKeyCommand")
    if command:
        done = programs.run(command, shell=True)  # noqa: S604  # as in Git
        key = done.stdout.decode(errors="replace").partition("\n")[0].strip()
        if done.returncode == 0 and key:
            return key
    raise SigningError(
        "no SSH key is named to sign with: pass sign='path of a key', or set Git's user.signingKey "
        "or gpg.ssh.defaultKeyCommand",
        program="ssh-keygen",
    )


def _check_ssh(programs: Programs, payload: bytes, path: str) -> Signature:
    program = _program(programs, "ssh")
    allowed = str(
        Path(programs.config.get("gpg.ssh.allowedSignersFile") or os.devnull).expanduser()
    )
    found = _run(programs, [program, "-Y", "find-principals", "-f", allowed, "-s", path], b"")
    revoked = programs.config.get("gpg.ssh.revocationFile")
    more = ["-r", str(Path(revoked).expanduser())] if revoked else []
    for who in found.stdout.decode(errors="replace").split("\n"):
        if who and found.returncode == 0:
            arguments = ["-Y", "verify", "-n", "git", "-f", allowed, "-I", who, "-s", path, *more]
            signature = _judge_ssh(
                _run(programs, [program, *arguments], payload), SignatureStatus.GOOD
            )
            if signature:
                return signature
    arguments = ["-Y", "check-novalidate", "-n", "git", "-s", path, *more]
    return _judge_ssh(_run(programs, [program, *arguments], payload), SignatureStatus.UNKNOWN)


def _judge_ssh(done: subprocess.CompletedProcess[bytes], good: SignatureStatus) -> Signature:
    detail = (done.stdout + done.stderr).decode(errors="replace").strip()
    match = _SSH_GOOD.search(detail) if done.returncode == 0 else None
    if match is None:
        return Signature(SignatureStatus.BAD, detail=detail)
    return Signature(good, match["who"] or "", match["key"], detail)


def _program(programs: Programs, format: str) -> str:
    legacy = programs.config.get("gpg.program") if format == "openpgp" else None
    return programs.config.get(f"gpg.{format}.program") or legacy or _PROGRAMS[format]


def _run(
    programs: Programs, command: list[str], content: bytes
) -> subprocess.CompletedProcess[bytes]:
    try:
        return programs.run(command, stdin=content)
    except DubiousOwnershipError:
        raise
    except OSError as error:
        raise SigningError(
            f"the program {command[0]!r}, which signs and verifies, cannot be run ({error}); "
            "install it, name it in Git's gpg.*.program, or pass sign=False",
            program=command[0],
        ) from error


def _failed(done: subprocess.CompletedProcess[bytes]) -> SigningError:
    said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
    program = str(done.args[0])
    return SigningError(
        f"{program!r} could not sign, and no tag was written; it said: {said}", program=program
    )


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "signature")
        path.write_bytes(content)
        yield str(path)
