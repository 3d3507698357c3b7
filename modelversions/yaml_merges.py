"""Limit the number of items that are merged by the merge keys (``<<``) of YAML.

This module is private. It imports ruamel.yaml, which is an optional dependency.
"""

from __future__ import annotations

from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.nodes import MappingNode, SequenceNode

_MERGE = "tag:yaml.org,2002:merge"


class BoundedConstructor(SafeConstructor):
    """Constructs the values of one file; raises an error if too many items are merged.

    A few lines of nested merge keys can merge billions of items, which the parser would create
    before they can be counted.
    """

    max_merged = 0
    """The maximum number of items that are merged into mappings."""
    merged = 0
    """The number of items merged so far."""

    def flatten_mapping(self, node: MappingNode) -> None:
        """Replace the merge keys of a mapping by the items.

        Raises:
            ConstructorError: too many items are merged.
        """
        for part in _merged_into(node):
            if any(key.tag == _MERGE for key, _ in part.value):
                self.flatten_mapping(part)
            self.merged += len(part.value)
            if self.merged > self.max_merged:
                message = f"more than {self.max_merged} items are merged into mappings"
                raise ConstructorError(None, None, message, node.start_mark)
        super().flatten_mapping(node)


def _merged_into(node: MappingNode) -> list[MappingNode]:
    """Return the mappings that are merged into a mapping by its merge keys."""
    named = [value for key, value in node.value if key.tag == _MERGE]
    parts = [
        part
        for value in named
        for part in (value.value if isinstance(value, SequenceNode) else [value])
    ]
    return [part for part in parts if isinstance(part, MappingNode)]
