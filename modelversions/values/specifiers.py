"""Version ranges, as specifiers of ``packaging``, applied to final releases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelversions.errors import InvalidArgumentError
from modelversions.values.semver import SemVer

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


def in_range(specifier: str, *, prereleases: bool) -> Callable[[SemVer], bool]:
    """Return a predicate for versions in a range. A pre-release is in it if its final release is.

    The final release is compared because ``packaging`` cannot parse all versions of SemVer: it
    reads ``1.0.0-1`` as a post-release and rejects ``1.0.0-alpha.beta``.

    Raises:
        InvalidArgumentError: the specifier is invalid, or contains a version other than a final
            release.
    """
    wanted = _range(specifier)

    def fits(version: SemVer) -> bool:
        release = f"{version.major}.{version.minor}.{version.patch}"
        return (prereleases or not version.is_prerelease) and wanted.contains(release)

    return fits


def _range(specifier: str) -> SpecifierSet:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # importing it takes time
    from packaging.version import InvalidVersion
    from packaging.version import Version as PythonVersion

    try:
        found = SpecifierSet(specifier)
        bounds = [PythonVersion(one.version.removesuffix(".*")) for one in found]
    except (InvalidSpecifier, InvalidVersion, TypeError, AttributeError) as error:
        raise InvalidArgumentError(
            f"{specifier!r} is not a range of versions; pass one such as '>=3,<4' or '~=3.1'",
            argument="specifier",
            value=specifier,
        ) from error
    bound = next((one for one in bounds if one.epoch or str(one) != one.base_version), None)
    if bound is not None:
        raise InvalidArgumentError(
            f"{specifier!r} is not a range of final releases, as it contains '{bound}'; look up "
            "such a version by its name",
            argument="specifier",
            value=specifier,
        )
    return found
