"""Well-formed XML as nobody writes it: what the quick ways through a document must not get wrong."""

from __future__ import annotations

from xml.sax.saxutils import escape

from hypothesis import strategies as st

from tests.partnerapi.component_samples import MASK, component

NAMES = st.sampled_from(
    [
        "a",
        "field",
        "header",
        "Input",
        "value",
        "properties",
        "staticparameter",
        "defaultValue",
        "HttpSettings",
        "apiKey",
        "note",
        "label",
    ]
)
ATTRIBUTES = st.sampled_from(
    [
        "id",
        "name",
        "key",
        "value",
        "type",
        "headerName",
        "headerValue",
        "default",
        "password",
        "url",
        "encrypted",
        "processproperty",
        "staticproperty",
        "p:x",
    ]
)
WORDS = st.sampled_from(
    [
        *(
            "",
            " ",
            "x",
            "a > b",
            "it's",
            'say "no"',
            "a\tb",
            "a\nb",
            "ü",
            "&",
            "<",
            "=",
            "/>",
            "  two  blanks ",
        ),
        *(
            "password",
            "Authorization",
            "Property Name",
            "DPP_PASSWORD",
            "base_url",
            "true",
            "string",
            "in 1",
        ),
        *(
            "https://lake.example.org",
            "swordfish",
            "Bearer k3y4711lake",
            "/v1/orders",
            "?limit=100",
            MASK,
        ),
        *(
            "AKIAABCDEFGHIJKLMNOP",
            "password='swordfish'",
            "q7RkV2mPz8LwXc4Tn9BsYd1Hf6",
            "Basic YTpi",
        ),
        *(
            "11111111-1111-4111-8111-111111111111",
            "EMBEDDED|x|11111111-1111-4111-8111-111111111111",
        ),
    ]
)
_GAPS = st.sampled_from([" ", "  ", "\n", " \t "])


def _spelt(draw: st.DrawFn, value: str, quote: str) -> str:
    how = draw(st.integers(0, 5))
    if how == 0 and value:
        return "".join(f"&#x{ord(one):X};" for one in value)
    value = value.replace("&", "&amp;").replace("<", "&lt;")
    if quote:
        value = (
            value.replace(quote, f"&#{ord(quote)};").replace("\n", "&#10;").replace("\t", "&#9;")
        )
        return value if how == 1 else value.replace(">", "&gt;")
    return value.replace(">", "&gt;")


def _tag(draw: st.DrawFn, name: str) -> str:
    said = ""
    for attribute in draw(st.lists(ATTRIBUTES, unique=True, max_size=4)):
        quote = draw(st.sampled_from('"""\''))
        around = draw(st.sampled_from(["", "", "", " "]))
        said += f"{draw(_GAPS)}{attribute}{around}={around}{quote}{_spelt(draw, draw(WORDS), quote)}{quote}"
    return f"{name}{said}{draw(st.sampled_from(['', '', ' ']))}"


def _element(draw: st.DrawFn, depth: int) -> str:
    name = draw(NAMES)
    inside = ""
    for _ in range(draw(st.integers(0, 3 if depth < 3 else 0))):
        kind = draw(st.integers(0, 6))
        if kind == 0:
            inside += f"<!-- {draw(st.sampled_from(['note', 'a > b', '<x/>', chr(34)]))} -->"
        elif kind == 1:
            inside += f"<![CDATA[{draw(WORDS)}]]>"
        elif kind == 2:
            inside += _spelt(draw, draw(WORDS), "")
        else:
            inside += _element(draw, depth + 1)
    if not inside and draw(st.booleans()):
        return f"<{_tag(draw, name)}/>"
    return f"<{_tag(draw, name)}>{inside or escape(draw(WORDS))}</{name}{draw(st.sampled_from(['', ' ']))}>"


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A component of any type around elements of any kind."""
    body = "".join(_element(draw, 0) for _ in range(draw(st.integers(1, 4))))
    type = draw(
        st.sampled_from(["process", "connector-settings", "profile.xml", "processproperty"])
    )
    return component(f'<b xmlns:p="urn:p">{body}</b>', type=type)
