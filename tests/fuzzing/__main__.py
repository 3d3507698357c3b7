"""Run fuzzers: ``python -m tests.fuzzing [TARGET …] [--all] [--time SECONDS]``."""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attrs

from tests.fuzzing.target import load, names

_RUNS = re.compile(r"stat::number_of_executed_units: ([0-9]+)")
_TIMEOUT = 120
"""The limit for one input in seconds; high, as other programs may use the machine."""
_MEMORY = 2048
"""The memory limit of a fuzzer in megabytes."""
MAX_LENGTH = 8192
"""The maximum size of an input in bytes."""


@attrs.frozen
class Result:
    """The result of a run of a fuzzer."""

    target: str
    executions: int
    seconds: int
    lines: int
    all_lines: int
    finding: Path | None
    """The input that violates a property, if there is one."""

    def __str__(self) -> str:
        """Return a summary in one line."""
        rate = self.executions // max(self.seconds, 1)
        covered = 100 * self.lines / self.all_lines
        found = "no finding" if self.finding is None else f"FINDING: {self.finding}"
        return (
            f"{self.target:12} {self.executions:>11,} executions in {self.seconds} s, {rate:,}/s; "
            f"{covered:.1f} % of lines; {found}"
        )


def run(name: str, seconds: int, directory: Path) -> Result:
    """Run a fuzzer for some seconds. Its corpus and its findings are kept in a directory."""
    corpus, found = directory / name / "corpus", directory / name / "findings"
    for path in (corpus, found):
        path.mkdir(parents=True, exist_ok=True)
    for seed in load(name).seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
    before = set(found.iterdir())
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={_TIMEOUT}",
        f"-rss_limit_mb={_MEMORY}",
        f"-max_len={MAX_LENGTH}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
    ]
    command = [sys.executable, "-m", "tests.fuzzing.child", name, *options, str(corpus)]
    log = directory / name / "log"
    start = time.monotonic()
    with log.open("wb") as file:
        code = subprocess.run(command, stdout=file, stderr=file, check=False).returncode
    elapsed = int(time.monotonic() - start)
    text = log.read_text(encoding="utf-8", errors="replace")
    # an input that is only slow is not a finding: "slow-unit-*"
    findings = sorted(one for one in set(found.iterdir()) - before if "slow-unit" not in one.name)
    executed = _RUNS.search(text)
    if executed is None or (code and not findings):
        raise SystemExit(f"{text[-5000:]}\nthe fuzzer {name} cannot be run")
    if findings:
        print(text[-8000:])
    lines, all_lines = _coverage(name, corpus)
    finding = findings[0] if findings else None
    return Result(name, int(executed[1]), elapsed, lines, all_lines, finding)


def _coverage(name: str, corpus: Path) -> tuple[int, int]:
    """Return the numbers of reached lines and of all lines of the target's modules."""
    command = [sys.executable, "-m", "tests.fuzzing.replay", name, str(corpus)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:  # the corpus contains a finding
        print(done.stderr[-3000:])
        return 0, 1
    rows = [line.split() for line in done.stdout.splitlines()]
    return sum(int(row[1]) for row in rows), sum(int(row[2]) for row in rows)


def main() -> None:
    """Run the selected fuzzers; exit with 1 if there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(names()))
    parser.add_argument("--all", action="store_true", help="run all, one after another")
    parser.add_argument("--time", type=int, default=60, help="seconds for each (default: 60)")
    parser.add_argument("--directory", type=Path, help="keep corpora and findings here")
    options = parser.parse_args()
    chosen = names() if options.all else options.targets
    if not chosen or not set(chosen) <= set(names()):
        parser.error(f"pass targets or --all: {', '.join(names())}")
    directory = options.directory or Path(tempfile.mkdtemp(prefix="fuzzing-"))
    print(f"corpora and findings are in {directory}", flush=True)
    found = False
    for name in chosen:
        result = run(name, options.time, directory)
        print(result, flush=True)
        found = found or result.finding is not None
    sys.exit(found)


if __name__ == "__main__":
    main()
