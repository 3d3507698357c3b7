"""Write pages for tests in a browser as files."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path

from modelversions import Event, EventKind, Identity, Model, Problem, ProblemKind
from modelversions.display.page.content import PageContent, RepositoryContent
from modelversions.display.page.document import page_text
from modelversions.values.web_pages import WebPages
from tests.display.helpers import START, model, row

NOW = START + timedelta(days=800)
PEOPLE = (
    Identity("Ann Arber", "ann@example.com"),
    Identity("Bob Söhne", "bob@example.com"),
    Identity("Zoë Ünal", "zoe@example.com"),
)
MESSAGES = (
    "Retrained on the July snapshot",
    "Accuracy 0.730",
    "Accuracy 0.703\n\nThe learning rate was halved.\nThe features are those of v1.",
    "",
    "دقة النموذج 0.73",
)
GITHUB = WebPages("https://github.com/team/models")


def example_model(
    name: str, versions: int, last: int, stages: tuple[str, ...] = ("dev", "prod")
) -> Model:
    """Return a model with this number of versions; the last is ``last`` days before ``NOW``."""
    rows: list[Event] = []
    for number in range(versions):
        at = 24 * (800 - last - 9 * (versions - 1 - number)) - 3
        version = f"v{number // 3}.{number % 3}.0"
        default = f"Registering artifact {name} version {version}"
        message = MESSAGES[number % 5] or default
        author = PEOPLE[(number + versions) % 3]
        tag = f"{name.replace(':', '=')}@{version}"
        rows.append(row(tag, version=version, at=at, message=message, author=author))
        stage = stages[number % len(stages)]
        tag = f"{name.replace(':', '=')}#{stage}#{number + 1}"
        kind = EventKind.ASSIGNMENT
        message = f"Assigning stage {stage} to artifact {name} version {version}"
        rows.append(
            row(
                tag,
                kind=kind,
                version=version,
                stage=stage,
                at=at + 2,
                message=message,
                author=author,
            )
        )
    return model(name, rows)


def retired_model(
    name: str, versions: int, tag: str, kind: EventKind, version: str | None
) -> Model:
    """Return a model whose last event is a deregistration or a deprecation."""
    rows = [
        row(f"{name}@v{number}.0.0", version=f"v{number}.0.0", at=24 * number)
        for number in range(1, versions + 1)
    ]
    rows.append(row(tag, kind=kind, version=version, at=24 * 200, message="Not used any more"))
    return model(name, rows)


def team() -> list[Model]:
    """Return the models of a team, including one without versions and one with one event."""
    commit = row(
        "cv/pool#prod#1", kind=EventKind.ASSIGNMENT, version=None, stage="prod", at=24 * 300
    )
    return [
        example_model("anomaly", 9, 2, ("dev", "staging", "prod")),
        example_model("churn", 31, 5, ("dev", "staging", "prod")),
        retired_model("cleaned", 2, "cleaned@v2.0.0!", EventKind.DEREGISTRATION, "v2.0.0"),
        model("cv/pool", [commit]),
        example_model("fraud-detector", 14, 21),
        retired_model("gone", 1, "gone@v1.0.0!", EventKind.DEREGISTRATION, "v1.0.0"),
        model("new", [row("new@v0.1.0", version="v0.1.0", at=24 * 799)]),
        retired_model("old-churn", 3, "old-churn@deprecated", EventKind.DEPRECATION, None),
        example_model("recsys:two-tower", 8, 70),
        example_model("search-ranker", 22, 130, ("prod",)),
    ]


def repository(*models: Model, name: str = "", pages: WebPages = GITHUB) -> RepositoryContent:
    """Return the content of a repository with these models."""
    problems = [
        Problem(
            ProblemKind.NO_TAGGER,
            "churn@v1.0.0",
            "churn",
            "it has no tagger; the commit's time is used",
        ),
        Problem(
            ProblemKind.MALFORMED_NAME,
            "churn@v1.0",
            None,
            "'v1.0' is not a version name: it has no patch number",
        ),
    ]
    found = {one.name: one for one in models}
    return RepositoryContent(
        name, "/srv/git/models", pages, found, problems if "churn" in found else []
    )


def write(
    directory: Path,
    *repositories: RepositoryContent,
    errors: dict[str, str] | None = None,
    title: str = "Models",
) -> str:
    """Write a page; return its URL."""
    path = directory / "models.html"
    path.write_text(
        page_text(PageContent(title, NOW.astimezone(timezone.utc), repositories, errors)), "utf-8"
    )
    return path.as_uri()
