"""HTTP: Git's settings, credentials for one origin only, one connection for many requests."""

from __future__ import annotations

import base64
import io
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest
from dulwich.protocol import pkt_line
from dulwich.refs import Ref
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

from modelversions import (
    AuthenticationError,
    ConfigurationError,
    Identity,
    Registry,
    RemoteError,
)
from modelversions.git.config import GitConfig
from modelversions.git.remote.http import http_client
from modelversions.git.remote.http_settings import HttpSettings, read_settings
from modelversions.git.urls import Url
from tests.builders import Builder
from tests.servers import LOCAL, PATH, guarded, http_server

ANN = Identity("Ann", "ann@example.com")
PEM = Path(__file__).parents[2] / "data" / "localhost.pem"
"""A key, and a certificate for localhost that it signed itself."""


@pytest.fixture
def served_repo(bare: Builder) -> Builder:
    bare.tags("m@v1.0.0")
    return bare


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write the user's configuration."""

    def write(text: str) -> None:
        (tmp_path / "global").write_text(text, errors="surrogateescape")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global"))

    return write


@attrs.define
class Traffic:
    """The requests that a server received."""

    url: str
    connections: int = 0
    requests: list[str] = attrs.Factory(list)
    headers: list[dict[str, str]] = attrs.Factory(list)
    bodies: list[bytes] = attrs.Factory(list)


Answer = Callable[[str, bytes], "tuple[int, dict[str, str], bytes] | None"]
"""Answers a path and a body with a status, headers and a body; None leaves it to the server."""


class Handler(BaseHTTPRequestHandler):
    """Serves a repository over HTTP/1.1, which keeps connections open."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        """Count connections."""
        self.server.traffic.connections += 1
        super().setup()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Record a request, and answer it."""
        traffic = self.server.traffic
        body = self.body()
        traffic.requests.append(f"{self.command} {self.path.partition(PATH)[2]}")
        traffic.headers.append({name.lower(): value for name, value in self.headers.items()})
        traffic.bodies.append(body)
        fixed = self.server.answer(self.path, body)
        self.reply(*(fixed or self.served(body)))

    do_POST = do_GET  # noqa: N815  # http.server's names

    def served(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        path, _, query = self.path.partition("?")
        environ = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path[path.index(PATH) :],
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "wsgi.input": io.BytesIO(body),
        }
        started: list[Any] = []
        written = io.BytesIO()

        def start(status: str, headers: list[tuple[str, str]]) -> Callable[[bytes], int]:
            started.extend((status, headers))
            return written.write

        for part in self.server.app(environ, start):
            written.write(part)
        return int(started[0][:3]), dict(started[1]), written.getvalue()

    def body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" in headers:  # more than the body has
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A server for one repository."""

    daemon_threads = True
    app: Any
    answer: Answer
    traffic: Traffic

    def handle_error(self, *_: Any) -> None:
        """Print nothing about a client that closes its connection."""


@contextmanager
def server(
    served_repo: Builder,
    answer: Answer = lambda _path, _body: None,
    *,
    context: ssl.SSLContext | None = None,
) -> Iterator[Traffic]:
    """Serve a repository, and record the requests."""
    listening = Server((LOCAL, 0), Handler)
    backend: Any = {PATH.encode(): served_repo.repo, PATH: served_repo.repo}
    listening.app, listening.answer = make_wsgi_chain(DictBackend(backend)), answer
    if context is not None:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
    scheme = "http" if context is None else "https"
    traffic = Traffic(f"{scheme}://{LOCAL}:{listening.server_port}{PATH}")
    listening.traffic = traffic
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield traffic
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def models(url: str, **options: Any) -> list[str]:
    with Registry.open(url, **options) as registry:
        return list(registry)


def settings(
    configure: Callable[[str], None], text: str, url: str = "https://host/m", **env: str
) -> HttpSettings:
    configure(text)
    return read_settings(Url.parse(url), GitConfig(None), env)


class TestRead:
    """The settings ``http.*`` of ``git help config``."""

    @pytest.mark.parametrize(
        ("text", "env", "name", "value"),
        [
            ("", {}, "verify", True),
            ("[http]\nsslVerify = no", {}, "verify", False),
            ("[http]\nsslVerify", {}, "verify", True),
            ("[http]\nsslVerify = yes", {"GIT_SSL_NO_VERIFY": ""}, "verify", False),
            ('[http]\nsslVerify = no\n[http "HTTPS://Host:443"]\nsslVerify', {}, "verify", True),
            ("", {}, "redirects", "initial"),
            ("[http]\nfollowRedirects = initial", {}, "redirects", "initial"),
            ("[http]\nfollowRedirects = false", {}, "redirects", "false"),
            ("[http]\nfollowRedirects = 1", {}, "redirects", "true"),
            ("[http]\nuserAgent = me", {}, "user_agent", "me"),
            ("[http]\nuserAgent = me", {"GIT_HTTP_USER_AGENT": "you"}, "user_agent", "you"),
            ("[http]\nsslVersion = tlsv1.2", {}, "minimum_tls", "TLSv1_2"),
            ("[http]\nsslVersion = x", {"GIT_SSL_VERSION": "tlsv1.3"}, "minimum_tls", "TLSv1_3"),
            ("[http]\nsslCipherList = A", {}, "ciphers", "A"),
            ("[http]\nsslCAInfo = /", {}, "ca_file", "/"),
            ("[http]\nsslCAInfo = /x", {"GIT_SSL_CAINFO": "/"}, "ca_file", "/"),
            ("[http]\nsslCAPath = /", {}, "ca_directory", "/"),
            ("[http]\nsslCert = /", {}, "certificate", "/"),
            ("[http]\nsslKey = /x", {"GIT_SSL_KEY": ""}, "key", None),
            (
                "[http]\nextraHeader = A: b\nextraHeader = C:d",
                {},
                "headers",
                (("A", "b"), ("C", "d")),
            ),
            ("[http]\nextraHeader = A: b\nextraHeader =", {}, "headers", ()),
            ("[http]\nextraHeader = no header\nextraHeader = A:", {}, "headers", ()),
            ("[http]\nextraHeader = A: \u00e4", {}, "headers", (("A", "\u00c3\u00a4"),)),
            ('[http "https://HOST/m"]\nextraHeader = A: b', {}, "headers", (("A", "b"),)),
            ('[http "https://host/n"]\nextraHeader = A: b', {}, "headers", ()),
            ('[http "host"]\nextraHeader = A: b', {}, "headers", ()),
        ],
    )
    def test_a_setting(
        self,
        configure: Callable[[str], None],
        text: str,
        env: dict[str, str],
        name: str,
        value: object,
    ) -> None:
        assert getattr(settings(configure, text, **env), name) == value

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[http]\npinnedPubkey = sha256//x", "http.pinnedPubkey is not supported"),
            ("[http]\nsslCertPasswordProtected", "http.sslCertPasswordProtected is not"),
            ("[http]\nsslVerify = maybe", "http.sslVerify"),
            ("[http]\nfollowRedirects = maybe", "http.followRedirects"),
            ("[http]\nsslVersion = sslv3", "http.sslVersion 'sslv3' is not supported; use one of"),
            ("[http]\nsslCAInfo = /x/y", "http.sslCAInfo names '/x/y', which does not exist"),
            ('[http]\nextraHeader = "A: s3cret\\nB: c"', "http.extraHeader contains a control"),
            ("[http]\nproxy = ftp://u:s3cret@p", "the proxy of http.proxy is not valid"),
            ("[http]\nproxy = http://p:port", "the proxy of http.proxy is not valid"),
            ("[http]\nproxy = p\nproxyAuthMethod = ntlm", "http.proxyAuthMethod = ntlm is not"),
        ],
    )
    def test_an_error_names_the_setting(
        self, configure: Callable[[str], None], text: str, message: str
    ) -> None:
        with pytest.raises(ConfigurationError) as caught:
            settings(configure, text)
        assert message in str(caught.value)
        assert "s3cret" not in str(caught.value)

    def test_a_missing_file_of_the_environment_is_named_before_a_request(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_SSL_CAINFO", "/x/nothing.pem")
        with pytest.raises(ConfigurationError, match="GIT_SSL_CAINFO names '/x/nothing.pem'"):
            models("https://127.0.0.1:1/m")

    @pytest.mark.parametrize(
        ("text", "env", "proxy"),
        [
            ("", {}, None),
            ("[http]\nproxy = host", {}, "http://host:1080"),
            ("[http]\nproxy = http://host:1", {"https_proxy": "x"}, "http://host:1"),
            ("[http]\nproxy = https://host", {}, "https://host:443"),
            ("[http]\nproxy =", {"https_proxy": "host"}, None),
            ('[http]\nproxy = a\n[http "https://HOST"]\nproxy =', {}, None),
            ('[http "Https://Host:443/"]\nproxy = b:2', {}, "http://b:2"),
            ("", {"https_proxy": "a", "HTTPS_PROXY": "b"}, "http://a:1080"),
            ("", {"http_proxy": "a"}, None),
            ("", {"ALL_PROXY": "socks5h://a"}, "socks5h://a:1080"),
            ("", {"all_proxy": "socks://[::1]:5"}, "socks4://[::1]:5"),
            ("[http]\nproxy = a", {"no_proxy": "other, host"}, None),
            ("[http]\nproxy = a", {"NO_PROXY": "*"}, None),
            ("[http]\nproxy = a", {"NO_PROXY": ".st,host:443"}, "http://a:1080"),
            ("[http]\nproxy = a\nproxyAuthMethod = basic", {}, "http://a:1080"),
        ],
    )
    def test_a_proxy(
        self, configure: Callable[[str], None], text: str, env: dict[str, str], proxy: str | None
    ) -> None:
        found = settings(configure, text, **env).proxy
        assert (None if found is None else found.url) == proxy

    def test_a_proxys_login_is_a_secret(self, configure: Callable[[str], None]) -> None:
        found = settings(configure, "[http]\nproxy = u%40:p%3Aw@host:1\nextraHeader = A: Basic xyz")
        assert found.proxy is not None
        assert (found.proxy.url, found.proxy.login) == ("http://host:1", "u@:p:w")
        assert found.secrets == ["p:w", "Basic xyz", "xyz"]
        assert "p:w" not in repr(found)

    def test_domains_of_no_proxy(self, configure: Callable[[str], None]) -> None:
        url = "https://git.example.com:8443/m"
        for hosts in ("example.com", ".example.com", "git.example.com:8443", "EXAMPLE.com."):
            text = "[http]\nproxy = p"
            assert settings(configure, text, url, no_proxy=hosts).proxy is None, hosts

    def test_socks_needs_a_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "socks5h://u:s3cret@127.0.0.1:1")
        monkeypatch.setitem(__import__("sys").modules, "socks", None)
        monkeypatch.delitem(__import__("sys").modules, "urllib3.contrib.socks", raising=False)
        with pytest.raises(ConfigurationError, match="needs SOCKS: pip install pysocks") as caught:
            models("http://127.0.0.1:2/m")
        assert "s3cret" not in str(caught.value)

    def test_socks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server((LOCAL, 0)) as listener:
            port = listener.getsockname()[1]
            monkeypatch.setenv("ALL_PROXY", f"socks5h://u:s3cret@{LOCAL}:{port}")

            def refuse() -> None:
                client, _ = listener.accept()
                with client:
                    client.recv(4)
                    client.sendall(b"\5\377")  # no supported method

            thread = threading.Thread(target=refuse)
            thread.start()
            with pytest.raises(RemoteError) as caught:
                models("http://host/m", timeout=5)
            thread.join()
        assert "SOCKS" in str(caught.value)
        assert "s3cret" not in str(caught.value)

    def test_ciphers_and_versions(self, configure: Callable[[str], None]) -> None:
        url = Url.parse("https://host/m")
        text = "[http]\nsslVersion = tlsv1.2\nsslCipherList = ECDHE-RSA-AES128-GCM-SHA256"
        http_client(url, settings(configure, text), 1.0, None).close()
        with pytest.raises(ConfigurationError, match="'nonsense' has no supported cipher"):
            http_client(url, settings(configure, "[http]\nsslCipherList = nonsense"), 1.0, None)


class TestTls:
    @pytest.fixture
    def secure(self, served_repo: Builder) -> Iterator[Traffic]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
        with server(served_repo, context=context) as traffic:
            yield traffic

    def test_an_unknown_authority_is_refused(self, secure: Traffic) -> None:
        with pytest.raises(RemoteError, match="certificate verify failed"):
            models(secure.url)

    def test_a_configured_authority(
        self, secure: Traffic, configure: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(f"[http]\nsslCAInfo = {PEM}\n")
        assert models(secure.url) == ["m"]
        configure("")
        monkeypatch.setenv("GIT_SSL_CAINFO", str(PEM))
        assert models(secure.url) == ["m"]

    def test_no_verification(self, secure: Traffic, configure: Callable[[str], None]) -> None:
        configure("[http]\nsslVerify = no\n")
        with pytest.warns(match="Unverified HTTPS request"):
            assert models(secure.url) == ["m"]

    def test_a_clients_certificate(
        self, served_repo: Builder, configure: Callable[[str], None]
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(PEM)
        with server(served_repo, context=context) as traffic:
            configure(f"[http]\nsslCAInfo = {PEM}\n")
            with pytest.raises(RemoteError):
                models(traffic.url)
            configure(f"[http]\nsslCAInfo = {PEM}\nsslCert = {PEM}\nsslKey = {PEM}\n")
            assert models(traffic.url) == ["m"]


def redirected(to: str, path: str = "/old") -> Answer:
    """Redirect the requests below a path."""

    def answer(requested: str, _body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        if not requested.startswith(path):
            return None
        return 302, {"Location": to + requested.partition(PATH)[2]}, b""

    return answer


class TestRedirects:
    @pytest.mark.parametrize("value", ["", "followRedirects = true"])
    def test_the_first_request_follows(
        self, served_repo: Builder, configure: Callable[[str], None], value: str
    ) -> None:
        configure(f"[http]\n{value}\n")
        with server(served_repo) as target:
            with server(served_repo, redirected(target.url, "/")) as origin:
                assert models(origin.url) == ["m"]
            assert target.requests
            assert len(origin.requests) == 1

    def test_none_is_followed_if_configured(
        self, served_repo: Builder, configure: Callable[[str], None]
    ) -> None:
        configure("[http]\nfollowRedirects = false\n")
        with (
            server(served_repo) as target,
            server(served_repo, redirected(target.url, "/")) as origin,
        ):
            with pytest.raises(RemoteError, match=r"HTTP 302 it redirects, which http\.followRe"):
                models(origin.url)
            assert target.requests == []

    @pytest.mark.parametrize("value", ["initial", "true"])
    def test_a_later_request(
        self, served_repo: Builder, configure: Callable[[str], None], value: str
    ) -> None:
        configure(f"[http]\nfollowRedirects = {value}\n")
        with server(served_repo) as target:

            def later(path: str, _body: bytes) -> tuple[int, dict[str, str], bytes] | None:
                to = {"Location": f"{target.url}/git-upload-pack"}
                return (307, to, b"") if "?" not in path else None

            with server(served_repo, later) as origin, Registry.open(origin.url) as registry:
                if value == "true":
                    assert len(registry.history()) == 1
                else:
                    with pytest.raises(RemoteError, match="HTTP 307"):
                        registry.history()

    def test_a_cycle_and_another_scheme(self, served_repo: Builder) -> None:
        with server(served_repo, lambda path, _body: (302, {"Location": path}, b"")) as origin:
            with pytest.raises(RemoteError, match="redirects more than 5 times"):
                models(origin.url)
            assert len(origin.requests) == 6
        with (
            server(
                served_repo, lambda _path, _body: (302, {"Location": "ftp://host/x"}, b"")
            ) as origin,
            pytest.raises(RemoteError, match="it redirects to 'ftp'"),
        ):
            models(origin.url)

    @pytest.mark.parametrize("section_url", ["http://LocalHost:{}", "HTTP://localhost:{}/", ""])
    def test_headers_are_sent_only_to_their_origin(
        self, served_repo: Builder, configure: Callable[[str], None], section_url: str
    ) -> None:
        with (
            server(served_repo) as target,
            server(served_repo, redirected(target.url, "/")) as origin,
        ):
            url = origin.url.replace(LOCAL, "localhost")
            section = section_url.format(url.split(":")[2].partition("/")[0])
            name = f'http "{section}"' if section else "http"
            configure(f"[{name}]\nextraHeader = X-Key: s3cret\n")
            assert models(url) == ["m"]
            assert [one.get("x-key") for one in origin.headers] == ["s3cret"]
            assert not any("x-key" in one for one in target.headers)

    @pytest.mark.parametrize("any_host", [True, False])
    def test_credentials_for_the_server_that_a_redirect_leads_to(
        self, served_repo: Builder, *, any_host: bool
    ) -> None:
        calls: list[tuple[str, ...]] = []

        class Credentials:
            def __call__(self, url: str, hint: str | None) -> tuple[str, str]:
                calls.append(("called", url, str(hint)))
                return "ann", "s3cret"

            def approve(self, url: str, username: str, password: str) -> None:
                calls.append(("approved", url, username, password))

        credentials = Credentials()
        if any_host:
            vars(credentials)["any_host"] = True
        assert isinstance(served_repo.repo, Repo)
        with (
            http_server(served_repo.repo, guarded("ann", "s3cret")) as target,
            server(served_repo, redirected(target, "/")) as origin,
        ):
            url = origin.url.replace("//", "//me:own@")
            if any_host:
                assert models(url, credentials=credentials) == ["m"]
                assert calls == [("called", target, "None"), ("approved", target, "ann", "s3cret")]
            else:
                with pytest.raises(AuthenticationError, match="these are not sent to another host"):
                    models(url, credentials=credentials)
                assert calls == []
            assert {one.get("authorization") for one in origin.headers} <= {"Basic bWU6b3du", None}


class TestCredentials:
    @pytest.mark.parametrize("name", ["ann", "\u00e4nn", "\u0430\u043d\u043d\u0430"])
    def test_they_are_sent_as_utf_8(self, served_repo: Builder, name: str) -> None:
        assert isinstance(served_repo.repo, Repo)
        login = name, "\u00e4\u20ac\U0001f511"
        with http_server(served_repo.repo, guarded(*login)) as url:
            assert models(url, credentials=lambda _url, _hint: login) == ["m"]

    def test_a_password_with_a_surrogate(self, served_repo: Builder) -> None:
        assert isinstance(served_repo.repo, Repo)
        with (
            http_server(served_repo.repo, guarded("ann", "x")) as url,
            pytest.raises(AuthenticationError) as caught,
        ):
            models(url, credentials=lambda _url, _hint: ("ann", "\ud800s3cret"))
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize(("password", "method"), [("s3cret", "approve"), ("wrong", "reject")])
    def test_the_result_of_a_login_is_reported_to_the_helper(
        self, served_repo: Builder, password: str, method: str
    ) -> None:
        calls: list[tuple[str, ...]] = []

        class Helper:
            def __call__(self, _url: str, _hint: str | None) -> tuple[str, str]:
                return "ann", password

            def approve(self, *login: str) -> None:
                calls.append(("approve", *login))

            def reject(self, *login: str) -> None:
                calls.append(("reject", *login))

        assert isinstance(served_repo.repo, Repo)
        with (
            http_server(served_repo.repo, guarded("ann", "s3cret")) as url,
            Registry.open(url, credentials=Helper()) as registry,
        ):
            for _ in range(2):
                try:
                    list(registry)
                except AuthenticationError:
                    assert method == "reject"
            assert calls[0] == (method, url, "ann", password)
            assert len(calls) == 1

    def test_a_malformed_header_is_never_logged(
        self,
        served_repo: Builder,
        configure: Callable[[str], None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        configure("[http]\nextraHeader = Authorization Basic s3cret\nextraHeader = :s3cret\n")
        with server(served_repo) as traffic:
            assert models(traffic.url) == ["m"]
        assert "s3cret" not in caplog.text


class TestConnections:
    def test_one_connection_for_a_registration(self, served_repo: Builder) -> None:
        with server(served_repo) as traffic:
            with Registry.open(traffic.url) as registry:
                registry.register("m", "v2.0.0", author=ANN, force=True)
            assert traffic.connections == 1
            assert len(traffic.requests) <= 8, traffic.requests

    @pytest.mark.parametrize("service", [b"", b"001e# service=git-upload-pack\n0000"])
    def test_the_capabilities_of_version_2_are_requested_once(
        self, served_repo: Builder, service: bytes
    ) -> None:
        tag = served_repo.repo.refs[Ref(b"refs/tags/m@v1.0.0")]
        commit = served_repo.commits["c1"].encode()

        def answer(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
            kind = "advertisement" if "?" in path else "result"
            text = (
                service
                + b"000eversion 2\n"
                + pkt_line(b"ls-refs\n")
                + pkt_line(b"fetch\n")
                + b"0000"
            )
            if b"ls-refs" in body:
                line = b"%b refs/tags/m@v1.0.0 peeled:%b\n" % (tag, commit)
                text = pkt_line(line) + b"0000"
            elif body:
                return 503, {}, b""
            return 200, {"Content-Type": f"application/x-git-upload-pack-{kind}"}, text

        with server(served_repo, answer) as traffic, Registry.open(traffic.url) as registry:
            assert list(registry) == ["m"]
            assert "m" in registry
            assert repr(registry) == f"<Registry {traffic.url!r}>"
            with pytest.raises(RemoteError) as caught:
                registry.history()
            assert isinstance(caught.value, RemoteError)
            assert [one.partition(" ")[0] for one in traffic.requests] == ["GET", *["POST"] * 4]
            commands = [body.partition(b"command=")[2][:5] for body in traffic.bodies]
            assert commands == [b"", b"ls-re", b"ls-re", b"ls-re", b"fetch"]
            assert traffic.connections == 1

    def test_a_connection_that_the_server_closed_is_opened_again(
        self, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with server(served_repo) as traffic, Registry.open(traffic.url) as registry:
            assert list(registry) == ["m"]
            monkeypatch.setattr("urllib3.connectionpool.is_connection_dropped", lambda _one: False)
            pool = registry._store.transport._session._client._manager.pools  # type: ignore[attr-defined]
            for key in pool.keys():  # noqa: SIM118  # it is not a dict
                connection = pool[key]._get_conn()
                connection.sock.shutdown(2)
                pool[key]._put_conn(connection)
            assert list(registry) == ["m"]
            assert traffic.connections == 2

    def test_a_truncated_answer(self, served_repo: Builder) -> None:
        headers = {"Content-Type": "application/x-git-upload-pack-advertisement"}
        cut = 200, {**headers, "Content-Length": "99"}, b"000eversion 2\n0010cut"
        with server(served_repo, lambda _path, _body: cut) as traffic:
            with pytest.raises(RemoteError):
                models(traffic.url)
            assert len(traffic.requests) == 1

    def test_a_long_error_message_is_not_read_completely(self, served_repo: Builder) -> None:
        long = 503, {"Content-Type": "text/plain"}, b"busy " * 10_000
        with (
            server(served_repo, lambda _path, _body: long) as traffic,
            pytest.raises(RemoteError, match="HTTP 503 busy busy") as caught,
        ):
            models(traffic.url)
        assert len(str(caught.value)) < 1300

    def test_a_proxy_is_used_with_its_login(
        self, served_repo: Builder, configure: Callable[[str], None]
    ) -> None:
        with server(served_repo) as proxy:
            configure(f"[http]\nproxy = http://\u00e4nn:p@{proxy.url[7:].partition('/')[0]}\n")
            assert models(f"http://elsewhere.example{PATH}") == ["m"]
            login = base64.b64encode("\u00e4nn:p".encode()).decode()
            assert {one["proxy-authorization"] for one in proxy.headers} == {f"Basic {login}"}
