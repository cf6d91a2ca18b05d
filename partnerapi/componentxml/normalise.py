"""One form for documents that say the same, to compare, to hash and to show differences.

Left out is what an account makes by itself: the root's ids, versions, dates, people, folders and
branches, and `encryptedValues`, which says what is set in that account and not what the component
is. Also an empty description, which the platform adds, and comments, which it does not keep.
"""

import hashlib

from partnerapi.componentxml.document import API_NAMESPACE, Document, Element, decode_text, parse
from partnerapi.componentxml.envelope import SYSTEM_MADE
from partnerapi.componentxml.errors import BadXml

_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
# Wider than a screen: one attribute per line makes a difference readable.
_WIDE = 110

_IN_ATTRIBUTE = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#xD;",
    }
)
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})


def normalise(data: bytes) -> bytes:
    """The document in its one form. Raises BadXml, UnsafeXml or TooLarge."""
    writer = _Writer(parse(data))
    writer.write()
    return "".join(writer.parts).encode()


def digest(data: bytes) -> str:
    """The SHA-256 of the normalised document, in hex. Raises as `normalise`."""
    return hashlib.sha256(normalise(data)).hexdigest()


def pretty_lines(data: bytes) -> list[str]:
    """The normalised document as indented lines, for people. Raises as `normalise`.

    One element begins per line; a start tag that is too wide has one attribute per line; text of
    several lines, such as a script, keeps its own.
    """
    writer = _Writer(parse(data), pretty=True)
    writer.write()
    return "".join(writer.parts).split("\n")


class _Writer:
    """Writes a document out, canonically; `pretty` adds line ends and indents."""

    def __init__(self, document: Document, *, pretty: bool = False) -> None:
        self.document = document
        self.parts: list[str] = []
        self._pretty = pretty
        self._prefixes = {
            "": "",
            API_NAMESPACE: "bns:",
            _XSI_NAMESPACE: "xsi:",
            _XML_NAMESPACE: "xml:",
        }
        self._declarations: list[str] = []

    def write(self) -> None:
        """Fill `parts`. Depth-first with a list of its own: documents may nest deeply."""
        root = self.document.root
        self._collect_namespaces()
        todo: list[tuple[Element, int] | str] = [(root, 0)]
        while todo:
            item = todo.pop()
            if isinstance(item, str):
                self.parts.append(item)
                continue
            element, depth = item
            if self._skipped(element):
                continue
            todo.extend(reversed(self._open(element, depth)))

    def _skipped(self, element: Element) -> bool:
        if element.parent is not self.document.root or element.uri != API_NAMESPACE:
            return False
        if element.name == "encryptedValues":
            return True
        return (
            element.name == "description"
            and not element.children
            and not self.document.text(element).strip()
        )

    def _collect_namespaces(self) -> None:
        """Give every other namespace a prefix, in the order in which they are used."""
        for element in self.document.elements:
            uris = {element.uri}
            for prefix in self._attribute_prefixes(element):
                uris.add(self._uri(element, prefix))
            for uri in sorted(uris - self._prefixes.keys()):
                prefix = f"n{len(self._declarations) + 1}"
                self._prefixes[uri] = f"{prefix}:"
                self._declarations.append(f'xmlns:{prefix}="{uri.translate(_IN_ATTRIBUTE)}"')

    def _attribute_prefixes(self, element: Element) -> set[str]:
        tag = self.document.data[element.start : element.tag_end]
        if b":" not in tag:
            return set()
        names = [one.name for one in self.document.attributes(element)]
        return {name.partition(":")[0] for name in names if ":" in name} - {"xmlns"}

    def _uri(self, element: Element, prefix: str) -> str:
        """The namespace that a prefix stands for at an element."""
        if prefix == "xml":
            return _XML_NAMESPACE
        for scope in (element, *element.ancestors()):
            uri = self.document.get(scope, f"xmlns:{prefix}")
            if uri is not None:
                return uri
        raise BadXml("The component's XML uses an undeclared prefix.")  # pragma: no cover

    def _open(self, element: Element, depth: int) -> list[tuple[Element, int] | str]:
        """Write the start tag; answer what follows."""
        name = self._prefixes[element.uri] + element.name
        indent = "  " * depth if self._pretty else ""
        line = "\n" if self._pretty else ""
        attributes = self._attributes(element)
        text = self._text(element)
        start = " ".join([f"<{name}", *attributes])
        if self._pretty and len(start) + len(indent) > _WIDE and len(attributes) > 1:
            start = f"\n{indent}    ".join([f"<{name}", *attributes])
        if depth:
            start = line + indent + start
        if not element.children and not text:
            self.parts.append(f"{start}/>")
            return []
        self.parts.append(f"{start}>")
        if not element.children:
            if self._pretty and "\n" in text:
                # Lines of a script begin where they begin.
                text = f"\n{text}\n{indent}"
            self.parts.append(f"{text}</{name}>")
            return []
        following: list[tuple[Element, int] | str] = []
        # Between elements white space says nothing, nor does a comment.
        runs = [run for run in element.texts if self._run(run).strip()]
        for child in element.children:
            while runs and runs[0][0] < child.start:
                following.append(self._run(runs.pop(0)))
            following.append((child, depth + 1))
        following += [self._run(run) for run in runs]
        following.append(f"{line}{indent}</{name}>")
        return following

    def _run(self, run: tuple[int, int]) -> str:
        return decode_text(self.document.data[run[0] : run[1]]).translate(_IN_TEXT)

    def _text(self, element: Element) -> str:
        """The text of an element without children, white space included: it may be a value."""
        if element.children or element.self_closing:
            return ""
        return self._run((element.tag_end, element.close))

    def _attributes(self, element: Element) -> list[str]:
        root = element is self.document.root
        found: list[tuple[str, str, str]] = []
        for attribute in self.document.attributes(element):
            if attribute.declares_namespace or (root and attribute.name in SYSTEM_MADE):
                continue
            prefix, _, local = attribute.name.rpartition(":")
            uri = self._uri(element, prefix) if prefix else ""
            value = self.document.value(attribute).translate(_IN_ATTRIBUTE)
            found.append((uri, local, f'{self._prefixes[uri]}{local}="{value}"'))
        found.sort(key=lambda one: one[:2])
        written = [one[2] for one in found]
        if root:
            written = [
                f'xmlns:bns="{API_NAMESPACE}"',
                f'xmlns:xsi="{_XSI_NAMESPACE}"',
                *self._declarations,
                *written,
            ]
        return written
