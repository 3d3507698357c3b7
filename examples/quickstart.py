"""The main methods: ``python examples/quickstart.py [path of a repository]``.

With a path it only reads. Without one it creates a small repository in a temporary directory,
registers and assigns versions of two models in it, and shows the result.
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


def train(directory: Path, weights: str) -> str:
    """Commit a trained model, as a pipeline would, and return the commit's SHA."""
    (directory / "model.txt").write_text(weights)
    porcelain.add(str(directory), [str(directory / "model.txt")])
    author = str(ANN).encode()
    sha = porcelain.commit(
        str(directory), message=f"Train: {weights}", author=author, committer=author
    )
    return sha.decode()


def write(registry: Registry, directory: Path) -> None:
    """Register, assign, unassign, deregister and deprecate."""
    first = train(directory, "a tree")
    registry.register("churn", "v1.0.0", commit=first, author=ANN, when=hour(0))
    registry.register("segment", author=ANN, message="The first version", when=hour(0))
    registry.assign("churn", "v1.0.0", "prod", author=ANN, when=hour(1))

    train(directory, "a forest")
    registry.register("churn", bump="major", author=ANN, when=hour(2))
    print("Latest version of churn:", registry["churn"].latest)
    train(directory, "the tree, fixed")
    patch = registry.register("churn", "v1.0.1", author=ANN, when=hour(3))
    print(f"Registered {patch.tag}, a smaller version; latest:", registry["churn"].latest)

    registry.assign("churn", "v2.0.0", "prod", author=ANN, when=hour(4))
    print("Now in prod:", registry["churn"].stages["prod"])
    registry.unassign("churn", "v2.0.0", "prod", author=ANN, when=hour(5))
    print("Rolled back to:", registry["churn"].stages["prod"])
    registry.deregister(
        "churn", "v2.0.0", author=ANN, message="Trained on wrong data", when=hour(6)
    )
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
    """Read the given repository, or create one."""
    if len(sys.argv) > 1:
        try:
            with Registry.open(sys.argv[1]) as registry:
                show(registry)
        except ModelVersionsError as error:
            sys.exit(str(error))
        return
    with tempfile.TemporaryDirectory() as directory:
        porcelain.init(directory).close()
        with Registry.open(directory) as registry:
            write(registry, Path(directory))
            show(registry)


if __name__ == "__main__":
    main()
