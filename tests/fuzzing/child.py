"""The process that runs one fuzzer: ``python -m tests.fuzzing.child TARGET [libFuzzer's options]``.

It does not return: libFuzzer ends the process.
"""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Import a target with instrumented modules, and run libFuzzer on it."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["modelversions"], enable_loader_override=False):
        from tests.fuzzing.target import load

        target = load(name)
    atheris.Setup(sys.argv, target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
