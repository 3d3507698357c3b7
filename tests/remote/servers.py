"""Real servers on loopback, each with a directory of bare repositories.

Every server is a process of its own, in the foreground; it is terminated at the end of the block.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs
import pytest

from tests.servers import LOCAL

START_TIMEOUT = 20.0
"""The seconds that a server may take to open its port."""

_PORTS = 10_000, 32_768
"""The range to search for an unused port; Linux uses those from 32768 on for connections."""

PASSWORD = "p@ss/w+rd"  # noqa: S105  # must be quoted in a URL


def need(*programs: str) -> None:
    """Skip the test if a program is not installed; in CI a skip is a failure."""
    for program in programs:
        if find(program) is None:
            pytest.skip(f"{program!r} is not installed")


def find(program: str) -> str | None:
    """Return a program's path, also if it is only on the PATH of root."""
    core = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=False)
    directories = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", core.stdout.strip()]
    return shutil.which(program, path=os.pathsep.join(directories))


def free_port() -> int:
    """Return an unused port, below those that the system uses for connections."""
    while True:
        port = random.SystemRandom().randrange(*_PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind((LOCAL, port))
            return port


@contextmanager
def running(
    command: list[str], port: int | None, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server until the end of the block; the block starts when its port is open."""
    with log.open("ab") as file:
        program = find(command[0])
        assert program is not None
        process = subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        try:
            if port is not None:
                await_port(port, process, log)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # its children too: it leads a session
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:  # it is waiting for a client
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server accepts connections; fail with its log if it does not."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection((LOCAL, port), timeout=1):
            return
        time.sleep(0.01)
    raise AssertionError(f"{process.args!r} does not answer: {log.read_text()}")


@contextmanager
def git_daemon(root: Path) -> Iterator[str]:
    """Serve repositories by ``git daemon``; yield the URL that precedes their names."""
    need("git-daemon")
    port = free_port()
    command = [
        "git-daemon",
        f"--base-path={root}",
        f"--listen={LOCAL}",
        f"--port={port}",
        "--export-all",
        "--enable=receive-pack",
        "--informative-errors",
        "--reuseaddr",
    ]
    with running(command, port, root / "daemon.log"):
        yield f"git://{LOCAL}:{port}/"


@contextmanager
def python_server(kind: str, root: Path) -> Iterator[str]:
    """Serve repositories by dulwich or klaus; yield the URL that precedes their names."""
    if kind == "klaus":
        pytest.importorskip("klaus")
    port = free_port()
    command = [sys.executable, "-m", "tests.remote.python_server", kind, str(root), str(port)]
    package = str(Path(__file__).parents[2])
    with running(command, port, root / "python.log", {"PYTHONPATH": package}):
        yield f"{'git' if kind == 'dulwich-git' else 'http'}://{LOCAL}:{port}/"


_JARS = (
    "org.eclipse.jgit",
    "org.eclipse.jgit.http.server",
    "jetty9-http",
    "jetty9-io",
    "jetty9-security",
    "jetty9-server",
    "jetty9-servlet",
    "jetty9-util",
    "javaewah",
    "servlet-api",
    "slf4j-api",
    "slf4j-nop",
)


@contextmanager
def jgit(scheme: str, root: Path) -> Iterator[str]:
    """Serve repositories by JGit's daemon or servlet, from Debian's ``libjgit-java``."""
    need("javac", "java")
    jars = [Path(f"/usr/share/java/{name}.jar") for name in _JARS]
    missing = [str(jar) for jar in jars if not jar.is_file()]
    if missing:
        pytest.skip(f"libjgit-java is not installed: {missing}")
    port = free_port()
    path = os.pathsep.join([str(root), *map(str, jars)])
    source = str(Path(__file__).with_name("JGitServer.java"))
    subprocess.run(["javac", "-cp", path, "-d", str(root), source], check=True)
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", path, "JGitServer"]
    with running([*command, scheme, str(root), str(port)], port, root / "jgit.log"):
        yield f"{scheme}://{LOCAL}:{port}/"


_NGINX = """
daemon off; pid {root}/nginx.pid; worker_processes 2; error_log {root}/nginx.log; user root;
events {{ worker_connections 256; }}
http {{
  log_format headers '$host $request "$http_authorization"';
  log_format requests '$connection $request';
  access_log {root}/access.log headers; access_log {root}/requests.log requests;
  client_max_body_size 0; client_body_temp_path {root}/body;
  fastcgi_temp_path {root}/fastcgi; proxy_temp_path {root}/proxy;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{
    listen {host}:{port} {tls};
    {certificate}
    {auth}
    location / {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT {root};
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param REMOTE_USER ann;
      {version}
      fastcgi_pass unix:{root}/fcgi.sock;
    }}
  }}
  server {{
    listen {other}:{port};
    access_log {root}/redirected.log headers;
    location / {{ return 302 http://{host}:{port}$request_uri; }}
  }}
}}
"""


@attrs.frozen
class Web:
    """A web server in front of ``git http-backend``."""

    url: str
    """The URL that precedes the names of repositories."""
    port: int
    root: Path
    authority: Path | None
    """The certificate of the authority that signed the server's."""


@contextmanager
def web(
    root: Path, *, auth: bool = False, tls: bool = False, version: int = 2, host: str = LOCAL
) -> Iterator[Web]:
    """Serve repositories by nginx, fcgiwrap and ``git http-backend``.

    The same port of ``127.0.0.2`` redirects to it.
    """
    need("nginx", "fcgiwrap", "git-http-backend")
    port = free_port()
    authority = certificate(root) if tls else None
    (root / "passwords").write_text(f"ann:{{PLAIN}}{PASSWORD}\n")
    signed = f"ssl_certificate {root}/cert.pem; ssl_certificate_key {root}/key.pem;"
    config = _NGINX.format(
        root=root,
        host=host,
        other="127.0.0.2",
        port=port,
        backend=find("git-http-backend"),
        tls="ssl" if tls else "",
        certificate=signed if tls else "",
        auth=f"auth_basic models; auth_basic_user_file {root}/passwords;" if auth else "",
        version='fastcgi_param HTTP_GIT_PROTOCOL "";' if version == 0 else "",
    )
    (root / "nginx.conf").write_text(config)
    fastcgi = ["fcgiwrap", "-c", "4", "-s", f"unix:{root}/fcgi.sock"]
    (root / "fcgi.sock").unlink(missing_ok=True)
    nginx = ["nginx", "-c", f"{root}/nginx.conf", "-e", f"{root}/nginx.log"]
    with running(fastcgi, None, root / "fcgi.log"), running(nginx, port, root / "nginx.log"):
        yield Web(f"http{'s' * tls}://{host}:{port}/", port, root, authority)


def certificate(root: Path) -> Path:
    """Create a certificate for the loopback address, signed by a new authority."""
    need("openssl")
    (root / "names").write_text(f"subjectAltName=IP:{LOCAL}\n")
    extended = ["-extfile", "names"]
    for line in (
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=Test -days 2",
        f"req -newkey rsa:2048 -nodes -keyout key.pem -out cert.csr -subj /CN={LOCAL}",
        "x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2",
    ):
        command = ["openssl", *line.split(), *(extended if line.startswith("x509") else [])]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    return root / "ca.pem"


_SSHD = """
Port {port}
ListenAddress {host}
HostKey {root}/host_key
AuthorizedKeysFile {root}/user_key.pub
PidFile {root}/sshd.pid
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
KexAlgorithms curve25519-sha256
PasswordAuthentication no
{environment}
"""


@attrs.frozen
class Ssh:
    """An SSH server, and the command to log in."""

    url: str
    port: int
    command: str
    """The command ``ssh`` with the user's key and the server's host key."""


@contextmanager
def sshd(root: Path, *, version: int = 2) -> Iterator[Ssh]:
    """Serve repositories by OpenSSH, for a key made for the test.

    A server that does not accept ``GIT_PROTOCOL`` uses protocol version 0.
    """
    need("sshd", "ssh", "ssh-keygen")
    port = free_port()
    for name in ("host_key", "user_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)]
        subprocess.run(command, check=True)
    environment = "AcceptEnv GIT_PROTOCOL" if version == 2 else ""
    config = _SSHD.format(port=port, host=LOCAL, root=root, environment=environment)
    (root / "sshd_config").write_text(config)
    Path("/run/sshd").mkdir(exist_ok=True)
    kind, key, _ = (root / "host_key.pub").read_text().split(" ")
    (root / "known_hosts").write_text(f"[{LOCAL}]:{port} {kind} {key}\n")
    ssh = (
        f"ssh -F /dev/null -i {root}/user_key -o IdentitiesOnly=yes "
        f"-o UserKnownHostsFile={root}/known_hosts -o BatchMode=yes"
    )
    with running(["sshd", "-D", "-e", "-f", f"{root}/sshd_config"], port, root / "sshd.log"):
        yield Ssh(f"ssh://root@{LOCAL}:{port}{root}/", port, ssh)
