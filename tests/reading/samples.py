"""Component XML for the tests of what people read: processes of any size, maps, profiles and the rest."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape, quoteattr

NAMESPACES = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:bns="http://api.platform.boomi.com/"'


def document(content: str, type_: str, name: str = "Sample", *, beside: str = "") -> bytes:
    """A whole component."""
    return (
        f"<bns:Component {NAMESPACES} name={quoteattr(name)} type={quoteattr(type_)} version='3'>"
        f"<bns:encryptedValues/><bns:description></bns:description><bns:object>{content}</bns:object>"
        f"{beside}</bns:Component>"
    ).encode()


def uid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Box:
    """A shape to be written; ``ways`` are (meaning, target)."""

    name: str
    kind: str
    configuration: str
    at: tuple[float, float]
    label: str = ""
    ways: tuple[tuple[str, str], ...] = field(default=())

    def xml(self) -> str:
        points = "".join(
            f'<dragpoint name="{self.name}.dragpoint{n}" toShape={quoteattr(target)} x="{self.at[0] + 150:.1f}"'
            f' y="{self.at[1]:.1f}"'
            + (
                f" identifier={quoteattr(meaning)} text={quoteattr(meaning.title())}"
                if meaning
                else ""
            )
            + "/>"
            for n, (meaning, target) in enumerate(self.ways, 1)
        )
        return (
            f'<shape image="{self.kind}_icon" name="{self.name}" shapetype="{self.kind}"'
            f' userlabel={quoteattr(self.label)} x="{self.at[0]}" y="{self.at[1]}">'
            f"<configuration>{self.configuration}</configuration>"
            f"<dragpoints>{points}</dragpoints></shape>"
        )


def process(boxes: Sequence[Box], *, name: str = "Order import", overrides: str = "") -> bytes:
    """A process of these shapes."""
    return document(
        '<process xmlns="" allowSimultaneous="false" workload="general"><shapes>'
        + "".join(box.xml() for box in boxes)
        + "</shapes></process>",
        "process",
        name,
        beside=f"<bns:processOverrides>{overrides}</bns:processOverrides>",
    )


def message(text: str) -> str:
    return f'<message combined="false"><msgTxt>{escape(text)}</msgTxt></message>'


def small() -> list[Box]:
    """A start, a call, a message, a map and a stop, in one line."""
    return [
        Box("shape1", "start", "<noaction/>", (96, 96), ways=(("", "shape2"),)),
        Box(
            "shape2",
            "connectoraction",
            f'<connectoraction actionType="Get" connectorType="http" connectionId="{uid(1)}" operationId="{uid(2)}"/>',
            (272, 96),
            ways=(("", "shape3"),),
        ),
        Box("shape3", "message", message("Received {1}"), (448, 96), "Ack", (("", "shape4"),)),
        Box("shape4", "map", f'<map mapId="{uid(3)}"/>', (624, 96), ways=(("", "shape5"),)),
        Box("shape5", "stop", '<stop continue="true"/>', (800, 96)),
    ]


WORDS = (
    "read",
    "write",
    "check",
    "send",
    "load",
    "find",
    "enrich",
    "route",
    "log",
    "split",
    "merge",
    "order",
)


def large(size: int, seed: int = 1) -> list[Box]:
    """A process with branches, decisions and tries, as wide and deep as people draw them."""
    dice = random.Random(seed)
    boxes: list[Box] = []
    left = size

    def label() -> str:
        return " ".join(dice.choice(WORDS) for _ in range(dice.randint(1, 4))).capitalize()

    def chain(x: float, y: float, length: int, depth: int) -> tuple[str, float]:
        """The first shape's name, and the lowest y that was used."""
        nonlocal left
        number = len(boxes) + 1
        name = f"shape{number}"
        at = (x + dice.uniform(-6, 6), y + dice.uniform(-12, 12))
        boxes.append(Box(name, "stop", "<stop/>", at))
        left -= 1
        if length <= 0 or left <= 0:
            return name, y
        kind = dice.choice(
            ["message", "documentproperties", "dataprocess", "map", "connectoraction", "notify"]
            + (["decision", "branch", "catcherrors"] if depth < 4 else [])
        )
        if kind in ("decision", "branch", "catcherrors"):
            meanings = {
                "decision": ["true", "false"],
                "catcherrors": ["try", "catch"],
                "branch": [str(n) for n in range(1, dice.randint(3, 5))],
            }[kind]
            ways, lowest = [], y
            for meaning in meanings:
                if left <= 0:
                    ways.append((meaning, "unset"))
                    continue
                below = lowest if not ways else lowest + 128
                first, lowest = chain(x + 176, below, length - 1, depth + 1)
                ways.append((meaning, first))
            boxes[number - 1] = Box(name, kind, f"<{kind}/>", at, label(), tuple(ways))
            return name, lowest
        first, lowest = chain(x + 176, y, length - 1, depth)
        texts = {
            "message": message(label()),
            "map": f'<map mapId="{uid(number)}"/>',
            "connectoraction": f'<connectoraction actionType="Send" connectorType="http" operationId="{uid(number)}"/>',
        }
        boxes[number - 1] = Box(
            name,
            kind,
            texts.get(kind, f"<{kind}/>"),
            at,
            dice.choice(["", label()]),
            (("", first),),
        )
        return name, lowest

    first, lowest = chain(272, 96, 14, 0)
    while left > 1:
        # Further branches hang on the first shape.
        more, lowest = chain(448, lowest + 128, 12, 1)
        boxes[0] = replace(
            boxes[0], kind="branch", ways=(*boxes[0].ways, (str(len(boxes[0].ways) + 1), more))
        )
    start = Box("shape0", "start", "<noaction/>", (96, 96), ways=(("", first),))
    return [start, *boxes]


def map_of(mappings: Sequence[dict[str, str]], functions: str = "", defaults: str = "") -> bytes:
    rows = "".join(
        "<Mapping" + "".join(f" {key}={quoteattr(value)}" for key, value in row.items()) + "/>"
        for row in mappings
    )
    return document(
        f'<Map xmlns="" fromProfile="{uid(5)}" toProfile="{uid(6)}"><Mappings>{rows}</Mappings>'
        f"<Functions>{functions}</Functions><Defaults>{defaults}</Defaults></Map>",
        "transform.map",
        "Order to invoice",
    )


def mapping(source: str, target: str, key: int, **more: str) -> dict[str, str]:
    return {
        "fromKey": str(key),
        "fromNamePath": f"Order/{source}",
        "fromType": "profile",
        "toKey": str(key + 100),
        "toKeyPath": f"*[@key='1']/*[@key='{key + 100}']",
        "toNamePath": f"Invoice/{target}",
        "toType": "profile",
        **more,
    }


def profile(elements: str, name: str = "Order") -> bytes:
    return document(
        '<XMLProfile xmlns="" modelVersion="2" strict="true"><DataElements>'
        f'<XMLElement dataType="character" key="1" minOccurs="1" name="Order">{elements}</XMLElement>'
        "</DataElements><Namespaces/></XMLProfile>",
        "profile.xml",
        name,
    )


def element(name: str, key: int, type_: str = "character", least: int = 0, inner: str = "") -> str:
    return (
        f'<XMLElement dataType="{type_}" isMappable="true" key="{key}" maxOccurs="1" minOccurs="{least}"'
        f' name="{name}"><DataFormat><ProfileCharacterFormat/></DataFormat>{inner}</XMLElement>'
    )


def changed(xml: bytes, old: str, new: str) -> bytes:
    """The document with one text put for another, which must be there once or more."""
    text = xml.decode()
    found = re.subn(re.escape(old), lambda _: new, text, count=1)
    if not found[1]:
        raise ValueError(old)
    return found[0].encode()


def changed_process() -> tuple[bytes, bytes]:
    """A process that gains a decision with a way out, and whose message says something else."""
    old = small()
    new = [
        old[0],
        replace(old[1], ways=(("", "shape9"),)),
        replace(old[2], at=(624, 96), configuration=message("Received {1}\nThank you")),
        replace(old[3], at=(800, 96)),
        replace(old[4], at=(976, 96)),
        Box(
            "shape9",
            "decision",
            '<decision comparison="equals" name="Is it open?"/>',
            (448, 96),
            "Is it open?",
            (("true", "shape3"), ("false", "shape8")),
        ),
        Box("shape8", "stop", '<stop continue="false"/>', (624, 220)),
    ]
    return process(old), process(new)


def changed_map() -> tuple[bytes, bytes]:
    """A map that gains a field and takes another from elsewhere."""
    before = [mapping("id", "number", 3), mapping("total", "amount", 4)]
    after = [
        before[0],
        {**before[1], "fromNamePath": "Order/gross"},
        mapping("currency", "currency", 7),
    ]
    return map_of(before), map_of(after)


def changed_profile() -> tuple[bytes, bytes]:
    """A profile with an element that came, one that went, one retyped and one that is mandatory now."""
    before = element("id", 2) + element("total", 3) + element("zip", 4)
    after = element("id", 2, least=1) + element("total", 3, "number") + element("country", 5)
    return profile(before), profile(after)
