"""The main methods: ``python examples/quickstart.py [path of a repository]``.

With a path it only reads. Without one it makes a small repository in a temporary folder, registers
and assigns versions of two models there, and shows the result.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from dulwich import porcelain

from modelversions import Identity, ModelVersionsError, Registry

ANN = Identity("Ann", "ann@example.com")
START = datetime.now().astimezone() - timedelta(hours=12)


def hour(number: int) -> datetime:
    """Return a time; all methods that write take time, author and message as arguments."""
    return START + timedelta(hours=number)


def train(folder: Path, weights: str) -> str:
    """Commit a trained model, as a pipeline would, and return the commit's SHA."""
    (folder / "model.txt").write_text(weights)
    porcelain.add(str(folder), [str(folder / "model.txt")])
    who = str(ANN).encode()
    sha = porcelain.commit(str(folder), message=f"Train: {weights}", author=who, committer=who)
    return sha.decode()


def write(registry: Registry, folder: Path) -> None:
    """Register, assign, unassign, deregister and deprecate."""
    first = train(folder, "a tree")
    registry.register("churn", "v1.0.0", commit=first, author=ANN, when=hour(0))
    registry.register("segment", author=ANN, message="The first version", when=hour(0))
    registry.assign("churn", "v1.0.0", "prod", author=ANN, when=hour(1))

    train(folder, "a forest")
    registry.register("churn", bump="major", author=ANN, when=hour(2))
    print("Latest version of churn:", registry["churn"].latest)
    train(folder, "the tree, mended")
    smaller = registry.register("churn", "v1.0.1", author=ANN, when=hour(3))
    print(f"Registered {smaller.tag}, a smaller one; latest:", registry["churn"].latest)

    registry.assign("churn", "v2.0.0", "prod", author=ANN, when=hour(4))
    print("In prod now:", registry["churn"].stages["prod"])
    registry.unassign("churn", "v2.0.0", "prod", author=ANN, when=hour(5))
    print("Rolled back to:", registry["churn"].stages["prod"])
    registry.deregister("churn", "v2.0.0", author=ANN, message="It was the data", when=hour(6))
    print("Deregistered v2.0.0; latest:", registry["churn"].latest)
    registry.deprecate("segment", author=ANN, when=hour(7))

    try:
        registry.register("churn", "1.0", author=ANN)
    except ModelVersionsError as error:
        print("A typo:", error)


def show(registry: Registry) -> None:
    """Print all models, the history of the first one, and problems."""
    print(f"\n{registry}\n")
    for model in list(registry.values())[:1]:
        print(f"History of {model.name}:")
        for event in model.history:
            print(" ", event)
    for problem in registry.problems():
        print("Problem:", problem)


def main() -> None:
    """Read the named repository, or make one."""
    if len(sys.argv) > 1:
        try:
            with Registry.open(sys.argv[1]) as registry:
                show(registry)
        except ModelVersionsError as error:
            sys.exit(str(error))
        return
    with tempfile.TemporaryDirectory() as folder:
        porcelain.init(folder).close()
        with Registry.open(folder) as registry:
            write(registry, Path(folder))
            show(registry)


if __name__ == "__main__":
    main()
