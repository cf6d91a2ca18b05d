"""The rules as a table with an example of each, from which docs/decisions/0003 is made.

What becomes of an example is not written down here: `table` strips it and says what happened.
"""

from typing import NamedTuple

from partnerapi.componentxml import rules
from partnerapi.componentxml.document import Document
from partnerapi.componentxml.strip import strip

_HEAD = (
    '<bns:Component xmlns:bns="http://api.platform.boomi.com/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" type="{}" name="Example">'
    "<bns:encryptedValues>{}</bns:encryptedValues><bns:object>{}</bns:object></bns:Component>"
)
_MASKED = "9f" * 64


class Rule(NamedTuple):
    """One line of the table: where, called what, of which type or value, and an example."""

    place: str
    name: str
    type: str
    example: str
    component: str = "connector-action"
    encrypted: str = ""  # a path of encryptedValues


RULES = (
    Rule(
        "anything that the platform lists in `encryptedValues`, in dev or in production",
        "any",
        "any",
        '<AuthSettings code="x1"/>',
        encrypted="//AuthSettings/@code",
    ),
    Rule("any value", "any", "128 hex digits, the mask", f'<shape note="{_MASKED}"/>'),
    Rule(
        "field, or another value with a type beside it",
        "any",
        "`password`",
        '<field id="code" type="password" value="x1"/>',
    ),
    Rule(
        "process property: `defaultValue`, `value`, `allowedValue`",
        "any",
        "`password`",
        "<definedProcessProperty><label>Code</label><type>password</type>"
        "<defaultValue>x1</defaultValue></definedProcessProperty>",
        "processproperty",
    ),
    Rule(
        "value with `encrypted`, `shouldEncrypt`, `isDynamicCredential` true",
        "any",
        "any",
        '<properties encrypted="true" key="code" value="x1"/>',
    ),
    Rule(
        "attribute, text, or value with its name beside it",
        "ends as a secret's: password, secret, passwort, contraseña, …",
        "any but what glues values together",
        '<field id="clientSecret" type="string" value="x1"/>',
    ),
    Rule(
        "the same",
        "a secret's, and behind it which one, or its form: `DPP_PASSWORD_PROD`, `password for …`",
        "any but what glues values together",
        '<field id="passwordProd" type="string" value="x1"/>',
    ),
    Rule(
        "process property that a shape sets (`processproperty` and its default)",
        "ends as a secret's",
        "any but what glues values together",
        '<parameter processproperty="DPP_PASSWORD" processpropertydefaultvalue="swordfish"/>',
        "process",
    ),
    Rule(
        "the same, outside connections",
        "says key or token: API key, token, session key, …",
        "anything but words",
        '<field id="apiKey" type="string" value="k3y-4711-x"/>',
    ),
    Rule(
        "the same, outside connections",
        "says key or token",
        "words: the name of a key",
        '<field id="apiKey" type="string" value="Consumer Key"/>',
    ),
    Rule(
        "input of a map function or look-up",
        "says key or token",
        "anything but a long random string",
        '<FunctionStep><Inputs><Input key="1" name="AppKey" default="CRM01"/></Inputs></FunctionStep>',
        "transform.map",
    ),
    Rule(
        "part of a composed value, outside connections",
        "any",
        "a separator, a scheme, a relative path, parameters",
        '<documentproperty propertyId="process.DPP_PASSWORD"><sourcevalues>'
        '<parametervalue valueType="static"><staticparameter staticproperty="Basic "/>'
        "</parametervalue></sourcevalues></documentproperty>",
        "process",
    ),
    Rule(
        "header or custom property",
        "Authorization, Cookie, …",
        "a literal",
        '<header headerName="Authorization" headerValue="Bearer x1" isVariable="false"/>',
    ),
    Rule(
        "the same as rows of elements, or set by a shape (`dynamicProperties`)",
        "Authorization, Cookie, …",
        "a literal",
        "<header><name>Authorization</name><value>Bearer x1</value></header>",
    ),
    Rule(
        "process property",
        "labelled Authorization, …",
        "`Bearer …`, `Basic …`, `user:password` in base64",
        "<definedProcessProperty><label>Authorization</label><defaultValue>Basic Ym9iOnBvbmQ=</defaultValue>"
        "</definedProcessProperty>",
        "processproperty",
    ),
    Rule(
        "header or custom property",
        "any",
        "`isVariable`",
        '<header headerName="Authorization" headerValue="auth" isVariable="true"/>',
    ),
    Rule(
        "`CertificateData`",
        "any",
        "unless its `Type` is public",
        "<CertificateModel><CertificateData>x1</CertificateData></CertificateModel>",
        "certificate",
    ),
    Rule(
        "`DiskSettings`, mail elements, transfers",
        "directory, remoteDirectory; from, to, cc, bcc",
        "any",
        '<FTPGetAction remoteDirectory="/in/orders"/>',
    ),
    Rule(
        "connection",
        "ends as a place on the network: url, host, server, endpoint, …",
        "any; a port must be a number",
        '<HttpSettings url="api.example.org"/>',
        "connector-settings",
    ),
    Rule(
        "connection",
        "any but a namespace, a SOAP action or a scope",
        "a whole URL",
        '<HttpSettings audience="https://api.example.org"/>',
        "connector-settings",
    ),
    Rule(
        "outside connections",
        "ends as a place on the network",
        "a whole URL, or what looks like a host",
        '<field id="base_url" type="string" value="https://api.example.org/v1"/>',
    ),
    Rule(
        "outside connections",
        "ends as a place on the network",
        "a relative path",
        '<field id="base_url" type="string" value="/v1/orders"/>',
    ),
    Rule(
        "connection",
        "user, company, client, tenant, account, database, instance, bucket, directory, …",
        "any",
        '<AuthSettings user="bob"/>',
        "connector-settings",
    ),
    Rule(
        "field of an operation that is declared as an override",
        "company, client, tenant, database, …",
        "any",
        '<field id="companyId" type="string" overrideable="true" value="C1"/>',
    ),
    Rule(
        "field of an operation",
        "company, client, tenant, database, …",
        "any but `password`",
        '<field id="companyId" type="string" value="C1"/>',
    ),
    Rule(
        "field, custom property, default of a process property",
        "any but a namespace or SOAP action",
        "a whole URL that is no vocabulary",
        '<field id="target" type="string" value="https://api.example.org/v1"/>',
    ),
    Rule(
        "profile (a type `profile.*`, or `XMLProfile` and the like inside)",
        "any",
        "any but a mask",
        '<XMLProfile><XMLElement name="password" password="x1"/></XMLProfile>',
        "profile.xml",
    ),
    Rule(
        "cell of a cross reference table",
        "header says key, token or URL",
        "any but a token's form",
        '<CrossRefTable><ColumnHeaders><columnHeader index="0" name="AppKey"/></ColumnHeaders>'
        '<Rows><row><ref colIdx="0" value="CRM01"/></row></Rows></CrossRefTable>',
        "crossref",
    ),
    Rule(
        "cell of a cross reference table",
        "header says password or secret",
        "letters and digits",
        '<CrossRefTable><ColumnHeaders><columnHeader index="0" name="Password"/></ColumnHeaders>'
        '<Rows><row><ref colIdx="0" value="r33d4711"/></row></Rows></CrossRefTable>',
        "crossref",
    ),
    Rule(
        "map default, connector parameter for an element of a profile",
        "a place on the network",
        "any",
        '<Default toKey="1" toNamePath="Root/customer/url" value="https://shop.example.org"/>',
        "transform.map",
    ),
    Rule(
        "script, message, SQL, comment, any other value",
        "a secret's name, a key's block, a token's form",
        "a literal that is the secret itself",
        "<script>def password = 'swordfish'</script>",
        "script.processing",
    ),
    Rule(
        "script, message, SQL, any other value",
        "a secret's name",
        "a variable, a reference, a constant such as `PASS1`, a path of a vault",
        "<script>def password = 'secret/data/orders/prod'</script>",
        "script.processing",
    ),
    Rule(
        "value, text, connection",
        "any but an id, a sheet, a folder, a search, a checksum",
        "a long random string",
        '<field id="code" type="string" value="q7RkV2mPz8LwXc4Tn9BsYd1Hf6"/>',
    ),
    Rule(
        "value, text",
        "an id, a sheet, a folder, a search, a checksum",
        "a long random string",
        '<field id="spreadsheetId" type="string" value="q7RkV2mPz8LwXc4Tn9BsYd1Hf6"/>',
    ),
    Rule(
        "value, text",
        "any",
        "a public key or certificate",
        '<field id="code" type="string" value="ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7q7RkV2mPz8L"/>',
    ),
    Rule(
        "saved blob of a connector (`cookie`)",
        "any",
        "any but a mask",
        '<cookie role="request"><value>UEsDBBQACAgIAq7RkV2mPz8LwXc4Tn9BsYd1Hf6</value></cookie>',
    ),
)


def outcome(rule: Rule) -> tuple[str, str]:
    """What becomes of a rule's example (emptied, kept or blocked), and by which rule."""
    entries = (
        f'<bns:encryptedValue path="{rule.encrypted}" isSet="true"/>' if rule.encrypted else ""
    )
    body = rule.example
    if rule.component == "connector-action":
        body = f"<GenericOperationConfig>{body}</GenericOperationConfig>"
    document = Document.parse(_HEAD.format(rule.component, entries, body).encode())
    done = strip(document)
    if done.findings:
        return "blocked", done.findings[0].rule
    if not done.places:
        return "kept", ""
    place = done.places[0]
    return ("kept" if place.rule in rules.LEFT_RULES else "emptied"), place.rule


def table() -> str:
    """The rule book as a table in Markdown."""
    lines = [
        "| place | name | type or value | outcome | rule | example |",
        "|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        became, by = outcome(rule)
        example = rule.example.replace(_MASKED, "9f9f…9f").replace("|", "\\|")
        lines.append(
            f"| {rule.place} | {rule.name} | {rule.type} | **{became}** | "
            f"{f'`{by}`' if by else ''} | `{example}` |"
        )
    return "\n".join(lines) + "\n"
