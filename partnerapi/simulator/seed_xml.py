"""Builders of component XML in the shapes that exports have, for tests that make components."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from partnerapi.simulator.documents import attribute


def attrs(**values: object) -> str:
    """Attributes in the given order; two underscores in a name stand for a hyphen."""
    parts = []
    for name, value in values.items():
        if value is None:
            continue
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        parts.append(f' {name.replace("__", "-")}="{attribute(text)}"')
    return "".join(parts)


# Processes


@dataclass(frozen=True)
class Shape:
    """One shape of a process: its kind, its configuration, and what the canvas calls it."""

    kind: str
    configuration: str
    label: str = ""


def start() -> Shape:
    return Shape("start", "<noaction/>")


def stop() -> Shape:
    return Shape("stop", '<stop continue="true"/>')


def note(text: str) -> Shape:
    return Shape("message", f'<message combined="false"><msgTxt>{escape(text)}</msgTxt></message>')


def connector(
    connection: str, operation: str, *, kind: str, action: str = "Send", chooser: str = ""
) -> Shape:
    """A connector shape; a chooser embeds the operation's id inside a longer value."""
    profile = f"EMBEDDED|{chooser}|{operation}" if chooser else None
    settings = attrs(
        actionType=action,
        allowDynamicCredentials="NONE",
        connectionId=connection,
        connectorType=kind,
        hideSettings=False,
        operationId=operation,
        parameter__profile=profile,
    )
    return Shape(
        "connectoraction",
        f"<connectoraction{settings}><parameters/><dynamicProperties/></connectoraction>",
    )


def map_shape(map_id: str) -> Shape:
    return Shape("map", f"<map{attrs(mapId=map_id)}/>")


def call(process_id: str, *, wait: bool = True) -> Shape:
    settings = attrs(abort=True, processId=process_id, wait=wait)
    return Shape("processcall", f"<processcall{settings}><parameters/><returnpaths/></processcall>")


def script_shape(script_id: str) -> Shape:
    return Shape(
        "dataprocess",
        '<dataprocess><step index="1" key="1" name="Custom Scripting" processtype="12">'
        f'<dataprocessscript{attrs(componentId=script_id)} useCache="true"/></step></dataprocess>',
    )


def decision(profile_id: str, name: str) -> Shape:
    return Shape(
        "decision",
        f'<decision comparison="equals"{attrs(name=name)}>'
        f'<decisionvalue key="0" valueType="profile"><profileelement elementId="3"'
        f' elementName="status (Order/status)"{attrs(profileId=profile_id)}'
        ' profileType="profile.xml"/></decisionvalue>'
        '<decisionvalue key="1" valueType="static"><staticparameter staticproperty="OPEN"/>'
        "</decisionvalue></decision>",
    )


def process(shapes: Sequence[Shape]) -> str:
    """A process whose shapes follow one another in a line."""
    rows = []
    for number, shape in enumerate(shapes, 1):
        place = attrs(
            image=f"{shape.kind}_icon",
            name=f"shape{number}",
            shapetype=shape.kind,
            userlabel=shape.label,
            x=f"{96 + 160 * (number - 1)}.0",
            y="96.0",
        )
        points = ""
        if number < len(shapes):
            point = attrs(
                name=f"shape{number}.dragpoint1", toShape=f"shape{number + 1}", x="0.0", y="0.0"
            )
            points = f"<dragpoint{point}/>"
        rows.append(
            f"<shape{place}><configuration>{shape.configuration}</configuration>"
            + (f"<dragpoints>{points}</dragpoints></shape>" if points else "<dragpoints/></shape>")
        )
    settings = attrs(
        allowSimultaneous=False,
        enableUserLog=False,
        processLogOnErrorOnly=False,
        purgeDataImmediately=False,
        updateRunDates=True,
        workload="general",
    )
    return f'<process xmlns=""{settings}><shapes>{"".join(rows)}</shapes></process>'


# Other components


def json_profile(fields: Sequence[str]) -> str:
    entries = "".join(
        f"<JSONObjectEntry{attrs(dataType='character', isMappable=True, isNode=True, key=key)}"
        f"{attrs(name=name)}>"
        "<DataFormat><ProfileCharacterFormat/></DataFormat></JSONObjectEntry>"
        for key, name in enumerate(fields, 3)
    )
    return (
        '<JSONProfile xmlns="" strict="false"><DataElements><JSONRootValue dataType="character"'
        ' isMappable="true" isNode="true" key="1" name="Root"><DataFormat>'
        "<ProfileCharacterFormat/></DataFormat>"
        f'<JSONObject isMappable="false" isNode="true" key="2" name="Object">{entries}</JSONObject>'
        "</JSONRootValue></DataElements><tagLists/></JSONProfile>"
    )


def processing_script(text: str, language: str = "groovy2") -> str:
    return (
        f'<ProcessingScript xmlns=""{attrs(language=language)} useCache="true">'
        f"<script>{escape(text, {chr(13): '&#xD;'})}</script></ProcessingScript>"
    )
