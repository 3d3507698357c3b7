"""Verify the signatures of tags with the programs that Git would run, by Git's rules.

dulwich verifies too, but does not return the signer, and verifies an SSH signature only for the
principal "git".
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from modelversions.errors import ConfigurationError
from modelversions.git.programs import Programs
from modelversions.git.signing import BEGIN, program_of, run, split
from modelversions.git.store import Signature, SignatureStatus
from modelversions.git.tag_object import TagParts

_FORMATS = {b"SSH SIGNATURE": "ssh", b"SIGNED MESSAGE": "x509"}
_STATUS = re.compile(
    r"^\[GNUPG:\] (GOODSIG|BADSIG|ERRSIG|EXPSIG|EXPKEYSIG|REVKEYSIG) (\S+) ?(.*)$", re.MULTILINE
)
_TRUST = re.compile(r"^\[GNUPG:\] TRUST_([A-Z]+)", re.MULTILINE)
_LEVELS = ("undefined", "never", "marginal", "fully", "ultimate")
"""The values of ``gpg.minTrustLevel``, ascending; the SSH key of a known signer is "fully"."""
_SSH_GOOD = re.compile(r'Good "git" signature (?:for (?P<who>.+) )?with \S+ key (?P<key>\S+)')


def verify(programs: Programs, raw: bytes, name: str) -> Signature:
    """Verify the signature of a tag object.

    Args:
        programs: runs the programs of Git's configuration.
        raw: the bytes of the tag object; empty for a ref that does not name one.
        name: the name of the ref. A signature for another name is not good, as the name determines
            the version (F8); ``git verify-tag`` leaves this check to its caller.

    Raises:
        ConfigurationError: ``gpg.minTrustLevel`` is not one of Git's levels.
        SigningError: the program that verifies the signature cannot be run.
        DubiousOwnershipError: another user owns the repository whose configuration names it.
    """
    payload, signature = split(raw)
    if not signature:
        return Signature(SignatureStatus.UNSIGNED)
    tag = _parse(payload)
    if tag is None or tag.person is None:
        return Signature(SignatureStatus.BAD, detail="the tag object has no valid tagger")
    begin = BEGIN.match(signature)
    assert begin is not None
    format = _FORMATS.get(begin[1], "openpgp")
    with _file(signature) as path:
        if format == "ssh":
            found = _verify_ssh(programs, payload, path, _ssh_time(tag.person["time"]))
            trust = "fully"
        else:
            found, trust = _verify_gpg(programs, payload, path, format)
    if found and _LEVELS.index(trust) < _min_level(programs):
        reason = f"the key's trust level is {trust!r}, which is below gpg.minTrustLevel"
        found = attrs.evolve(found, status=SignatureStatus.UNKNOWN, detail=_join(reason, found))
    if found and tag.name != name:
        reason = f"this is the signature of the tag {tag.name!r}, not of {name!r}"
        found = attrs.evolve(found, status=SignatureStatus.BAD, detail=_join(reason, found))
    return found


def _parse(payload: bytes) -> TagParts | None:
    try:
        return TagParts(payload)
    except ValueError:
        return None


def _join(reason: str, found: Signature) -> str:
    return f"{reason}\n{found.detail}".strip()


def _min_level(programs: Programs) -> int:
    level = programs.config.get("gpg.minTrustLevel") or _LEVELS[0]
    if level.lower() not in _LEVELS:
        raise ConfigurationError(
            f"gpg.minTrustLevel is {level!r}, and must be one of {', '.join(_LEVELS)}",
            file="git config",
        )
    return _LEVELS.index(level.lower())


def _verify_gpg(
    programs: Programs, payload: bytes, path: str, format: str
) -> tuple[Signature, str]:
    """Return the result, and the trust level of the key."""
    options = ["--status-fd=1", "--keyid-format=long", "--verify", path, "-"]
    done = run(programs, [program_of(programs, format), *options], payload)
    output = done.stdout.decode(errors="replace")
    level = _TRUST.findall(output)[-1:]
    trust = level[0].lower() if level and level[0].lower() in _LEVELS else _LEVELS[0]
    return _gpg_result(done, _STATUS.findall(output)), trust


def _gpg_result(
    done: subprocess.CompletedProcess[bytes], found: list[tuple[str, str, str]]
) -> Signature:
    detail = done.stderr.decode(errors="replace").strip()
    if not found:
        return Signature(SignatureStatus.BAD, detail=detail)
    if len(found) > 1:  # as in Git, as it would be unclear which signature is meant
        reason = f"the tag has {len(found)} signatures, and must have one"
        return Signature(SignatureStatus.UNKNOWN, detail=f"{reason}\n{detail}".strip())
    word, key, signer = found[0]
    if word == "GOODSIG" and done.returncode == 0:
        return Signature(SignatureStatus.GOOD, signer, key, detail)
    if word == "BADSIG":
        return Signature(SignatureStatus.BAD, signer, key, detail)
    return Signature(SignatureStatus.UNKNOWN, "" if word == "ERRSIG" else signer, key, detail)


def _ssh_time(seconds: bytes | None) -> list[str]:
    """Return the option to check that a key was valid at the time of the tag, as Git does."""
    if not seconds or not seconds.isdigit():
        return []
    try:
        local = time.localtime(int(seconds))
    except (OverflowError, OSError, ValueError):  # Git uses the epoch too
        local = time.localtime(0)
    return [f"-Overify-time={time.strftime('%Y%m%d%H%M%S', local)}"]


def _verify_ssh(programs: Programs, payload: bytes, path: str, at: list[str]) -> Signature:
    program = program_of(programs, "ssh")
    allowed = programs.config.get_path("gpg.ssh.allowedSignersFile") or os.devnull
    found = run(programs, [program, "-Y", "find-principals", "-f", allowed, "-s", path, *at], b"")
    revoked = programs.config.get_path("gpg.ssh.revocationFile")
    more = [*at, *(["-r", revoked] if revoked else [])]
    known = found.stdout.decode(errors="replace").split("\n") if found.returncode == 0 else []
    for who in filter(None, known):
        arguments = ["-Y", "verify", "-n", "git", "-f", allowed, "-I", who, "-s", path, *more]
        signature = _ssh_result(run(programs, [program, *arguments], payload), SignatureStatus.GOOD)
        if signature:
            return signature
    arguments = ["-Y", "check-novalidate", "-n", "git", "-s", path, *more]
    unknown = _ssh_result(run(programs, [program, *arguments], payload), SignatureStatus.UNKNOWN)
    if allowed == os.devnull:
        reason = "no key is trusted, as gpg.ssh.allowedSignersFile is not set"
        unknown = attrs.evolve(unknown, detail=_join(reason, unknown))
    return unknown


def _ssh_result(done: subprocess.CompletedProcess[bytes], good: SignatureStatus) -> Signature:
    detail = (done.stdout + done.stderr).decode(errors="replace").strip()
    match = _SSH_GOOD.search(detail) if done.returncode == 0 else None
    if match is None:
        return Signature(SignatureStatus.BAD, detail=detail)
    return Signature(good, match["who"] or "", match["key"], detail)


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "signature")
        path.write_bytes(content)
        yield str(path)
