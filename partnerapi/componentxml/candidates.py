"""Which elements could hold a place: whole columns of values are looked at before any element is.

A large document has tens of thousands of values, of which a handful matter. What tells them is
the name beside them, so that the names of all elements of one shape are looked at together, in a
few passes of the interpreter's own. Whatever is doubtful is a candidate; rules.py decides.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from partnerapi.componentxml.document import CLOSE, OPEN, Document, Shape, decode_attribute
from partnerapi.componentxml.names import (
    ENDINGS,
    PREPOSITIONS,
    SECRETS,
    WHICH,
    Kind,
    kind,
    names_a_header,
    names_authentication,
)
from partnerapi.componentxml.vocabulary import (
    FLAGS,
    HEX,
    MASK_RUN,
    NAMING,
    NAMING_ELEMENTS,
    SETTING_ATTRIBUTES,
    SETTING_NAMES,
    SETTINGS,
    TELLING_ABOVE,
    VALUE_ELEMENTS,
    VALUED,
    last_step,
)

# The last three letters of every name that announces something; shorter ones are looked for whole.
_TAILS = frozenset(
    one.encode()[-3:]
    for one in {*ENDINGS, "remotedirectory", "authentication"}
    if one.isascii() and len(one) >= 3
)
_SHORT = tuple(one.encode() for one in ENDINGS if one.isascii() and len(one) < 3)
# Small letters only; what needs a closer look, as brackets and other scripts do, becomes `&`.
_LETTERS = bytes(
    code + 32 if chr(code).isupper() else ord("&") if chr(code) in "&()" or code > 127 else code
    for code in range(256)
)
_NO_LETTERS = bytes(
    code for code in range(1, 128) if not chr(code).isalpha() and chr(code) not in "&()"
)
# What says which one may stand behind: `passwordProd`.
_WHICH = tuple(one.encode() for one in WHICH)
_WITH_MORE = re.compile(
    "(?:{}|url|host|server|endpoint).".format(
        "|".join(sorted(filter(str.isascii, SECRETS)))
    ).encode()
)
# `Password for SFTP`
_WORDS_APART = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() or not code else ord(" ") for code in range(128)
) + bytes(range(128, 256))
_BETWEEN = tuple(f" {one} ".encode() for one in sorted(PREPOSITIONS))
_PROPERTY_NAME = b"property name"
_LISTS = frozenset({"allowedValues", "allowedValue"})
# So many are looked for one after the other.
_FEW_SHAPES = 4
_FIELDS = frozenset({"field", "properties", "header"})


def masked(document: Document) -> set[int]:
    """The numbers of the elements that may hold one of the platform's masks."""
    known: set[int] | None = document.memory.get("masked")
    if known is not None:
        return known
    found = document.elements_with(MASK_RUN, document.data.translate(HEX))
    for number in document.elements_with(b"&#"):
        # A mask may be spelt with references, too.
        element = document.element(number)
        pieces = (*element.shape.values(element.tag), *_gaps_of(document, number))
        if any(len(piece) >= len(MASK_RUN) and b"&#" in piece for piece in pieces):
            found.add(number)
    document.memory["masked"] = found
    return found


def announced(document: Document) -> set[int]:
    """The numbers of the elements whose own name, or a name beside them, announces a place."""
    known: set[int] | None = document.memory.get("announced")
    if known is None:
        known = document.memory["announced"] = _announced(document)
    return known


def _announced(document: Document) -> set[int]:
    shapes = document.distinct_shapes
    speaking = set(filter(_speaks, shapes))
    valued = {shape for shape in shapes if not VALUED.isdisjoint(shape.local_names)} - speaking
    texts = {shape for shape in shapes if shape.mark == OPEN and shape not in speaking}
    looked_at = speaking | valued | texts
    by_shape: dict[Shape, list[int]] = {shape: [] for shape in looked_at}
    if len(looked_at) <= _FEW_SHAPES:
        by_shape = {shape: list(document.tags_of({shape})) for shape in looked_at}
    else:
        for at, shape in enumerate(document.shapes):
            if shape in looked_at:
                by_shape[shape].append(at)
    tags: set[int] = set()
    for shape in speaking:
        tags.update(by_shape[shape])
    for shape in valued:
        tags.update(_of_values(document, shape, by_shape[shape]))
    inputs = [at for shape in valued if shape.name == "Input" for at in by_shape[shape]]
    tags.update(_beside_property_names(document, inputs))
    statics = [at for shape in valued if shape.name == "staticparameter" for at in by_shape[shape]]
    tags.update(_below_telling(document, statics))
    for shape in texts:
        if shape.name in VALUE_ELEMENTS or _may_be_told(shape):
            tags.update(_of_texts(document, shape, by_shape[shape]))
    found = set(map(document.element_of_tag, tags))
    for number in document.numbers(lambda one: SETTINGS.search(one.name) is not None):
        # The settings of a connection: a URL counts there whatever it is called.
        found.update(range(number, document.after[number]))
    return found


def _speaks(shape: Shape) -> bool:
    """Whether names alone make an element of this shape a candidate."""
    if shape.mark == OPEN and (shape.name == "CertificateData" or kind(shape.name) is not ORDINARY):
        return True
    return any(
        (
            name in SETTING_NAMES
            and any(
                name in names and pattern.fullmatch(shape.name)
                for pattern, names in SETTING_ATTRIBUTES
            )
        )
        or (name not in VALUED and name not in NAMING and kind(name) is not ORDINARY)
        for name in shape.local_names
    )


ORDINARY = Kind.ORDINARY


def _may_be_told(shape: Shape) -> bool:
    """Whether an attribute of the element itself may say what it holds."""
    return any(name in NAMING or name in FLAGS or name == "type" for name in shape.local_names)


def _of_values(document: Document, shape: Shape, tags: list[int]) -> Iterable[int]:
    """Of the tags of one shape, those with a value that something announces."""
    if shape.name in VALUE_ELEMENTS:
        return tags
    found = set(telling(document, shape, tags))
    if shape.name in _FIELDS or "headerName" in shape.local_names:
        for name, column in columns(document, shape, tags):
            if name in VALUED:
                found.update(at for at, value in zip(tags, column, strict=True) if _may_lead(value))
    return found


def _may_lead(value: bytes) -> bool:
    """Whether a value could be a whole URL."""
    return b"//" in value or b":" in value or b"&" in value or b"<" in value


def columns(document: Document, shape: Shape, tags: list[int]) -> Iterator[tuple[str, list[bytes]]]:
    """(local name, raw values) of each attribute of the tags of one shape."""
    count = len(shape.names)
    if not count or not tags:
        return
    every = document.tags
    if 2 * len(tags) > len(every) and tags[-1] - tags[0] == len(tags) - 1:
        # Nearly all of the document is a list of these.
        before = sum(len(one.names) for one in document.shapes[: tags[0]])
        values = document.values[before : before + count * len(tags)]
    elif shape.regular:
        values = b"".join([every[at] for at in tags]).split(b'"')[1::2]
    else:
        values = [value for at in tags for value in shape.values(every[at])]
    for number, name in enumerate(shape.local_names):
        yield name, values[number::count]


def telling(document: Document, shape: Shape, tags: list[int]) -> set[int]:
    """Of the tags of one shape, those with an attribute that says that a value is special."""
    if not _may_be_told(shape):
        return set()
    found: set[int] = set()
    for name, column in columns(document, shape, tags):
        if name in NAMING:
            found.update(tags[number] for number in announcing(column))
        elif name in FLAGS or name == "type":
            special = {value for value in set(column) if _is_special(value)}
            if special:
                found.update(at for at, value in zip(tags, column, strict=True) if value in special)
    return found


def _is_special(value: bytes) -> bool:
    """Whether a type or a flag is that of a secret, or may be."""
    return b"&" in value or value.strip().lower() in (b"password", b"true", b"1", b"yes")


def announcing(names: list[bytes]) -> list[int]:
    """Which of the names, by number, announce a secret, a place on the network or an account."""
    said = b"\0".join(names)
    letters = said.translate(_LETTERS, _NO_LETTERS).split(b"\0")
    doubtful = {
        one
        for one in set(letters)
        if one[-3:] in _TAILS
        or one.endswith(_SHORT)
        or b"&" in one
        or (one.endswith(_WHICH) and _WITH_MORE.search(one))
    }
    apart = said.translate(_WORDS_APART)
    if b" " in apart and any(between in apart for between in _BETWEEN):
        doubtful.update(
            one
            for one, spaced in zip(letters, apart.split(b"\0"), strict=True)
            if any(between in spaced for between in _BETWEEN)
        )
    if not doubtful:
        return []
    known: dict[bytes, bool] = {}
    found = []
    for number, one in enumerate(letters):
        if one in doubtful:
            raw = names[number]
            if raw not in known:
                known[raw] = _announces(decode_attribute(raw))
            if known[raw]:
                found.append(number)
    return found


def _announces(name: str) -> bool:
    last = last_step(name)
    if kind(last) is not ORDINARY or last in SETTING_NAMES:
        return True
    return names_a_header(name) or names_authentication(name)


# --- what stands around a value ---------------------------------------------------------------


def _beside_property_names(document: Document, inputs: list[int]) -> Iterator[int]:
    """The inputs of functions that set a property, whose name is another input's value."""
    if not inputs or _PROPERTY_NAME not in document.data.lower():
        return
    parent_of = document.parent_of
    naming = document.elements_with(_PROPERTY_NAME, document.data.lower())
    parents = {parent_of[number] for number in naming}
    for at in inputs:
        if parent_of[document.element_of_tag(at)] in parents:
            yield at


def _below_telling(document: Document, statics: list[int]) -> Iterator[int]:
    """The static values whose parameter or property is called something."""
    if not statics:
        return
    by_shape: dict[Shape, list[int]] = {}
    for at, shape in enumerate(document.shapes):
        if shape.mark != CLOSE and shape.name in TELLING_ABOVE:
            by_shape.setdefault(shape, []).append(at)
    told = {
        document.element_of_tag(at)
        for shape, tags in by_shape.items()
        for at in telling(document, shape, tags)
    }
    if not told:
        return
    parent_of = document.parent_of
    for at in statics:
        number = document.element_of_tag(at)
        for _ in range(3):
            number = parent_of[number]
            if number in told:
                yield at
                break
            if number < 0:
                break


def _of_texts(document: Document, shape: Shape, tags: list[int]) -> Iterable[int]:
    """Of the tags of one shape, those with a text that something announces."""
    marks, gaps = document.marks, document.gaps
    leaves = [at for at in tags if marks[at + 1] == CLOSE and gaps[at + 1]]
    if not leaves:
        return ()
    if shape.name not in VALUE_ELEMENTS:
        return telling(document, shape, leaves)
    found = {at for at in leaves if _may_lead(gaps[at + 1])}
    found |= telling(document, shape, leaves)
    parent_of = document.parent_of
    owners: dict[int, list[int]] = {}
    for at in leaves:
        number = parent_of[document.element_of_tag(at)]
        while number >= 0 and document.shapes[document.tag_of[number]].name in _LISTS:
            number = parent_of[number]
        owners.setdefault(number, []).append(at)
    for owner in _told_owners(document, owners.keys()):
        found.update(owners[owner])
    return found


def _told_owners(document: Document, owners: Collection[int]) -> set[int]:
    """Of the elements that values stand in, those that a name in or at them announces."""
    tag_of, parent_of = document.tag_of, document.parent_of
    by_shape: dict[Shape, list[int]] = {}
    for owner in owners:
        if owner >= 0:
            by_shape.setdefault(document.shapes[tag_of[owner]], []).append(tag_of[owner])
    told = {
        document.element_of_tag(at)
        for shape, tags in by_shape.items()
        for at in telling(document, shape, tags)
    }
    labels = document.numbers(lambda one: one.name in NAMING_ELEMENTS or one.name == "type")
    labels = [number for number in labels if parent_of[number] in owners]
    texts = [b"".join(_gaps_of(document, number)) for number in labels]
    types = {text for text in set(texts) if _is_special(text) or b"<" in text}
    special = set(announcing(texts))
    for number, (label, text) in enumerate(zip(labels, texts, strict=True)):
        if number in special or text in types:
            told.add(parent_of[label])
    return told


def _gaps_of(document: Document, number: int) -> list[bytes]:
    at = document.tag_of[number]
    if document.marks[at] != OPEN:
        return []
    if document.marks[at + 1] == CLOSE:
        return [document.gaps[at + 1]]
    return [document.gaps[gap] for gap in document.element(number).gaps]
