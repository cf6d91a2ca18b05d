"""A component's XML as small nodes. The one place that knows the parser."""

from __future__ import annotations

from collections.abc import Iterator

from partnerapi.componentxml import Document


class Node:
    """An element: its name, attributes, own text and children; ``same`` is equal for what says the same."""

    __slots__ = ("attributes", "children", "same", "tag", "text")

    def __init__(
        self, tag: str, attributes: dict[str, str], text: str, children: list[Node]
    ) -> None:
        self.tag = tag
        self.attributes = attributes
        self.text = text
        self.children = children
        self.same: int = hash(
            (tag, frozenset(attributes.items()), text, tuple(child.same for child in children))
        )

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def child(self, *tags: str) -> Node | None:
        """The first descendant along ``tags``, or None."""
        node: Node | None = self
        for tag in tags:
            node = next((each for each in node.children if each.tag == tag), None) if node else None
        return node

    def walk(self) -> Iterator[Node]:
        """The node and everything below it, in the document's order."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.children))

    def without(self, *tags: str) -> Node:
        """A copy that lacks the children of these names."""
        kept = [child for child in self.children if child.tag not in tags]
        return Node(self.tag, self.attributes, self.text, kept)


def parse(xml: Document | bytes) -> Node:
    """Read a component's XML.

    :raises ComponentXmlError: for what is not a component's XML or is not safe to read.
    """
    document = Document.parse(xml) if isinstance(xml, bytes) else xml
    made: dict[int, Node] = {}
    # Children stand behind their parents, so they are made first from the back.
    for element in reversed(document.elements):
        attributes = {
            name.rpartition(":")[2]: value
            for name, value in document.said(element)
            if name != "xmlns" and not name.startswith("xmlns:")
        }
        text = document.text(element)
        children = [made.pop(child.number) for child in element.children]
        made[element.number] = Node(
            element.name, attributes, text if text.strip() else "", children
        )
    return made[0]
