"""What the stacks have noted, for whoever synthesizes them."""

from __future__ import annotations

from collections.abc import Iterator

from constructs import IConstruct

from guardrails.note import NOTE


def notes(app: IConstruct) -> Iterator[str]:
    """The notes, stack by stack."""
    for stack in app.node.children:
        for entry in stack.node.metadata:
            if entry.type == NOTE:
                yield f"{stack.node.id}: {entry.data}"
