"""The limits in FORMAT.md equal those of the code, and input beyond them is rejected early."""

from __future__ import annotations

import io
import re
import zlib
from pathlib import Path

import pytest
from dulwich.errors import GitProtocolError
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.repo import Repo

from modelversions import (
    ConfigurationError,
    Identity,
    InvalidArgumentError,
    ProblemKind,
    Registry,
    RemoteError,
    RepositoryError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    safe_yaml,
)
from modelversions.artifacts import artifact
from modelversions.catalog import sources
from modelversions.git import config, store, tag_object
from modelversions.git._dulwich import Budget, HttpClient
from modelversions.git.config import GitConfig
from modelversions.git.local import replacements, single_refs
from modelversions.git.objects import alternates, commits, pack_files, partial_pack
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.partial_pack import read_start
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.remote import http, session, transport
from modelversions.git.remote.session import Session
from modelversions.git.tag_object import TagParts, parse_common_tag
from modelversions.git.urls import Url
from modelversions.values import semver
from tests.builders import Builder
from tests.fuzzing.targets.packs import Described
from tests.servers import git_server
from tests.test_specification import TEXT

ANN = Identity("Ann", "ann@example.com")
ID = "01" * 20
HEAD = b"object %b\ntype commit\ntag m@v1.0.0\n" % (b"a" * 40)
TAGGER = b"tagger Ann <ann@example.com> 1700000000 +0000\n"
LIMITS = {
    "the message of a tag": store.MAX_MESSAGE,
    "the tagger of a tag, and the name in the tag object": tag_object.MAX_HEADER,
    "digits of a number in a version, and of a counter": semver.MAX_DIGITS,
    "an object, except a file that the caller names": pack_files.MAX_OBJECT,
    "bytes produced while the deltas of an object are applied": pack_files._MAX_DELTA_BYTES,
    "a chain of deltas": pack_files._MAX_DEPTH,
    "symbolic refs that lead to each other": single_refs._SYMBOLIC,
    "replacements of replacements": replacements._MAX_DEPTH,
    "the file of a ref": single_refs.MAX_REF,
    "alternates of alternates": alternates._MAX_DEPTH,
    "a YAML file": safe_yaml.MAX_SIZE,
    "nesting in a YAML file": safe_yaml._MAX_DEPTH,
    "values of a YAML file, aliases and merge keys replaced": safe_yaml._MAX_VALUES,
    "an integer in a YAML file": safe_yaml._MAX_BITS,
    "the annotation files of a commit, equal ones counted once": artifact.MAX_ANNOTATIONS,
    "the path of an annotated file": artifact.MAX_PATH,
    "the YAML file of a catalog": sources.MAX_FILE,
    "values of the file of a catalog": sources.MAX_SOURCES,
    "directories of a commit that are searched for annotations": commits.MAX_DIRECTORIES,
    "a file of Git's configuration": config.MAX_SIZE,
    "files of Git's configuration, included ones counted each time": config.MAX_FILES,
    "what a server sends in answer to a request, without a pack": session.MAX_ANSWER,
    "a pack of tags from a server": transport.MAX_TAG_BYTES,
    "a pack of commits or files from a server": transport.MAX_BYTES,
    "the objects of a pack from a server": partial_pack.MAX_INFLATED,
    "redirects of an HTTP request": http._REDIRECTS,
}


def test_the_table_has_the_numbers_of_the_code() -> None:
    section = TEXT.partition("\n## Limits\n")[2]
    rows = re.findall(r"^\| ([^|]+) \| ([0-9,]+|none)\b[^|]* \| [^|]+ \|$", section, re.MULTILINE)
    found = {what: int(limit.replace(",", "")) for what, limit in rows if limit != "none"}
    assert found == LIMITS
    assert len(rows) == section.count("\n|") - 2


class TestMessages:
    """Messages of tags are truncated."""

    @pytest.mark.parametrize("size", [-1, 0, 1, 2, 3])
    def test_a_character_at_the_limit_is_kept_or_removed(self, size: int) -> None:
        limit = store.MAX_MESSAGE
        message = b"x" * (limit - 3 + size) + "\u20ac".encode() + b"y" * 9
        raw = HEAD + TAGGER + b"\n" + message
        assert parse_common_tag(raw) is None
        tag = TagParts(raw).build("a" * 40, None)
        assert tag is not None
        kept = min(limit - 3 + size, limit)
        assert tag.message in ("x" * kept, "x" * kept + "\u20ac", "x" * kept + "\u20acy")
        assert len(tag.message.encode()) <= limit
        assert [kind for kind, _ in tag.issues] == [ProblemKind.LONG_MESSAGE]

    def test_a_message_of_the_maximum_size(self) -> None:
        message = b"x" * store.MAX_MESSAGE
        tag = TagParts(HEAD + TAGGER + b"\n" + message).build("a" * 40, None)
        assert tag is not None
        assert tag.issues == ()
        assert tag.message == message.decode()

    def test_a_longer_message_is_not_written(self, builder: Builder) -> None:
        builder.tags("m@v1.0.0")
        message = "\u00e4" * (store.MAX_MESSAGE // 2)
        with pytest.raises(InvalidArgumentError, match="has more than 1048576 bytes") as caught:
            builder.registry.register("m", "v2.0.0", message=message, force=True, author=ANN)
        assert len(str(caught.value)) < 300
        event = builder.registry.register(
            "m", "v2.0.0", message=message[:-1], force=True, author=ANN
        )
        assert event.message == message[:-1]
        assert {one.kind for one in builder.registry.problems()} == {ProblemKind.SHARED_COMMIT}


class TestHeaders:
    """Headers of tags."""

    def test_a_long_tagger_or_name(self, disk: Builder) -> None:
        disk.tags("n@v1.0.0")
        long = b"x" * (tag_object.MAX_HEADER + 1)
        commit = disk.commits["c1"].encode()
        head = b"object %b\ntype commit\ntag " % commit
        disk.raw("m@v1.0.0", head + b"m@v1.0.0\ntagger %b <a@b> 1 +0000\n\nx\n" % long)
        disk.raw("m@v2.0.0", head + long + b"\n" + TAGGER + b"\nx\n")
        assert list(disk.registry) == ["n"]
        kinds = [(one.tag, one.kind) for one in disk.registry.problems()]
        assert kinds == [(f"m@v{one}.0.0", ProblemKind.MALFORMED) for one in (1, 2)]

    def test_only_ascii_whitespace_around_a_name_is_removed(self) -> None:
        raw = HEAD + b"tagger  Ann\x1f <ann@example.com> 1700000000 +0000\n\nx\n"
        common, parts = parse_common_tag(raw), TagParts(raw)
        assert common == parts.build("a" * 40, None)
        assert common is not None
        assert common.author is not None
        assert common.author.name == "Ann\x1f"

    def test_headers_without_a_message(self) -> None:
        assert TagParts(HEAD).person is None
        assert TagParts(HEAD + b"\nx").message == "x"
        assert TagParts(HEAD + TAGGER).person is not None


def packed(disk: Builder, description: bytes) -> ObjectFiles:
    """Write a pack, and return the objects of the repository."""
    described = Described.of(description)
    directory = disk.git_dir / "objects" / "pack"
    (directory / "pack-x.pack").write_bytes(described.pack())
    (directory / "pack-x.idx").write_bytes(described.index())
    return ObjectFiles(disk.repo, "there")


def entry(kind: int, content: bytes, *base: int) -> bytes:
    return bytes([kind, *base]) + len(content).to_bytes(2, "big") + content


HUGE = bytes([4 | 16]) + b"\0\1x" + b"\x80\x01" + bytes([12])
"""A tag whose header declares a size of 128 MiB and 4 KiB."""
HUGE_DELTA = entry(7, b"\x04" + b"\x80\x80\x80\x80\x01" + b"\x01x", 0)


class TestObjects:
    """Objects that are larger than their encoded size."""

    def test_a_huge_object(self, disk: Builder) -> None:
        files = packed(disk, b"\0" + HUGE + entry(2, b"") + HUGE_DELTA.replace(b"\x04", b"\0", 1))
        assert files.raw(ID)[1] is pack_files.OVERSIZED
        assert files.raw("03" * 20)[1] is pack_files.OVERSIZED
        files.close()

    def test_a_huge_tag_is_a_problem(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        packed(disk, b"\0" + HUGE).close()
        loose = disk.git_dir / "objects" / "02" / ("02" * 19)
        loose.parent.mkdir()
        loose.write_bytes(zlib.compress(b"tag %d\0" % (pack_files.MAX_OBJECT + 1)))
        disk.ref("refs/tags/m@v2.0.0", ID)
        disk.ref("refs/tags/m@v3.0.0", "02" * 20)
        with Registry.open(disk.git_dir.parent) as registry:
            assert [one.name for one in registry["m"].versions] == ["v1.0.0"]
            found = {one.tag: one for one in registry.problems()}
        assert set(found) == {"m@v2.0.0", "m@v3.0.0"}
        for problem in found.values():
            assert problem.kind is ProblemKind.MALFORMED
            assert "more than 134217728 bytes" in problem.message

    def test_a_delta_with_a_huge_result(self, disk: Builder) -> None:
        files = packed(disk, b"\0" + entry(4, b"abcd") + HUGE_DELTA)
        assert files.raw("02" * 20) == ("tag", pack_files.OVERSIZED)
        assert files.raw("02" * 20, None) == ("", b"")
        files.close()

    def test_a_huge_delta_among_objects_read_together(self, disk: Builder) -> None:
        huge = HUGE_DELTA.replace(b"\7", b"\6", 1)
        files = packed(disk, b"\0" + entry(4, b"abcd") + huge)
        found = dict(files.read_many([ID, "02" * 20]))
        assert found[0] == ("tag", b"abcd")
        assert found[1][1] is pack_files.OVERSIZED
        files.close()

    def test_a_chain_of_deltas_with_a_huge_total(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pack_files, "_MAX_DELTA_BYTES", 60)
        again = [entry(7, b"\x04\x04\x90\x04", number) for number in range(9)]
        files = packed(disk, b"\0" + entry(4, b"abcd") + b"".join(again))
        assert files.raw("03" * 20) == ("tag", b"abcd")
        files.close()
        assert files.raw("0a" * 20)[1] is pack_files.OVERSIZED
        files.close()

    def test_deltas_in_a_cycle(self, disk: Builder) -> None:
        """C git does not terminate on them."""
        description = b"\0" + entry(7, b"\x04\x04\x90\x04", 1) + entry(7, b"\x04\x04\x90\x04", 0)
        files = packed(disk, description)
        assert files.raw(ID) == ("", b"")
        assert files.type(ID) == ""
        assert list(files.read_many([ID])) == [(0, ("", b""))]
        files.close()

    @pytest.mark.parametrize("byte", [b"\xff", b"\x80"])
    def test_unterminated_numbers(self, byte: bytes) -> None:
        for read in (pack_files.entry_header, pack_files.base_distance):
            with pytest.raises(ValueError, match="is too long"):
                read(byte * 1000, 0)
        with pytest.raises(ValueError, match="is too long"):
            pack_files.delta_size(byte * 1000)

    def test_content_longer_than_declared(self, disk: Builder) -> None:
        description = b"\0" + bytes([3 | 8 | 16]) + b"\0\1x" + b"\0\5\0"
        files = packed(disk, description)
        assert files.raw(ID) == ("", b"")
        files.close()
        loose = disk.git_dir / "objects" / "02" / ("02" * 19)
        loose.parent.mkdir()
        loose.write_bytes(zlib.compress(b"tag 5\0" + b"x" * (1 << 24)))
        assert files.raw("02" * 20) == ("", b"")

    def test_an_annotation_file_that_is_too_large(self, disk: Builder) -> None:
        disk.commit_file("dvc.yaml", "artifacts: {}\n")
        blob = disk.blob("artifacts: {}\n")
        path = disk.git_dir / "objects" / blob[:2] / blob[2:]
        path.chmod(0o600)
        path.write_bytes(zlib.compress(b"blob %d\0" % (pack_files.MAX_OBJECT + 1)))
        with (
            Registry.open(disk.git_dir.parent) as registry,
            pytest.raises(RepositoryError, match="the blob .* has more than 134217728 bytes"),
        ):
            registry.artifacts()

    def test_an_entry_of_a_reserved_type(self, disk: Builder) -> None:
        files = packed(disk, b"\0" + entry(5, b"abcd"))
        assert files.raw(ID) == ("", b"")
        files.close()


class TestServers:
    """Data from servers."""

    def test_objects_that_are_too_large_when_inflated(self) -> None:
        pack = Described.of(b"\0" + entry(3, b"abcd") + entry(7, b"\x04\x04\x90\x04", 0)).pack()
        assert len(read_start(pack, DEFAULT_OBJECT_FORMAT, 8).objects) == 1
        start = read_start(pack, DEFAULT_OBJECT_FORMAT, 7)
        assert start.is_too_large
        with pytest.raises(GitProtocolError, match="more than 7 bytes"):
            Fetched().add_pack_file(io.BytesIO(pack), 7)

    @pytest.mark.parametrize(
        "description",
        [
            b"\0" + entry(5, b"abcd"),  # a reserved type
            b"\1" + entry(3, b"abcd"),  # fewer entries than declared
            b"\0" + entry(7, b"\x04\x04\x90\x04", 9),  # a missing base
            b"\0" + bytes([3 | 16]) + b"\0\1x" + b"\0\5\0",  # a wrong size
            b"\0" + bytes([3 | 16]) + b"\0\4abcd" + b"\0\1\0",
        ],
    )
    def test_a_broken_pack(self, description: bytes) -> None:
        with pytest.raises(GitProtocolError, match="a broken pack"):
            Fetched().add_pack_file(io.BytesIO(Described.of(description).pack()))

    def test_a_wrong_checksum(self) -> None:
        pack = Described.of(b"\0" + entry(3, b"abcd")).pack()
        Fetched().add_pack_file(io.BytesIO(pack))
        with pytest.raises(GitProtocolError, match="a broken pack"):
            Fetched().add_pack_file(io.BytesIO(pack[:-1] + bytes([pack[-1] ^ 1])))

    def test_a_delta_before_its_base(self) -> None:
        content = DEFAULT_OBJECT_FORMAT.hash_object(b"blob 4\0abcd")
        delta = bytes([0x74]) + content + zlib.compress(b"\x04\x04\x90\x04")
        base = bytes([0x34]) + zlib.compress(b"abcd")
        pack = b"PACK\0\0\0\2\0\0\0\2" + delta + base
        pack += DEFAULT_OBJECT_FORMAT.hash_object(pack)
        start = read_start(pack, DEFAULT_OBJECT_FORMAT)
        assert start.is_complete
        assert start.objects == {content: (3, b"abcd")}

    def test_an_endless_answer(self) -> None:
        read = Budget(10).limited(lambda size: b"x" * size)
        assert read(10) == b"x" * 10
        with pytest.raises(GitProtocolError, match="more than 10 bytes"):
            read(1)
        endless = Budget(None).limited(lambda size: b"x" * size)
        assert endless(1 << 20)

    def test_a_list_of_refs_that_is_too_long(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")
        monkeypatch.setattr(Session.send, "__defaults__", (100,))
        with (
            git_server(disk.repo) as url,
            Registry.open(url) as registry,
            pytest.raises(RemoteError, match="it sends more than 100 bytes"),
        ):
            registry.latest()

    def test_a_pack_of_tags_that_is_too_large(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")
        monkeypatch.setattr(transport, "MAX_TAG_BYTES", 100)
        with git_server(disk.repo) as url, Registry.open(url) as registry:
            assert [one.kind for one in registry.problems()] == [ProblemKind.MISSING]

    def test_a_pack_from_another_url_is_not_fetched(self) -> None:
        client = HttpClient("http://host/")
        with pytest.raises(GitProtocolError, match="refers to 'https://other/pack'"):
            client._http_request("https://other/pack")


class TestFiles:
    """Files of Git and of the work tree."""

    def test_too_many_included_files(self, disk: Builder) -> None:
        assert isinstance(disk.repo, Repo)
        for level in range(4):
            includes = [f"[include]\n\tpath = part{level}-{number}\n" for number in range(11)]
            paths = [f"part{level - 1}-{number}" for number in range(11)] if level else ["config"]
            for path in paths:
                with (disk.git_dir / path).open("a") as file:
                    file.writelines(includes if level < 3 else ["[user]\n\tname = Ann\n"])
        with pytest.raises(ConfigurationError, match="more than 1000 files are included"):
            GitConfig(disk.repo, {}).get("user.name")

    def test_a_large_configuration(self, disk: Builder) -> None:
        assert isinstance(disk.repo, Repo)
        with (disk.git_dir / "config").open("a") as file:
            file.write("# comment\n" * (config.MAX_SIZE // 10))
        with pytest.raises(ConfigurationError, match="has more than 1048576 bytes"):
            GitConfig(disk.repo, {}).get("user.name")

    def test_urls_in_the_configuration_that_are_not_utf_8(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        with (disk.git_dir / "config").open("ab") as file:
            file.write(b'[url "https://h/"]\n\tinsteadOf = \xe9:\n[remote "o"]\n\turl = x:y\n')
        with Registry.open(disk.git_dir.parent) as registry:
            with pytest.raises(ConfigurationError, match="write it in UTF-8"):
                registry.fetch(remote="o")
            assert registry._repr_html_()

    def test_settings_for_urls_that_are_not_utf_8(self, disk: Builder) -> None:
        assert isinstance(disk.repo, Repo)
        with (disk.git_dir / "config").open("ab") as file:
            file.write(b'[http "https://h/\xff"]\n\tproxy = x\n[http]\n\tsslVerify = no\n')
        env = {"GIT_CONFIG_PARAMETERS": "'http.nam\udc98'='Ann'"}
        found = GitConfig(disk.repo, env).for_url("http", "https://h/\udcff/m")
        assert found.get("proxy") == "x"
        assert found.get("sslVerify") == "no"

    @pytest.mark.parametrize("text", ["ssh://\udcff@h/\udcff", "https://\ud800@h/m", "\udcff@h:m"])
    def test_urls_that_are_not_utf_8(self, text: str) -> None:
        url = Url.parse(text)
        assert str(url)
        assert url.with_user
        with pytest.raises(RepositoryNotFoundError, match="begins with '-'"):
            Url.parse("ssh://\udcff@-h/m")

    def test_a_device_as_a_file(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "n@v1.0.0")
        (disk.git_dir.parent / ".gto").symlink_to("/dev/zero")
        (disk.git_dir / "refs" / "tags" / "m@v2.0.0").symlink_to("/dev/zero")
        with Registry.open(disk.git_dir.parent) as registry:
            assert registry.latest()["n"].name == "v1.0.0"
            found = [(one.tag, one.kind) for one in registry.problems()]
            with pytest.raises(RepositoryError, match="not a regular file"):
                registry.allowed_stages()
            with pytest.raises(RevisionNotFoundError):
                registry.at("m@v2.0.0")
        assert ("m@v2.0.0", ProblemKind.MALFORMED) in found

    def test_a_packed_refs_header_without_a_newline(self, disk: Builder) -> None:
        (disk.git_dir / "packed-refs").write_bytes(b"# pack-refs with: peeled sorted")
        with pytest.raises(RepositoryError, match="unexpected line '# pack-refs"):
            disk.registry.latest()

    def test_alternates_listed_many_times(self, tmp_path: Path) -> None:
        (tmp_path / "info").mkdir()
        (tmp_path / "info" / "alternates").write_text(".\n" * 50_000)
        assert alternates.object_directories(str(tmp_path)) == [str(tmp_path)]
