"""A first look at modelversions: ``python examples/quickstart.py [path of a repository]``.

With a path it only reads. Without one it makes a small repository in a temporary folder, registers
versions there, and shows what has become of them.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from dulwich import porcelain

from modelversions import Identity, ModelVersionsError, Registry

HOUR = timedelta(hours=1)
ANN = Identity("Ann", "ann@example.com")


def train(folder: Path, weights: str) -> str:
    """Commit a trained model, as a pipeline would, and return the commit's SHA."""
    (folder / "model.txt").write_text(weights)
    porcelain.add(str(folder), [str(folder / "model.txt")])
    who = str(ANN).encode()
    sha = porcelain.commit(str(folder), message=f"Train: {weights}", author=who, committer=who)
    return sha.decode()


def fill(registry: Registry, folder: Path) -> None:
    """Register versions of two models, an hour apart."""
    now = datetime.now().astimezone()
    first = train(folder, "a tree")
    registry.register("churn", "v1.0.0", commit=first, author=ANN, when=now - 3 * HOUR)
    registry.register("segment", "v0.1.0", author=ANN, message="The first that is worth a name")
    train(folder, "a forest")
    registry.register("churn", "v2.0.0", author=ANN, when=now - 2 * HOUR)
    print("Latest version of churn:", registry["churn"].latest)

    train(folder, "the tree, mended")
    event = registry.register("churn", "v1.0.1", author=ANN, when=now - HOUR)
    print("Registered", f"{event.tag}, a smaller version; latest:", registry["churn"].latest)

    try:
        registry.register("churn", "v2.0.0", author=ANN)
    except ModelVersionsError as error:
        print("Registered again:", error)


def show(registry: Registry) -> None:
    """Print all models, and the history of the first."""
    print(f"\n{registry}\n")
    for model in list(registry.values())[:1]:
        print(f"History of {model.name}:")
        for event in model.history:
            print(" ", event)


def main() -> None:
    """Read the repository that was named, or make one."""
    if len(sys.argv) > 1:
        with Registry.open(sys.argv[1]) as registry:
            show(registry)
        return
    with tempfile.TemporaryDirectory() as folder:
        porcelain.init(folder).close()
        with Registry.open(folder) as registry:
            fill(registry, Path(folder))
            show(registry)


if __name__ == "__main__":
    main()
