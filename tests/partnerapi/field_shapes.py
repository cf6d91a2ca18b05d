"""Pairs of a dev component and its production twin in the shapes of the field, and what must be written.

`pairs()` is a hypothesis strategy. Both sides hold rows that their names tell apart; their order, their numbers and
which of them are there differ. What must be written is known to the byte: production's value under the same name,
nothing where production has none, and the dev account's everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from hypothesis import strategies as st

from tests.partnerapi.component_samples import component

Draw = st.DrawFn


@dataclass(frozen=True)
class Kind:
    """A list of rows: `{at}` is a row's number, `{name}` tells it, `{value}` is what it holds."""

    type: str
    around: str
    row: str
    own: dict[str, str]  # names whose value is the environment's, with the value around `{}`
    common: dict[str, str]  # names whose value travels


_HEADERS = {
    "Authorization": "Bearer {}k3y4711",
    "X-API-Key": "{}k3y4711",
    "Cookie": "JSESSIONID={}A4711",
    "X-Auth-Token": "{}t0k3n",
    "X-Session-Id": "{}t0k3n",
    "X-Vault-Token": "{}t0k3n",
    "Ocp-Apim-Subscription-Key": "1f2e3d4c{}",
}
_PLAIN_HEADERS = {
    "Accept": "text/{}",
    "Content-Type": "application/{}+xml",
    "Prefer": "odata.maxpagesize={}",
    "X-Request-Source": "ERP {}",
    "X-CSRF-Token": "Fetch",
    "X-Sort-Key": "{}",
    "Accept-Language": "de-{}",
}


def _list(row: str) -> Kind:
    around = "<GenericOperationConfig><list>{}</list></GenericOperationConfig>"
    return Kind("connector-action", around, row, _HEADERS, _PLAIN_HEADERS)


_PROPERTY = (
    '<documentproperty name="Dynamic Document Property - {name}" propertyId="dynamicdocument.{name}"><sourcevalues>'
    "{value}</sourcevalues></documentproperty>"
)
_PIECE = '<parametervalue key="{}" valueType="static"><staticparameter staticproperty="{}"/></parametervalue>'

_ROW = "<header><name>{name}</name><value>{value}</value></header>"
_DYNAMIC = (
    '<propertyvalue childKey="{name}" key="requestHeaders" name="requestHeaders" valueType="static">'
    '<staticparameter staticproperty="{value}"/></propertyvalue>'
)

KINDS = {
    "headers": Kind(
        "connector-action",
        "<Operation><HttpSendAction><requestHeaders>{}</requestHeaders></HttpSendAction></Operation>",
        '<header headerName="{name}" headerValue="{value}" isVariable="false" key="1000000"/>',
        _HEADERS | {"Host": "{}.example.org"},
        _PLAIN_HEADERS,
    ),
    "custom properties": Kind(
        "connector-action",
        '<GenericOperationConfig><field id="h" type="customproperties"><customProperties>{}</customProperties></field>'
        "</GenericOperationConfig>",
        '<properties encrypted="false" key="{name}" value="{value}"/>',
        _HEADERS,
        _PLAIN_HEADERS,
    ),
    "numbered headers": _list('<requestHeader id="{at}" name="{name}" value="{value}"/>'),
    "parameters": _list('<queryParameter key="{at}" paramName="{name}" value="{value}"/>'),
    "indexed headers": _list('<httpHeader header="{name}" index="{at}" value="{value}"/>'),
    "entries": _list('<entry key="{name}" value="{value}"/>'),
    "rows with elements": _list(_ROW),
    "entries with elements": _list(_ROW.replace("header>", "entry>").replace("name>", "key>")),
    "dynamic properties": Kind(
        "process",
        "<process><dynamicProperties>{}</dynamicProperties></process>",
        _DYNAMIC,
        _HEADERS,
        _PLAIN_HEADERS,
    ),
    "choices": Kind(
        "processproperty",
        '<DefinedProcessProperties><definedProcessProperty key="k"><label>Level</label><type>string</type>'
        "<allowedValues>{}</allowedValues></definedProcessProperty></DefinedProcessProperties>",
        '<allowedValue label="{name}"><value>{value}</value></allowedValue>',
        {},
        {"Low": "low{}", "High": "high{}", "Url": "/v1/{}"},
    ),
    "columns": Kind(
        "crossref",
        '<CrossRefTable><ColumnHeaders><columnHeader index="0" name="Token"/></ColumnHeaders><Rows>{}</Rows>'
        "</CrossRefTable>",
        '<row><ref colIdx="0" value="{value}"/><ref colIdx="1" value="{name}"/></row>',
        {},
        {"AppKey": "CRM{}", "Token": "ORDER{}", "Account Key": "47{}"},
    ),
    "fields": Kind(
        "connector-action",
        "<GenericOperationConfig>{}</GenericOperationConfig>",
        '<field id="{name}" type="string" value="{value}"/>',
        {
            "base_url": "https://{}.example.org/v1",
            "consumerSecret": "{}",
            "clientSecret": "{}",
            "provider_url": "https://{}.example.org",
            "passwort": "{}",
            "passwordProd": "{}",
            "contraseña": "{}",
            "mot de passe": "{}",
            "clave_secreta": "{}k3y",
            "chaveApi": "{}k3y",
            "apiSleutel": "{}k3y",
            "zugriffsschluessel": "{}k3y",
            "privateKeyPem": "{}",
            "remoteDirectory": "/{}/in",
        },
        {
            "companyId": "C{}",
            "tenantId": "T{}",
            "database": "orders_{}",
            "domain": "SALES{}",
            "userId": "u{}",
            "accountId": "a{}",
            "resource_url": "/v1/{}",
            "keyField": "{}",
            "spreadsheetId": "1LakeHeronReedRushAbC2dEf3GhI{}",
            "folder_id": "1aReedRushLakeHeron0123456789{}",
            "recordId": "00112233445566778899aabbcc{}",
        },
    ),
    "overrides": Kind(
        "connector-action",
        "<GenericOperationConfig>{}</GenericOperationConfig>",
        '<field id="{name}" overrideable="true" type="string" value="{value}"/>',
        {"companyId": "C{}", "tenantId": "T{}", "clientId": "c{}", "accountId": "a{}"},
        {"objectType": "Order{}", "batchSize": "5{}"},
    ),
    "connection": Kind(
        "connector-settings",
        "<GenericConnectionConfig>{}</GenericConnectionConfig>",
        '<field id="{name}" type="string" value="{value}"/>',
        {
            "companyId": "C{}",
            "username": "u{}",
            "url": "{}.example.org",
            "tokenSecret": "{}",
            "account": "{}_SB1",
            "bucketName": "{}-invoices",
            "baseurl": "{}.example.org",
            "dbhost": "{}",
            "directory": "/{}/in",
            "audience": "https://{}.example.org",
            "proxyUser": "{}",
            "kennwort": "{}",
            "gebruikersnaam": "{}",
            "instance": "{}",
            "namespace": "{}",
        },
        {
            "apiVersion": "v{}",
            "dateFormat": "yyyy{}",
            "secretName": "erp/{}",
            "tokenEndpointAuthMethod": "post{}",
            "xmlNamespace": "urn:{}",
            "scope": "https://{}.example.org/.default",
        },
    ),
    "properties": Kind(
        "processproperty",
        "<DefinedProcessProperties>{}</DefinedProcessProperties>",
        '<definedProcessProperty key="{name}"><label>{name}</label><type>string</type>'
        "<defaultValue>{value}</defaultValue></definedProcessProperty>",
        {
            "Base URL": "https://{}.example.org",
            "Client secret": "{}",
            "Passwort": "{}",
            "API token": "{}t0k3n",
            "Kennwort DB": "{}",
            "Password for the orders": "{}",
            "Clé API": "{}k3y",
            "Connection string": "Server={};Pwd=x",
            "Contraseña de la base": "{}",
            "Senha do banco": "{}",
            "Wachtwoord voor SFTP": "{}",
        },
        {
            "Batch size": "5{}",
            "Search endpoint": "/search/{}",
            "Primary key": "id{}",
            "Order namespace": "urn:{}",
            "Clave": "id{}",
            "Schlüssel": "id{}",
            "Secret name": "erp-{}",
            "Password rules": "at least {}",
            "Clave primaria": "id{}",
            "Token de la página": "EXPIRED",
        },
    ),
    "defaults": Kind(
        "process",
        "<process><notify>{}</notify></process>",
        '<processparameter processproperty="{name}" processpropertydefaultvalue="{value}"/>',
        {
            "DPP_PASSWORD": "{}",
            "DPP_API_TOKEN": "{}t0k3n",
            "DPP_BASE_URL": "https://{}.example.org",
        },
        {"DPP_LIMIT": "1{}", "DPP_PRIMARY_KEY": "id{}", "DPP_PATH_URL": "/v1/{}"},
    ),
    "look-ups": Kind(
        "transform.map",
        '<Map><Functions><FunctionStep category="Lookup" key="1" name="f" type="CrossRefLookup"><Inputs>{}</Inputs>'
        "</FunctionStep></Functions></Map>",
        '<Input default="{value}" key="{at}" name="{name}"/>',
        {"Client secret": "{}", "Password": "{}"},
        {"AppKey": "CRM{}", "Account Key": "47{}-A", "Token": "ORDER_{}", "Customer": "{}"},
    ),
    "map defaults": Kind(
        "transform.map",
        "<Map><Defaults>{}</Defaults></Map>",
        '<Default toNamePath="Root/{name}" toKey="{at}" value="{value}"/>',
        {},
        {"customer/websiteUrl": "https://{}.example.org", "order/key": "{}", "order/date": "{}"},
    ),
    "composed URLs": Kind(
        "process",
        "<process><documentproperties>{}</documentproperties></process>",
        _PROPERTY,
        {},
        {
            "DDP_PATH": _PIECE.format(0, "/") + _PIECE.format(1, "v{}/orders/"),
            "DDP_QUERY": _PIECE.format(0, "?limit={}") + _PIECE.format(1, "&amp;offset="),
            "DDP_AUTHORIZATION": _PIECE.format(0, "Bearer "),
            "DPP_TOKEN": _PIECE.format(0, "Basic "),
            "DPP_PASSWORD": _PIECE.format(0, "&lt;password&gt;")
            + _PIECE.format(1, "&lt;/password&gt;"),
            "DPP_API_KEY": _PIECE.format(0, "{{&quot;token&quot;:&quot;"),
            "DPP_SECRET": _PIECE.format(0, "where id = {} and token = '") + _PIECE.format(1, "'"),
            "DDP_COOKIE": _PIECE.format(0, "B1SESSION=") + _PIECE.format(1, "; ROUTEID="),
        },
    ),
    "composed hosts": Kind(
        "process",
        "<process><documentproperties>{}</documentproperties></process>",
        _PROPERTY.replace(
            "{value}",
            _PIECE.format(0, "https://")
            + _PIECE.format(1, "{value}")
            + _PIECE.format(2, "/v1/orders"),
        ),
        {
            "DDP_URL": "{}.example.org",
            "DDP_ENDPOINT": "{}.example.com",
            "DDP_HOST": "{}.example.net",
        },
        {},
    ),
    "blobs": Kind(
        "connector-action",
        "<GenericOperationConfig>{}</GenericOperationConfig>",
        '<cookie role="{name}"><value>{value}</value></cookie>',
        {},
        {
            "request": "UEsDBBQACAgIAHReedRush4711LakeHeronXyZ8Qa7PbW6v{}",
            "response": "UEsDBBQACAgIAHHeronLake4711RushReedAbC1dE2fG3hI{}",
        },
    ),
}


@dataclass
class Made:
    """Two twins, the ids that are known, and what must be written."""

    dev: bytes
    production: bytes
    ids: dict[str, str]
    written: bytes
    dev_secrets: list[str] = field(default_factory=list)
    production_secrets: list[str] = field(default_factory=list)


_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda one: f'<map mapId="{one}"/>',
    lambda one: f'<x parameter-profile="EMBEDDED|HttpParameterChooser|{one}"/>',
    lambda one: f'<objectDefinition id="{one}apiStats"/>',
    lambda one: f'<x propertyId="definedprocess.{one}@KEY"/>',
    lambda one: f"<queueComponentId>{one}</queueComponentId>",
    lambda one: f"<note>see {one}, please</note>",
)


def _rows(kind: Kind, values: list[tuple[str, str]]) -> str:
    return kind.around.format(
        "".join(
            kind.row.format(at=at, name=name, value=value)
            for at, (name, value) in enumerate(values)
        )
    )


@st.composite
def pairs(draw: Draw) -> Made:
    """A pair of every kind."""
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    shapes = kind.own | kind.common
    names = st.lists(st.sampled_from(sorted(shapes)), unique=True, min_size=1)
    numbers = iter(range(100, 1000))

    def side(mark: str) -> dict[str, str]:
        return {name: shapes[name].format(f"{mark}{next(numbers)}") for name in draw(names)}

    # The marks are hex digits, and neither is a part of the other.
    dev, production = side("de"), side("fa")
    expected = [
        (name, value if name in kind.common else production.get(name, ""))
        for name, value in dev.items()
    ]
    references = draw(st.lists(st.tuples(st.sampled_from(_SPELLINGS), st.booleans()), max_size=4))
    before = after = theirs = ""
    ids = {}
    for number, (spell, bare) in enumerate(references):
        old, new = str(UUID(int=2**120 + number)), str(UUID(int=2**121 + number))
        ids[old] = new
        shown = (old.replace("-", ""), new.replace("-", "")) if bare else (old, new)
        before, after = before + spell(shown[0]), after + spell(shown[1])
        theirs += spell(shown[1])
    return Made(
        dev=component(_rows(kind, list(dev.items())) + before, type=kind.type),
        production=component(_rows(kind, list(production.items())) + theirs, type=kind.type),
        ids=ids,
        written=component(_rows(kind, expected) + after, type=kind.type),
        dev_secrets=[value for name, value in dev.items() if name in kind.own],
        production_secrets=[value for name, value in production.items() if name in kind.own],
    )


# --- scripts ------------------------------------------------------------------------------------

_WRITTEN_OUT = (
    "def password = '{}'",
    "def passwort = '{}'",
    "def contraseña = '{}'",
    'String motDePasse = "{}"',
    "def password = '${}'",
    "def password = '#{}'",
    "def passphrase = '{} reed rush lake'",
    "def secret = '''\n  {}\n'''",
    'def secret = """{}"""',
    "def seed = '{}'\nmac.init(new SecretKeySpec(seed.bytes, 'HmacSHA256'))",
    "def key = 'BOOMI_TOKEN.bob@example.org:0000{}-1111-4222'",
    "url = 'https://hooks.slack.com/services/T0LAKE000/B0REED000/{}'",
    "sign = hmac.new(b'{}', body, hashlib.sha256)",
    "crypto.createHmac('sha256', '{}').update(body)",
    "'curl -u bob:{} https://lake.example.org'.execute()",
    "CREATE USER reed IDENTIFIED BY {}",
    "ALTER ROLE reed WITH LOGIN PASSWORD '{}'",
    "def auth = 'Basic ' + 'bob:{}'.bytes.encodeBase64()",
    "<wsse:Password>{}</wsse:Password>",
    '{{"client_secret": "{}"}}',
    "def password = /{}/",
    "def password = $/{}/$",
    "def password = \"${{'{}'}}\"",
    "def password = ('{}')",
    "def password = 'it\\'s {}'",
    "def secret = ['h3ron', '{}'].join('')",
    "def (user, password) = ['bob', '{}']",
    "const password = `{}`;",
    "def login = [user: 'bob', password: '{}']",
    "connect(user: 'bob', password: '{}')",
    "props.put('db.password', '{}')",
    "props.put(PASSWORD, '{}')",
    "if ('{}'.equals(password)) next()",
    "if (password.equals('{}')) next()",
    "client.withPassword('{}')",
    "ftp.login('bob', '{}')",
    "jsch.addIdentity('/keys/lake', '{}')",
    "new String(Base64.decoder.decode('{}abc'))",
    "def creds = 'bob:{}'",
    'def body = "{{\\"password\\":\\"{}\\"}}"',
    "curl -H 'X-API-Key: {}' https://lake.example.org",
    "lftp -u bob,{} sftp://lake.example.org",
    "gpg --batch --passphrase {} -d reed.pgp",
    "keytool -storepass {} -keystore reed.jks",
    "zip -P {} reed.zip reed.csv",
    "// the old password was R{}!",
    '<xsl:variable name="password" select="\'{}\'"/>',
    '<entry key="password">{}</entry>',
    "def clave_secreta = '{}'",
    "def chaveSecreta = '{}'",
    "def chiaveSegreta = '{}'",
    "def apiSleutel = '{}'",
    "def zugangsdaten = 'bob:{}'",
    "def passwordProd = '{}'",
    "byte[] key = Keys.hmacShaKeyFor('{}'.bytes)",
    "jwt.signWith(HS256, '{}'.bytes)",
    "Algorithm.HMAC256('{}')",
    "ALTER LOGIN reed WITH PASSWORD = N'{}'",
    "sqlplus bob/{}@lake",
    "openssl pkcs12 -passin pass:{} -in reed.p12",
    "def password = new StringBuilder('{}').toString()",
    "String getPassword() {{ return '{}' }}",
    '{{"name": "password", "value": "{}"}}',
    '<password value="{}"/>',
    "['password', '{}']",
    "'${{user}}:{}'.bytes.encodeBase64()",
    "https://lake.example.org/integration/orders/{}AbCdEfGhIjKlMn0123456789",
)
_HARMLESS = (
    "if (status == 'PASS1') next()",
    "def token = 'EXPIRED42'",
    "def license_key = 'ABC12345'",
    "def password = 'secret/data/orders/lake'",
    "def apiKey = ExecutionUtil.getDynamicProcessProperty('DPP_API_KEY')",
    "def checksum = '0f343b0931126a20f133d67c2b018a3b5e1d5f3c2a1b0c9d8e7f6a5b4c3d2e1f'",
    "def file = '00112233445566778899aabbccddeeff'",
    "headers['Authorization'] = 'Bearer ' + token",
    "throw new Exception('Password is missing or wrong')",
    "def tokens = line.tokenize(',')",
    "SELECT token, password FROM users WHERE id = :id",
    "def name = 'customsearch_orders_by_day_2024_v2'",
    "def signature = hmac(URLEncoder.encode(tokenSecret, 'UTF-8'))",
    "header = 'OAuth oauth_token=\"' + tokenId + '\", oauth_version=\"1.0\"'",
    "url = 'https://lake.example.org/orders?token=' + token + '&limit=100'",
    'xml = "<password>" + pass + "</password>"',
    "def kinds = ['secret', 'public', 'private']",
    '{"grant_type":"password", "username":"{1}", "password":"{2}"}',
    "def clave = 'ORDER-42'",
    "def chaveAcesso = '35200114200166000187550010000000046550010000'",
    "def cle = client + '_' + commande",
    "def schluessel = 'Kunde1'",
    "def pem = '-----BEGIN PUBLIC KEY-----MIIBLakeHeronReed0RushAbC2dEf3GhI4jKl5-----END PUBLIC KEY-----'",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7LakeHeronReed0RushAbC2dEf3GhI bob@lake",
    "Set the password policy to Level3Strict before the release",
    "logger.info('Password for user ' + user + ' changed')",
    "-pass-through --token-limit 5000x --password-file /etc/lake/erp.txt",
    "if (page == 'login') redirect('login', 'home')",
    "openapi: 3.0.0\npassword:\n  type: string\n  format: password",
    "def passwordRule = ~/^(?=.*[A-Z]).{8,}$/",
    "line = line.replaceAll('password=[^&]*', 'password=***')",
    "props.getProperty('password', '')",
    'sql = "UPDATE users SET password = \'" + hash + "\' WHERE id = 5"',
    "pem = text.replace('-----BEGIN PRIVATE KEY-----', '')",
    "String getToken() { return token }",
    '{"name": "password", "value": "{1}"}',
    "def schema = 'eyJ0eXBlIjoib2JqZWN0IiwicHJvcGVydGllcyI6eyJpZCI6eyJ0eXBlIjoic3RyaW5nIn19fQ=='",
)


@dataclass(frozen=True)
class Script:
    """A script's lines, and the secrets that are written out in it."""

    text: str
    secrets: tuple[str, ...]


@st.composite
def scripts(draw: Draw) -> Script:
    """Harmless lines, with or without one that gives a secret away."""
    lines = draw(st.lists(st.sampled_from(_HARMLESS), min_size=1, max_size=6))
    found = []
    for line in draw(st.lists(st.sampled_from(_WRITTEN_OUT), max_size=3, unique=True)):
        secret = f"h3ron{draw(st.integers(1000, 9999))}pond"
        found.append(secret)
        lines.insert(draw(st.integers(0, len(lines))), line.format(secret))
    return Script("\n".join(lines), tuple(found))
