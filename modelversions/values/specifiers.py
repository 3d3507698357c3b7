"""Ranges of versions, as packaging's specifiers have them, asked of final releases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelversions.errors import InvalidArgumentError
from modelversions.values.semver import SemVer

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


def in_range(specifier: str, *, prereleases: bool) -> Callable[[SemVer], bool]:
    """Return what says whether a version is in a range; a pre-release is where its release is.

    packaging's own versions cannot stand in for SemVer's: it reads ``1.0.0-1`` as a post-release
    and refuses ``1.0.0-alpha.beta``.

    Raises:
        InvalidArgumentError: the specifier cannot be read, or names no final release.
    """
    wanted = _range(specifier)

    def fits(version: SemVer) -> bool:
        release = f"{version.major}.{version.minor}.{version.patch}"
        return (prereleases or not version.is_prerelease) and wanted.contains(release)

    return fits


def _range(specifier: str) -> SpecifierSet:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # costs time to import
    from packaging.version import InvalidVersion
    from packaging.version import Version as PythonVersion

    try:
        found = SpecifierSet(specifier)
        bounds = [PythonVersion(one.version.removesuffix(".*")) for one in found]
    except (InvalidSpecifier, InvalidVersion, TypeError, AttributeError) as error:
        raise InvalidArgumentError(
            f"{specifier!r} is not a range of versions; write one such as '>=3,<4' or '~=3.1'",
            argument="specifier",
            value=specifier,
        ) from error
    odd = next((one for one in bounds if one.epoch or str(one) != one.base_version), None)
    if odd is not None:
        raise InvalidArgumentError(
            f"{specifier!r} is not a range of final releases, for it names '{odd}'; look such a "
            "version up by its name",
            argument="specifier",
            value=specifier,
        )
    return found
