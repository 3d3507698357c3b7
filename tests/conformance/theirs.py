"""The answers of GTO 1.10.1, in a process of its own, to the queries of a case."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from typing import Any

from tests.compat.gto import Gto, gto
from tests.conformance.building import START, Built
from tests.conformance.case import Case
from tests.conformance.tags import written

_RENAMED = {"model": "name", "commit": "ref"}
_OPTIONS = ("model", "version", "stage", "commit", "message", "force")


class Theirs:
    """GTO."""

    def __init__(self) -> None:
        """Start the process."""
        self.name = f"GTO {version('gto')}"
        self._stack = ExitStack()
        self._gto: Gto = self._stack.enter_context(gto())

    def close(self) -> None:
        """End the process."""
        self._stack.close()

    def answers(self, case: Case, built: Built) -> dict[str, Any]:
        """Make the calls of a case, and answer its queries."""
        calls = [self._call(call, built) for call in case.calls]
        answers = self._gto("answers", str(built.path), case.expect)
        found = {key: _labelled(value, built) for key, value in answers.items()}
        return {"calls": calls, **found}

    def _call(self, call: Mapping[str, Any], built: Built) -> dict[str, Any]:
        """Make a call that writes; do nothing if GTO has no such call."""
        if "when" in call:
            return {}
        options = {_RENAMED.get(key, key): call[key] for key in _OPTIONS if key in call}
        if "ref" in options:
            options["ref"] = built.ids[options["ref"]]
        if "bump" in call:
            options[f"bump_{call['bump']}"] = True
        if call["verb"] == "assign" and "commit" in call:
            options["skip_registration"] = True
        now, zone = START + call.get("now", 1000), call.get("zone", "+0000")
        minutes = int(f"{zone[0]}1") * (int(zone[1:3]) * 60 + int(zone[3:]))
        answer = self._gto("call", str(built.path), call["verb"], now, options, minutes)
        return written(built, answer) if isinstance(answer, str) else {"refused": True}


def _labelled(value: Any, built: Built) -> Any:
    """Replace IDs by labels, and times by those of the cases."""
    if isinstance(value, str):
        return built.label(value)
    if isinstance(value, list):
        return [_labelled(one, built) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: one - START if key == "at" else _labelled(one, built) for key, one in value.items()
    }
