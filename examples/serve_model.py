"""Serve the version of a model that is in a stage: ``uvicorn --factory serve_model:create_app``.

The environment names the registry (``MODELS``, a path or URL) and the stage (``STAGE``, such as
``churn#prod``). When the stage gets another holder, also by an unassignment, that version is
loaded while requests continue. The example needs
``pip install 'modelversions[yaml]' fastapi uvicorn``; ``dvc.yaml`` names the model's file.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException

from modelversions import Registry, Version

LOG = logging.getLogger(__name__)


class ServedModel:
    """The served version and its loaded content."""

    def __init__(self, registry: Registry, stage: str, load: Callable[[bytes], Any]) -> None:
        """Initialize without a version; ``follow`` loads it."""
        self.retry = 30.0
        self.registry = registry
        self.stage = stage
        self.load = load
        self.current: tuple[Version, Any] | None = None
        self.loaded = threading.Event()
        self.stop = threading.Event()

    def follow(self) -> None:
        """Load each new holder of the stage, until ``stop`` is set."""
        while not self.stop.is_set():
            try:
                for version in self.registry.watch(self.stage, interval=30, stop=self.stop):
                    self.update(version)
            except Exception:  # the registry cannot be read, or the file cannot be loaded
                LOG.exception("%s cannot be loaded; retrying", self.stage)
                self.loaded.set()
                self.stop.wait(self.retry)

    def update(self, version: Version | None) -> None:
        """Load a version; for None, stop serving."""
        if version is None:
            self.current = None
        else:
            self.current = version, self.load(self.registry.read_bytes(version))
        self.loaded.set()


def create_app(registry: Registry | None = None, load: Callable[[bytes], Any] = len) -> FastAPI:
    """Return the application; ``load`` converts the bytes of the file to a model."""
    registry = registry or Registry.open(os.environ["MODELS"])
    served = ServedModel(registry, os.environ.get("STAGE", "churn#prod"), load)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.served = served
        thread = threading.Thread(target=served.follow, daemon=True)
        thread.start()
        yield
        served.stop.set()
        thread.join()

    app = FastAPI(lifespan=lifespan)

    @app.get("/version")
    def version() -> dict[str, object]:
        served.loaded.wait(timeout=60)
        current = served.current
        if current is None:
            raise HTTPException(503, f"no version of {served.stage} is loaded; see the log")
        return current[0].to_dict()

    return app
