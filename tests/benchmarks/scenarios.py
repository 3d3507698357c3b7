"""All scenarios, by name."""

from __future__ import annotations

from tests.benchmarks import processes, reading, serving, writing
from tests.benchmarks.plan import Scenario

SCENARIOS: dict[str, Scenario] = {
    "latest": reading.latest,
    "million": reading.million,
    "model": reading.model,
    "latest-all": reading.latest_all,
    "history": reading.history,
    "packings": reading.packings,
    "many-models": reading.many_models,
    "versions": processes.versions,
    "new-tag": writing.new_tag,
    "new-tag-all": writing.new_tag_all,
    "register": writing.register,
    "table": processes.table,
    "table-growth": reading.table_growth,
    "import": processes.imports,
    "memory": processes.memory,
    "url": serving.url,
}
