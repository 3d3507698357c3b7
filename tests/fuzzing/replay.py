"""Run a target on the files of a directory, and print how many lines of its modules were reached.

``python -m tests.fuzzing.replay TARGET DIRECTORY`` does not need libFuzzer. For a single file, it
shows the traceback of a finding.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import coverage

from tests.fuzzing.target import load


def main() -> None:
    """Print for each module its name, the number of reached lines, and the number of lines."""
    name, path = sys.argv[1], Path(sys.argv[2])
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    measured = coverage.Coverage(data_file=None, source_pkgs=["modelversions"], config_file=False)
    measured.start()
    target = load(name)
    for file in files:
        target.check(file.read_bytes())
    measured.stop()
    for module in target.modules:
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        _, lines, _, missing, _ = measured.analysis2(spec.origin)
        print(module, len(lines) - len(missing), len(lines))


if __name__ == "__main__":
    main()
