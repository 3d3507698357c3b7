"""Execute the example notebook on a real kernel.

``python -m tests.browser.notebook`` stores the outputs.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATH = ROOT / "examples" / "model_lifecycle.ipynb"

Output = dict[str, Any]

VIEW = "application/vnd.jupyter.widget-view+json"
"""The type of a widget's output, which refers to a widget of one kernel."""


def environment(directory: Path) -> dict[str, str]:
    """Return an environment in which Jupyter and Git use files in one directory only."""
    variables = {
        "HOME": "home",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "MPLCONFIGDIR": "matplotlib",
    }
    found = {name: str(directory / part) for name, part in variables.items()}
    for path in found.values():
        Path(path).mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **found, "PYTHONPATH": path, "GIT_CONFIG_NOSYSTEM": "1"}


def run(notebook: Any) -> None:
    """Execute a notebook, and store the outputs in its cells."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as directory:
        client = NotebookClient(notebook, timeout=120, kernel_name="python3")
        client.execute(cwd=directory, env=environment(Path(directory)))


def execute() -> Any:
    """Return the example with new outputs, without data that depends on the machine."""
    import nbformat

    notebook = nbformat.read(PATH, as_version=4)
    run(notebook)
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            data.pop(VIEW, None)
            if "text/html" in data and tempfile.gettempdir() in data["text/plain"]:
                del data["text/plain"]  # the repr of a registry has its path
    notebook.metadata = nbformat.read(PATH, as_version=4).metadata
    return notebook


def outputs(notebook: Any) -> list[Output]:
    """Return the outputs of the cells without images, which depend on fonts."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = {
                key: value for key, value in output.get("data", {}).items() if key != "image/png"
            }
            images = "image/png" in output.get("data", {})
            found.append({**output, "data": data, "images": images})
    return found


if __name__ == "__main__":
    import nbformat

    nbformat.write(execute(), PATH)
