"""Sign tags with the programs that Git would run.

dulwich signs too, but runs the programs that a repository's configuration names without a check of
the repository's owner.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from modelversions.errors import DubiousOwnershipError, SigningError
from modelversions.git.config import GitConfig
from modelversions.git.programs import Programs
from modelversions.git.store import SIGNATURES

_PROGRAMS = {"openpgp": "gpg", "x509": "gpgsm", "ssh": "ssh-keygen"}
BEGIN = re.compile(rb"^-----BEGIN (%b)-----" % "|".join(SIGNATURES).encode(), re.MULTILINE)
"""The line that begins a signature."""


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Split a tag object into the signed content and the signature, which may be empty.

    The signature begins at the last line that can begin a signature.
    """
    start = len(raw)
    if b"-----BEGIN " not in raw:
        return raw, b""
    for match in BEGIN.finditer(raw):
        start = match.start()
    return raw[:start], raw[start:]


def wanted(config: GitConfig, *, sign: bool | str | None) -> bool:
    """Return whether to sign a tag, according to the argument or Git's configuration.

    Raises:
        ConfigurationError: the configuration cannot be read.
    """
    if sign is None:
        return config.get_bool("tag.gpgSign") or config.get_bool("tag.forceSignAnnotated")
    return sign is not False


def sign(programs: Programs, payload: bytes, signer: str, key: str | None) -> bytes:
    """Return the signature of a tag object's bytes.

    Args:
        programs: runs the programs of Git's configuration.
        payload: the tag object without a signature.
        signer: ``Name <mail>``; GPG uses its key if none is configured.
        key: the key, in the form of ``user.signingKey``, which is the default.

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
    done = run(
        programs, [program_of(programs, format), "--status-fd=2", "-bsau", key or signer], payload
    )
    if done.returncode or b"[GNUPG:] SIG_CREATED" not in done.stderr:
        raise _failed(done)
    return done.stdout.replace(b"\r\n", b"\n")


def _sign_ssh(programs: Programs, payload: bytes, key: str | None) -> bytes:
    program = program_of(programs, "ssh")
    key = key or _default_ssh_key(programs)
    literal = key.startswith(("key::", "ssh-", "ecdsa-", "sk-"))
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory, "payload")
        data.write_bytes(payload)
        path = str(Path(key).expanduser())
        if literal:  # a public key; the agent has the private one
            path = str(Path(directory, "key"))
            Path(path).write_text(key.removeprefix("key::") + "\n")
        agent = ["-U"] if literal else []
        done = run(
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
        "there is no SSH key to sign with: pass sign='path of a key', or set Git's user.signingKey "
        "or gpg.ssh.defaultKeyCommand",
        program="ssh-keygen",
    )


def program_of(programs: Programs, format: str) -> str:
    """Return the program for a format of signatures: "openpgp", "x509" or "ssh"."""
    legacy = programs.config.get("gpg.program") if format == "openpgp" else None
    return programs.config.get(f"gpg.{format}.program") or legacy or _PROGRAMS[format]


def run(
    programs: Programs, command: list[str], content: bytes
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that signs or verifies.

    Raises:
        SigningError: the program cannot be run.
        DubiousOwnershipError: another user owns the repository whose configuration names it.
    """
    try:
        return programs.run(command, stdin=content)
    except DubiousOwnershipError:
        raise
    except OSError as error:
        raise SigningError(
            f"the program {command[0]!r} for signatures cannot be run ({error}); "
            "install it, name it in Git's gpg.*.program, or pass sign=False",
            program=command[0],
        ) from error


def _failed(done: subprocess.CompletedProcess[bytes]) -> SigningError:
    lines = done.stderr.decode(errors="replace").splitlines()
    output = "\n".join(line for line in lines if not line.startswith("[GNUPG:]")).strip()
    output = output or f"status {done.returncode}"
    program = str(done.args[0])
    return SigningError(
        f"{program!r} could not sign: {output}; no tag was written, check the key or pass "
        "sign=False",
        program=program,
    )
