"""Run JupyterLab on a local port, with its own settings."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.notebook import environment

if TYPE_CHECKING:  # Playwright is not installed for all tests
    from playwright.sync_api import Page

_SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # so that the page contains all cells
}
_READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return context?.isReady && context.session?.kernel?.status === 'idle';
}"""
_RUN = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
_TIMEOUT = 60_000
"""The limit for loading the page or starting a kernel, in milliseconds."""


class Lab:
    """A running server."""

    def __init__(self, directory: Path, url: str, token: str) -> None:
        self._directory = directory
        self._url = url
        self._token = token

    def open(self, page: Page, notebook: Path | str) -> None:
        """Open a notebook, or a new one with the given code, and run all its cells."""
        name = f"{secrets.token_hex(4)}.ipynb"
        if isinstance(notebook, Path):
            shutil.copy(notebook, self._directory / name)
        else:
            (self._directory / name).write_text(json.dumps(_with_one_cell(notebook)), "utf-8")
        page.set_default_timeout(_TIMEOUT)
        page.goto(f"{self._url}lab/tree/{name}?token={self._token}&reset")
        page.wait_for_function(_READY)
        page.evaluate(_RUN)
        page.locator(".mv-form .mv-commit").first.wait_for()
        page.set_default_timeout(30_000)

    def set_theme(self, page: Page, name: str) -> None:
        """Change the theme to ``Light`` or ``Dark``."""
        theme = f"JupyterLab {name}"
        page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
        )
        page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=theme)


@contextmanager
def running(directory: Path) -> Iterator[Lab]:
    """Start a server with its files in a directory; stop it at the end."""
    env = environment(directory)
    for name, values in _SETTINGS.items():
        path = Path(env["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", f"{name}.jupyterlab-settings")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")
    token, root = secrets.token_hex(16), directory / "notebooks"
    root.mkdir()
    options = ["--ip=127.0.0.1", "--port=0", "--no-browser", "--allow-root"]
    options += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}"]
    options += ["--expose-app-in-browser"]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = filter(
                None, (re.search(r"http://127\.0\.0\.1:\d+/", x) for x in process.stderr)
            )
            match = next(found, None)
            assert match is not None, "JupyterLab did not start"
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield Lab(root, match[0], token)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _with_one_cell(source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
