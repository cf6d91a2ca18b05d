"""Component XML in the shapes that occur in the field, with known things planted in it.

`samples()` is a hypothesis strategy. Every planted word is unique, so that a test can ask what
became of it: secrets and environment values must go, ordinary values must stay, ids are rewritten.
"""

import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st

MASK = "9f" * 64
ROOT_NAMESPACES = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:bns="http://api.platform.boomi.com/"'
)


def component(
    body: str,
    *,
    type: str = "connector-action",
    component_id: str = "0d3f6a52-6b7e-4c1f-9b57-5a1f0c2e9d10",
    name: str = "Fetch orders",
    encrypted: tuple[str, ...] = (),
    after: str = "",
    description: str = "",
    root: str = "",
) -> bytes:
    """A whole document around `body`, as the platform answers it."""
    entries = "".join(f'<bns:encryptedValue path="{path}" isSet="true"/>' for path in encrypted)
    listed = f"<bns:encryptedValues>{entries}</bns:encryptedValues>"
    if not encrypted:
        listed = "<bns:encryptedValues/>"
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<bns:Component {ROOT_NAMESPACES} folderFullPath="Acme Dev/Orders" '
        f'componentId="{component_id}" version="7" name="{name}" type="{type}" '
        'createdDate="2024-03-01T10:00:00Z" createdBy="dev@example.org" '
        'modifiedDate="2024-03-02T10:00:00Z" modifiedBy="dev@example.org" deleted="false" '
        'currentVersion="true" folderName="Orders" folderId="RjoxMjM0NQ" '
        'copiedFromComponentId="3b0c5f5e-93d9-4b52-8d3b-1a0a9c4d7e11" '
        'copiedFromComponentVersion="2" branchName="main" branchId="QjoyMzQ1"'
        f"{root}>{listed}<bns:description>{description}</bns:description>"
        f"<bns:object>{body}</bns:object>{after}</bns:Component>"
    ).encode()


@dataclass
class Sample:
    """A document and what was planted in it."""

    xml: bytes = b""
    gone: list[str] = field(default_factory=list)  # places that are emptied
    reported: list[str] = field(default_factory=list)  # secrets that stop the component
    stays: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


class Planter:
    """Makes unique values and spells them in every way that XML allows."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.sample = Sample()
        self._number = 0

    def _word(self, start: str) -> str:
        self._number += 1
        letters = "".join(self.random.choices(string.ascii_lowercase, k=6))
        return f"{start}{letters}{self._number:03d}"

    def gone(self, shape: str = "{}") -> str:
        """A value whose place must be emptied."""
        word = self._word(self.random.choice(["hunter", "Grüße & <co> ", "q\"uo'te", "x\ny"]))
        self.sample.gone.append(word[-9:])
        return shape.format(word)

    def host(self) -> str:
        """A host of an environment."""
        word = self._word("host-") + ".example.org"
        self.sample.gone.append(word)
        return word

    def reported(self, shape: str) -> str:
        """A secret in a place that cannot be emptied."""
        word = "".join(self.random.choices(string.ascii_letters + string.digits, k=28))
        word = f"q7R{word}x2Z"
        self.sample.reported.append(word)
        return shape.format(word)

    def stays(self, shape: str = "{}") -> str:
        """Ordinary data, whatever it is called."""
        word = self._word(self.random.choice(["keep", "Ü ", "key", "token"]))
        self.sample.stays.append(word)
        return shape.format(word)

    def id(self) -> str:
        """A component's id that is rewritten."""
        made = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.sample.ids.append(made)
        return made

    def attribute(self, name: str, value: str) -> str:
        """`name="value"`, in either kind of quotes and with some characters as references."""
        quote = self.random.choice('"""\'')
        return f"{name}={quote}{self._spell(value, quote)}{quote}"

    def text(self, value: str) -> str:
        """The value as text, sometimes in a CDATA section."""
        if self.random.random() < 0.15 and "]]>" not in value:
            return f"<![CDATA[{value}]]>"
        return self._spell(value, "")

    def _spell(self, value: str, quote: str) -> str:
        entities = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
        if quote:
            entities |= {"\n": "&#10;", '"': "&quot;", quote: "&#39;"}
            entities |= {'"': "&quot;"}
        odd = self.random.random() < 0.15
        spelt = []
        for character in value:
            if character in entities:
                spelt.append(entities[character])
            elif odd and self.random.random() < 0.3:
                code = self.random.choice([f"&#{ord(character)};", f"&#x{ord(character):X};"])
                spelt.append(code)
            else:
                spelt.append(character)
        return "".join(spelt)


# --- shapes, one function each -------------------------------------------------------------


def generic_operation(p: Planter) -> str:
    """Fields, custom properties and headers of a connector's operation."""
    a = p.attribute
    fields = [
        f'<field {a("id", "url")} type="string" {a("value", p.gone("https://{}/v1"))}/>',
        f'<field id="provider_url" type="string" {a("value", p.gone("https://{}"))}/>',
        f'<field id="resource_url" type="string" {a("value", p.stays("/orders/{}"))}/>',
        f'<field id="tenantId" type="string" overrideable="true" {a("value", p.gone())}/>',
        f'<field id="auth_platformApiKey" type="password" {a("value", p.gone())}/>',
        f'<field id="companyId" type="string" {a("value", p.stays())}/>',
        f'<field id="consumerSecret" type="string" {a("value", p.gone())}/>',
        f'<field id="tokenId" type="string" {a("value", p.gone())}/>',
        '<field id="unset" type="password"/>',
        f'<field id="keyField" type="string" {a("value", p.stays())}/>',
        f'<field id="primaryKey" type="string" {a("value", p.stays())}/>',
        f'<field id="tokenizer" type="string" {a("value", p.stays())}/>',
        f'<field id="nextPageToken" type="string" {a("value", p.stays())}/>',
        f'<field id="resourcePath" type="string" {a("value", p.stays("/orders/{}"))}/>',
        '<field id="props" type="customproperties"><customProperties>'
        f'<properties encrypted="true" key="a" {a("value", p.gone())}/>'
        f'<properties encrypted="false" key="X-API-Key" {a("value", p.gone())}/>'
        f'<properties encrypted="false" key="Accept" {a("value", p.stays())}/>'
        f'<properties encrypted="false" key="base" {a("value", p.gone("https://{}"))}/>'
        "</customProperties></field>",
        f'<field id="oauth"><OAuth2Config><credentials {a("clientId", p.gone())} '
        f"{a('clientSecret', p.gone())}/><authorizationTokenEndpoint {a('url', p.gone())}/>"
        f"<scope>{p.text(p.stays())}</scope></OAuth2Config></field>",
    ]
    p.random.shuffle(fields)
    profile = p.attribute("requestProfile", p.id())
    return (
        f'<Operation xmlns=""><Configuration><GenericOperationConfig customOperationType="GET" '
        f'{profile} operationType="EXECUTE">{"".join(fields)}'
        f'<cookie role="request">{p.stays("UEsDBBQACAgIA{}")}</cookie>'
        "</GenericOperationConfig></Configuration></Operation>"
    )


def http_operation(p: Planter) -> str:
    """A send action with headers, literal and variable."""
    a = p.attribute
    return (
        '<Operation xmlns=""><Configuration><HttpSendAction dataContentType="text/xml" '
        f"{a('responseProfile', p.id())} {a('label', p.stays())}><requestHeaders>"
        f'<header headerName="Authorization" {a("headerValue", p.gone())} isVariable="false"/>'
        f'<header headerName="X-Auth-Token" {a("headerValue", p.gone())} isVariable="false"/>'
        f'<header headerName="Host" {a("headerValue", p.host())} isVariable="false"/>'
        f'<header headerName="X-Api-Key" {a("headerValue", p.stays())} isVariable="true"/>'
        f'<header headerName="Accept" {a("headerValue", p.stays())} isVariable="false"/>'
        f'<header headerName="X-Custom" {a("headerValue", p.reported("{}"))} isVariable="false"/>'
        f'</requestHeaders><pathElements><element isVariable="true" name="token"/>'
        "</pathElements></HttpSendAction></Configuration></Operation>"
    )


def settings(p: Planter) -> str:
    """Settings of the older connectors, as they occur inside other components, too."""
    a = p.attribute
    return (
        f'<HttpSettings xmlns="" authenticationType="OAUTH" {a("url", p.gone("https://{}"))}>'
        f"<AuthSettings {a('password', p.gone())} {a('user', p.gone())}/>"
        f"<AwsSettings><credentials><accessKeyId>{p.text(p.gone())}</accessKeyId>"
        f"<awsSecret>{p.text(p.gone())}</awsSecret></credentials></AwsSettings>"
        f'<ProxySettings {a("host", p.gone())} {a("password", p.gone())} port="8080"/>'
        f'<SSLOptions {a("clientsslalias", p.id())} clientauth="true"/>'
        f"<SSHOptions {a('sshkeypath', p.gone('/home/{}/.ssh/id'))}/>"
        f"<Throttle {a('note', p.stays())}/></HttpSettings>"
        f'<DatabaseConnectionSettings xmlns="" {a("host", p.gone())} port="1433" '
        f"{a('urlFormat', p.gone('jdbc:sqlserver://{}'))} {a('dbname', p.gone())} "
        f"{a('username', p.gone())} {a('password', p.gone())} {a('driver', p.stays())}/>"
        f'<DiskSettings xmlns="" {a("directory", p.gone("/data/{}"))}/>'
        f'<FTPGetAction xmlns="" {a("remoteDirectory", p.gone("/in/{}"))} {a("mode", p.stays())}/>'
        f'<MailSendAction xmlns="" {a("from", p.gone("{}@example.org"))} '
        f"{a('subject', p.stays())}/>"
        f'<queueSettings xmlns=""><queueComponentId>{p.id()}</queueComponentId></queueSettings>'
    )


def process_properties(p: Planter) -> str:
    """Process properties: passwords come back in plain text."""

    def one(label: str, kind: str, value: str) -> str:
        key = uuid.UUID(int=p.random.getrandbits(128), version=4)
        return (
            f'<definedProcessProperty key="{key}"><helpText>{p.text(p.stays())}</helpText>'
            f"<label>{label}</label><type>{kind}</type>"
            f"<defaultValue>{p.text(value)}</defaultValue><allowedValues/>"
            "<persisted>false</persisted></definedProcessProperty>"
        )

    properties = [
        one("Anything", "password", p.gone()),
        one("API token", "string", p.gone()),
        one("Service base URL", "string", p.gone("https://{}")),
        one("Session Key", "string", "SESSION_KEY"),
        one("Search endpoint", "string", p.stays("/search/{}?limit=10")),
        one("Where", "string", p.gone("https://{}.example.org")),
        one("Proxy port", "number", "8443"),
        one("Primary key", "string", p.stays()),
        one("Tokenizer", "string", p.stays()),
        one("Token name", "string", p.stays()),
        one("Namespace", "string", p.stays("http://www.w3.org/{}")),
        one("Batch size", "number", p.stays()),
        one("Notes", "string", p.reported("see {} there")),
    ]
    p.random.shuffle(properties)
    return f'<DefinedProcessProperties xmlns="">{"".join(properties)}</DefinedProcessProperties>'


def process(p: Planter) -> str:
    """Shapes of a process: references of every kind, static values, a script, a message."""
    a = p.attribute
    first, second = p.id(), p.id()
    return (
        '<process xmlns="" workload="general"><shapes>'
        '<shape image="connectoraction_icon" name="shape2" shapetype="connectoraction" x="1.0">'
        f"<configuration><connectoraction {a('connectionId', p.id())} "
        f'{a("operationId", p.id())} parameter-profile="EMBEDDED|HttpParameterChooser|{first}"/>'
        "</configuration></shape>"
        '<shape name="shape3" shapetype="documentproperties"><configuration><documentproperties>'
        '<documentproperty defaultValue="" isDynamicCredential="false" name="Dynamic Process '
        'Property - DPP_API_KEY" propertyId="process.DPP_API_KEY" shouldEncrypt="false">'
        '<sourcevalues><parametervalue key="0" valueType="static">'
        f"<staticparameter {a('staticproperty', p.gone())}/></parametervalue></sourcevalues>"
        "</documentproperty>"
        '<documentproperty defaultValue="" isDynamicCredential="true" name="x" '
        'propertyId="process.x"><sourcevalues><parametervalue key="0" valueType="static">'
        f"<staticparameter {a('staticproperty', p.gone())}/></parametervalue></sourcevalues>"
        "</documentproperty>"
        '<documentproperty name="Dynamic Process Property - DPP_PRIMARY_KEY" '
        'propertyId="process.DPP_PRIMARY_KEY"><sourcevalues>'
        '<parametervalue key="0" valueType="static">'
        f"<staticparameter {a('staticproperty', p.stays())}/></parametervalue>"
        '<parametervalue key="1" valueType="definedparameter"><definedprocessparameter '
        f'{a("componentId", p.id())} propertyKey="{uuid.UUID(int=p.random.getrandbits(128))}"/>'
        "</parametervalue></sourcevalues></documentproperty>"
        "</documentproperties></configuration></shape>"
        '<shape name="shape4" shapetype="dataprocess"><configuration><dataprocess>'
        '<step index="1" key="1" name="Custom Scripting" processtype="12">'
        '<dataprocessscript language="groovy2" useCache="true"><script>'
        + p.text(
            p.stays("def {} = 1\n")
            + p.reported('// def token = "{}"\n')
            + p.reported('conn.setRequestProperty("Authorization", "Bearer {}")\r\n')
            + p.reported('def u = "https://svc:{}@host.example.org/a"\n')
            + "String tokenName = 'DPP_TOKEN'\nStringTokenizer t = new StringTokenizer(s, ',')\n"
        )
        + "</script></dataprocessscript></step></dataprocess></configuration></shape>"
        '<shape name="shape5" shapetype="message"><configuration><message combined="false">'
        f"<msgTxt>{p.text(p.stays() + p.reported(' password=A{};'))}</msgTxt>"
        "</message></configuration></shape>"
        f'<shape name="shape6"><configuration><processcall {a("processId", p.id())}/>'
        f'<objectDefinition id="{second}apiStats" propertyId="definedprocess.{p.id()}@KEY" '
        f'processRouteId="resource::rout:{p.id()}"/></configuration></shape>'
        "</shapes></process>"
    )


def profile(p: Planter) -> str:
    """A profile names the elements of data: nothing in it is a secret."""
    rows = "".join(
        f'<XMLElement dataType="character" isMappable="true" key="{number}" '
        f'{p.attribute("name", name)} {p.attribute("password", p.stays())} useNamespace="-1">'
        f"<DataFormat><ProfileCharacterFormat {p.attribute('token', p.stays())}/></DataFormat>"
        "</XMLElement>"
        for number, name in enumerate(["password", "apiKey", "token", "url", p.stays()])
    )
    return (
        f'<XMLProfile xmlns="" modelVersion="2" strict="true"><DataElements>{rows}</DataElements>'
        "</XMLProfile>"
    )


def transform_map(p: Planter) -> str:
    """A map: profiles, functions, constants for elements of the target."""
    a = p.attribute
    return (
        f'<Map xmlns="" {a("fromProfile", p.id())} {a("toProfile", p.id())}><Mappings>'
        f'<Mapping fromKey="3" {a("fromNamePath", p.stays("Root/{}/password"))} '
        'fromType="profile" toKey="5" toType="profile"/></Mappings><Functions>'
        f'<FunctionStep category="userdefined" {a("id", p.id())} key="1" name="f" type="x">'
        f'<Inputs><Input {a("default", p.stays())} key="1" name="Primary key"/>'
        f'<Input {a("default", p.gone())} key="2" name="Client secret"/></Inputs></FunctionStep>'
        "</Functions><Defaults>"
        f'<Default toKey="5" toNamePath="Root/login/password" {a("value", p.gone())}/>'
        f'<Default toKey="6" toNamePath="Root/customer/websiteUrl" {a("value", p.stays())}/>'
        "</Defaults></Map>"
    )


def crossref(p: Planter) -> str:
    """A cross-reference table is data."""
    rows = "".join(
        f'<row><ref index="0" {p.attribute("value", p.stays())}/>'
        f'<ref index="1" value="{uuid.UUID(int=p.random.getrandbits(128))}"/></row>'
        for _ in range(3)
    )
    return f'<CrossReferenceTable xmlns="">{rows}</CrossReferenceTable>'


SHAPES: dict[str, tuple[Callable[[Planter], str], ...]] = {
    "process": (process,),
    "connector-action": (generic_operation, http_operation, settings),
    "processproperty": (process_properties,),
    "transform.map": (transform_map,),
    "profile.xml": (profile,),
    "crossref": (crossref,),
    "new.type": (generic_operation, process, crossref),
}


def make(seed: int, type: str) -> Sample:
    """One sample, always the same for the same seed."""
    planter = Planter(Random(seed))
    body = "".join(shape(planter) for shape in SHAPES[type])
    after = (
        f'<bns:processOverrides><Overrides xmlns=""><Connections><ConnectionOverride '
        f'id="{planter.id()}"><field id="password" label="Password" overrideable="true" '
        'xpath="//AuthSettings/@password"/></ConnectionOverride></Connections></Overrides>'
        "</bns:processOverrides>"
        if type == "process"
        else ""
    )
    description = planter.text(planter.stays("Fetches the token {}"))
    planter.sample.xml = component(body, type=type, after=after, description=description)
    return planter.sample


def samples() -> st.SearchStrategy[Sample]:
    """Samples of every type."""
    return st.builds(make, st.integers(0, 2**32), st.sampled_from(sorted(SHAPES)))
