"""F7-F11, F21 and section 5: problems are reported, and do not affect other tags."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from dulwich.objects import Tree
from dulwich.repo import Repo

from modelversions import Identity, Problem, ProblemKind, Registry
from tests.builders import ANN, START, Builder, at

NOW = at(10_000)


@pytest.fixture
def builder(disk: Builder) -> Builder:
    """A repository on disk, where dulwich accepts malformed objects, unlike in memory."""
    return disk


def kinds(builder: Builder) -> list[tuple[str, ProblemKind]]:
    return [(problem.tag, problem.kind) for problem in builder.registry.problems(NOW)]


def test_a_lightweight_tag_is_not_an_event(builder: Builder) -> None:
    builder.tags("m@v1.0.0").ref("refs/tags/m@v2.0.0", builder.commits["c1"])
    builder.ref("refs/tags/only@v1.0.0", builder.commits["c1"])
    model = builder.registry["m"]
    assert model.latest == model["v1.0.0"]
    assert list(builder.registry) == ["m"]
    light = ProblemKind.LIGHTWEIGHT
    assert kinds(builder) == [("m@v2.0.0", light), ("only@v1.0.0", light)]


def test_malformed_and_reserved_names(builder: Builder) -> None:
    builder.tags("m@v1.0", "m@1.0.0", "m@created", "release-1")
    malformed = ProblemKind.MALFORMED_NAME
    expected = [("m@1.0.0", malformed), ("m@created", ProblemKind.RESERVED), ("m@v1.0", malformed)]
    assert kinds(builder) == expected
    assert len(builder.registry) == 0


def test_the_ref_name_takes_precedence(builder: Builder) -> None:
    builder.tag("m@v2.0.0", inner="m@v1.0.0")
    assert [version.name for version in builder.registry["m"]] == ["v2.0.0"]
    assert kinds(builder) == [("m@v2.0.0", ProblemKind.NAME_MISMATCH)]


def test_a_tag_of_a_tag_is_peeled_to_its_commit(builder: Builder) -> None:
    inner = builder.tag("inner")
    middle = builder.tag("middle", inner, kind="tag")
    builder.tag("m@v1.0.0", middle, kind="tag", at=5)
    version = builder.registry["m"]["v1.0.0"]
    assert (version.commit, version.registered_at) == (builder.commits["c1"], at(5))
    assert kinds(builder) == []


@pytest.mark.parametrize("kind", ["blob", "tree"])
def test_a_tag_of_another_object_is_not_an_event(builder: Builder, kind: str) -> None:
    target = builder.blob() if kind == "blob" else builder.add(Tree())
    builder.tag("m@v2.0.0", target, kind=kind)
    builder.tags("m@v1.0.0")
    assert builder.registry["m"].latest == builder.registry["m"]["v1.0.0"]
    problem = builder.registry.problems(NOW)[0]
    assert problem == Problem(
        ProblemKind.NOT_A_COMMIT,
        "m@v2.0.0",
        "m",
        f"it peels to a {kind}, not to a commit, so it is not an event",
    )
    assert str(problem).startswith("m@v2.0.0: it peels to")


class TestTime:
    """F10."""

    def test_without_a_tagger_the_time_is_that_of_the_commit(self, builder: Builder) -> None:
        builder.commit("late", 77)
        builder.tag("m@v1.0.0", "late", tagger=None)
        version = builder.registry["m"]["v1.0.0"]
        assert (version.registered_at, version.author) == (at(77), None)
        assert kinds(builder) == [("m@v1.0.0", ProblemKind.NO_TAGGER)]

    @pytest.mark.parametrize(
        "time", ["", " 99999999999999", " " + "9" * 5000, " -1", " soon +0000"]
    )
    def test_an_invalid_time_is_replaced_by_that_of_the_commit(
        self, builder: Builder, time: str
    ) -> None:
        sha = builder.commit("late", 77)
        head = f"object {sha}\ntype commit\ntag m@v1.0.0\ntagger {ANN}{time}\n\nx\n"
        builder.raw("m@v1.0.0", head)
        version = builder.registry["m"]["v1.0.0"]
        assert version.registered_at == at(77)
        assert version.author == Identity("Ann", "ann@example.com")
        assert kinds(builder) == [("m@v1.0.0", ProblemKind.UNREADABLE_TIME)]

    @pytest.mark.parametrize("zone", ["+2400", "-9999", "+051800", "UTC", "", "+123456789"])
    def test_an_invalid_utc_offset_is_replaced_by_utc(self, builder: Builder, zone: str) -> None:
        builder.tag("m@v1.0.0", zone=zone, at=5)
        registered = builder.registry["m"]["v1.0.0"].registered_at
        assert registered is not None
        assert (registered, registered.utcoffset()) == (at(5), at(0).utcoffset())
        assert kinds(builder) == [("m@v1.0.0", ProblemKind.UNREADABLE_TIME)]

    @pytest.mark.parametrize(
        "tagger",
        [
            "A <<a>> {} +0100",
            "A <a> {}\t+0100",
            "A <a> {} 0100",
            "A <a> +{}+100",
            "A <a>  {} +0100 x",
        ],
    )
    def test_irregular_taggers_that_git_reads(self, builder: Builder, tagger: str) -> None:
        sha = builder.commits["c1"]
        header = tagger.format(START + 5)
        builder.raw("m@v1.0.0", f"object {sha}\ntype commit\ntag m@v1.0.0\ntagger {header}\n\nx\n")
        registered = builder.registry["m"]["v1.0.0"].registered_at
        assert registered is not None
        assert registered.isoformat() == "2023-11-14T23:13:25+01:00"
        assert kinds(builder) == []

    @pytest.mark.parametrize("zone", ["+0900", "-0330", "+2359", "-0000", "+0099"])
    def test_other_offsets_are_kept(self, builder: Builder, zone: str) -> None:
        builder.tag("m@v1.0.0", zone=zone)
        registered = builder.registry["m"]["v1.0.0"].registered_at
        assert registered is not None
        offset = registered.utcoffset()
        assert offset is not None
        minutes = int(zone[1:3]) * 60 + int(zone[3:])
        assert offset.total_seconds() / 60 == (-minutes if zone[0] == "-" else minutes)
        assert kinds(builder) == []

    def test_a_tag_without_tagger_and_commit_is_not_an_event(self, builder: Builder) -> None:
        builder.tag("m@v1.0.0", "a" * 40, tagger=None)
        assert list(builder.registry) == []
        assert kinds(builder) == [("m@v1.0.0", ProblemKind.MISSING)]

    def test_a_time_in_the_future(self, builder: Builder) -> None:
        builder.tag("m@v1.0.0", at=20_000)
        assert kinds(builder) == [("m@v1.0.0", ProblemKind.FUTURE)]
        assert builder.registry.problems(at(20_000)) == ()
        assert builder.registry.problems() == ()


def test_text_that_is_not_utf8_is_replaced(builder: Builder) -> None:
    sha = builder.commits["c1"]
    head = f"object {sha}\ntype commit\ntag m@v1.0.0\ntagger ".encode()
    builder.raw("m@v1.0.0", head + b"J\xf6rg <j@\xff> %d +0000\n\nGr\xfc\xdfe\n" % START)
    version = builder.registry["m"]["v1.0.0"]
    assert version.author == Identity("J\ufffdrg", "j@\ufffd")
    assert version.message == "Gr\ufffd\ufffde"
    assert set(kinds(builder)) == {("m@v1.0.0", ProblemKind.UNDECODABLE)}


class TestBrokenObjects:
    """An unreadable tag is a problem and does not affect other tags (F21)."""

    def test_a_missing_tag_object(self, builder: Builder) -> None:
        builder.tags("m@v1.0.0").ref("refs/tags/m@v2.0.0", "b" * 40)
        assert builder.registry["m"].latest == builder.registry["m"]["v1.0.0"]
        assert kinds(builder) == [("m@v2.0.0", ProblemKind.MISSING)]

    def test_a_broken_tag_object(self, builder: Builder) -> None:
        id = builder.tags("m@v1.0.0").tag("m@v2.0.0")
        assert isinstance(builder.repo, Repo)
        path = Path(builder.repo.controldir(), "objects", id[:2], id[2:])
        path.chmod(0o600)
        path.write_bytes(b"rubbish")
        assert builder.registry["m"].latest == builder.registry["m"]["v1.0.0"]
        assert builder.registry["m"].problems[0].kind is ProblemKind.MISSING
        assert kinds(builder) == [("m@v2.0.0", ProblemKind.MISSING)]

    def test_a_missing_commit(self, builder: Builder) -> None:
        builder.tag("m@v1.0.0", "b" * 40)
        assert builder.registry["m"]["v1.0.0"].commit == "b" * 40
        assert kinds(builder) == [("m@v1.0.0", ProblemKind.MISSING)]

    @pytest.mark.parametrize("text", ["", "no tag at all", "object 12\ntype commit\ntag m\n\nx"])
    def test_a_malformed_tag_object(self, builder: Builder, text: str) -> None:
        builder.tags("m@v1.0.0").raw("m@v2.0.0", text)
        assert builder.registry["m"].latest == builder.registry["m"]["v1.0.0"]
        assert kinds(builder) == [("m@v2.0.0", ProblemKind.MALFORMED)]

    def test_a_tag_of_a_missing_tag(self, builder: Builder) -> None:
        builder.tag("m@v1.0.0", "b" * 40, kind="tag")
        assert kinds(builder) == [("m@v1.0.0", ProblemKind.MISSING)]

    def test_the_message_does_not_include_extra_headers_and_signatures(
        self, builder: Builder
    ) -> None:
        sha = builder.commits["c1"]
        head = (
            f"object {sha}\ntype commit\ntag m@v1.0.0\ntagger {ANN} {START} +0000\nextra x\n more\n"
        )
        body = (
            "\nSubject\n\nBody\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
        )
        builder.raw("m@v1.0.0", head + body)
        assert builder.registry["m"]["v1.0.0"].message == "Subject\n\nBody"
        assert kinds(builder) == []

    def test_a_tag_without_a_message(self, builder: Builder) -> None:
        sha = builder.commits["c1"]
        builder.raw(
            "m@v1.0.0", f"object {sha}\ntype commit\ntag m@v1.0.0\ntagger {ANN} {START} +0000\n"
        )
        assert builder.registry["m"]["v1.0.0"].message == ""


class TestContradictions:
    """Contradictory events of one model."""

    @pytest.mark.parametrize(("first", "second"), [("c1", "c2"), ("c2", "c1")])
    def test_a_version_at_two_commits(self, builder: Builder, first: str, second: str) -> None:
        builder.commit("c2")
        builder.tag("m@v1.0.0", first, 1)
        builder.tag("m@v1.0.0#1", second, 2)
        assert builder.registry["m"]["v1.0.0"].commit == builder.commits[second]
        assert kinds(builder) == [("m@v1.0.0#1", ProblemKind.VERSION_MOVED)]
        problem = builder.registry.problems(NOW)[0]
        before = builder.commits[first][:7]
        assert problem.message == f"v1.0.0 was already registered, at commit {before}"

    def test_a_version_may_move_after_a_deregistration(self, builder: Builder) -> None:
        builder.commit("c2")
        builder.tags("m@v1.0.0", "m@v1.0.0!").tag("m@v1.0.0#2", "c2", 90)
        assert kinds(builder) == []

    def test_versions_registered_at_the_same_commit(self, builder: Builder) -> None:
        builder.commit("c2")
        builder.tags("m@v1.0.0", "m@v2.0.0", "m@v3.0.0", "m@v3.0.0!", "m@v2.0.0!", "m@v2.0.0#9")
        builder.tag("m@v4.0.0", "c2", 90)
        builder.tags("n@v4.0.0")
        shared = ProblemKind.SHARED_COMMIT
        assert kinds(builder) == [("m@v2.0.0", shared), ("m@v3.0.0", shared)]

    def test_a_commit_is_shared_by_registrations_only(self, builder: Builder) -> None:
        """F12a.1, F15.3: events of other kinds about another version may be at the commit."""
        builder.commit("c2")
        builder.tag("m@v1.0.0", "c1", 10)
        builder.tag("m@v2.0.0", "c2", 20)
        builder.tag("m#prod#1", "c1", 30)
        builder.tag("m#prod!#2", "c1", 40)
        builder.tag("m@v2.0.0!", "c1", 50)
        builder.tag("m@deprecated", "c1", 60)
        assert kinds(builder) == []

    def test_a_counter_is_compared_with_the_greatest_earlier_one(self, builder: Builder) -> None:
        builder.tags("m@v1.0.0", "m#prod#1", "m#prod#3", "m#prod#2")
        assert [problem.message for problem in builder.registry.problems(NOW)] == [
            "it has a smaller counter than 'm#prod#3', and a later time"
        ]

    def test_counters_and_times_in_different_order(self, builder: Builder) -> None:
        builder.tags("m@v1.0.0", "m#prod#2", "m#prod#1", "m#prod#3", "m@v1.0.0!#9", "m@v1.0.0#8")
        assert kinds(builder) == [
            ("m#prod#1", ProblemKind.ORDER_CONFLICT),
            ("m@v1.0.0#8", ProblemKind.ORDER_CONFLICT),
        ]

    def test_counters_of_different_stages_and_versions_are_not_compared(
        self, builder: Builder
    ) -> None:
        builder.tags("m@v1.0.0", "m#dev#5", "m#prod#1", "m@v1.0.0!#3", "m@deprecated#2")
        assert kinds(builder) == []

    @pytest.mark.parametrize(("ahead", "expected"), [(60, 0), (61, 1)])
    def test_clocks_may_differ_by_a_minute(
        self, builder: Builder, ahead: int, expected: int
    ) -> None:
        builder.tags("m@v1.0.0")
        now = builder.registry["m"].history[0].time - timedelta(seconds=ahead)
        found = [problem.kind for problem in builder.registry.problems(now)]
        assert found == [ProblemKind.FUTURE] * expected
        registry = Registry.from_repo(builder.repo, clock=lambda: now)
        for reader in (registry, registry.as_of(builder.registry["m"].history[0])):
            assert [problem.kind for problem in reader.problems()] == found

    def test_a_stage_on_a_commit_without_a_version(self, builder: Builder) -> None:
        builder.tags("m#prod#1")
        assert kinds(builder) == [("m#prod#1", ProblemKind.UNVERSIONED_STAGE)]


def test_irregular_tags_do_not_affect_other_tags(builder: Builder) -> None:
    builder.commit("c2", 5)
    builder.tags("m@v1.0.0", "m#prod#1", "n@v1.0.0")
    before = {name: (model.latest, model.stages) for name, model in builder.registry.items()}
    builder.ref("refs/tags/m@v9.0.0", builder.commits["c1"])
    builder.ref("refs/tags/m#prod#9", "b" * 40)
    builder.raw("m#dev#9", "rubbish")
    builder.tag("m@v8.0.0", builder.blob(), kind="blob")
    builder.tag("m@v9", "c2")
    registry = builder.registry
    assert {name: (model.latest, model.stages) for name, model in registry.items()} == before
    assert len(registry.problems(NOW)) == 5
