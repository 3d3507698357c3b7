"""Run the hook ``pre-push``, which may reject a push, as ``git push`` does."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from modelversions.errors import PushRejectedError
from modelversions.git.programs import Programs
from modelversions.git.store import TAGS

_HOOK = "pre-push"


@attrs.frozen
class PrePushHook:
    """The hook of a repository for pushes to one remote."""

    programs: Programs
    """Runs the hook, if there is one."""
    remote: str
    """The remote's name, or the URL or path that was given instead of a name."""

    def run(
        self, location: str, updates: Mapping[str, str], remote_refs: Mapping[str, str]
    ) -> None:
        """Run the hook.

        Args:
            location: the URL or path that is pushed to.
            updates: the new ids of the remote's refs, by name; empty for a deletion.
            remote_refs: the current ids of the remote's refs, by name.

        Raises:
            PushRejectedError: the hook rejected the push, or cannot be started.
            DubiousOwnershipError: there is a hook, and another user owns the repository.
        """
        hook = self.programs.hook(_HOOK)
        if hook is None:
            return
        zeros = "0" * len(next(iter((*updates.values(), *remote_refs.values())), "") or "0" * 40)
        lines = [
            f"{ref if id else '(delete)'} {id or zeros} {ref} {remote_refs.get(ref) or zeros}\n"
            for ref, id in updates.items()
        ]
        stdin = "".join(lines).encode(errors="surrogateescape")
        try:
            url = location.removeprefix("file://")  # most likely given as a path
            done = self.programs.run_hook(hook, self.remote, url, stdin=stdin)
        except OSError as error:
            raise self._rejected(location, updates, str(error)) from error
        if done.returncode:
            output = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise self._rejected(location, updates, output or "it gave no reason")

    def _rejected(self, location: str, refs: Mapping[str, str], reason: str) -> PushRejectedError:
        return PushRejectedError(
            f"the hook {_HOOK!r} rejected the push to {location!r}: {reason}; nothing was pushed, "
            "check the hook's conditions",
            tag=next(iter(refs), "").removeprefix(TAGS),
            location=location,
            reason=reason,
        )
