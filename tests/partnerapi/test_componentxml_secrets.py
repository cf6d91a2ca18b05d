"""What looks like a secret stops a component; what only sounds like one does not."""

import secrets as randomness
import uuid
from random import Random

import pytest

from partnerapi.componentxml.names import Kind, kind
from partnerapi.componentxml.secrets import looks_random
from tests.partnerapi.component_samples import MASK, component
from tests.partnerapi.in_bytes import strip

# The same in each process of a parallel run, for they are part of the tests' names.
UUIDS = [uuid.UUID(int=Random(seed).getrandbits(128), version=4) for seed in range(3)]

SUSPICIOUS = [
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    "https://svc:hunter2@host.example.org/x",
    "sftp://:1234@host",
    "jdbc:oracle:thin:scott/tiger@//db:1521/x",
    "jdbc:sqlserver://db;user=sa;password=h4nter;encrypt=true",
    "conn.setRequestProperty('Authorization', 'Bearer abcdefgh12345678')",
    "Basic dXNlcjpodW50ZXIy",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "// def token = 'abc12345'",
    'def apiKey="tok-12345-x"',
    '{"password": "hunter"}',
    "'{'\"client_secret\":\"a1b2c3d4\"'}'",
    'props.put("token", "password", "hunter22")',
    'json.put("password", "swordfish")',
    'def password = """swordfish"""',
    "<wsse:Password Type='x'>h4nter</wsse:Password>",
    "https://x.example.org/a?api_key=abcd1234&b=c",
    "https://x.blob.example.org/a?sv=1&sig=abcd1234EFGH",
    "Endpoint=sb://x/;SharedAccessKey=abcd1234=",
    'new SecretKeySpec("0123456789abcdef".bytes, "AES")',
    'setHeader("Authorization", "ApiKey 12345abcde")',
    "x = 'wQ4lrXUtnFEMIK7MDENGbPxRfiCYsAMpLEvHY9'",
    'String auth = "Basic " + "bob:swordfish".bytes.encodeBase64()',
    'def token = "abc" + "Zt7kQ9wLm3xR8vB2"',
    'def password = System.getenv("P") ?: "swordfish"',
    'def password = env == "prod" ? "x" : "swordfish"',
    'def pw = "swordfish"',
    'Sql.newInstance("jdbc:mysql://db:3306/x", "sa", "swordfish")',
    'new PasswordAuthentication("bob", "swordfish".toCharArray())',
    'keys.load(stream, "swordfish".toCharArray())',
    "user: bob\npassword: Zt7kQ9wLm3xR8vB2\n",
    "GOCSPX-4eC39HqLyjWDarjtT1zdp7dc",
    MASK,
    '"BOOMI_TOKEN.bob@example.org:0f1e2d3c-4b5a-4968-8776-a5b4c3d2e1f0"',
    "def password = '$3cret-Sommer'",
    "def password = '#Winter2031'",
    "def password = '@dm1n-Herbst'",
    "def passphrase = 'correct horse battery staple'",
    "[password: 'correct horse battery staple']",
    "def password = '''swordfish'''",
    'def password = """\nswordfish\n"""',
    "def password =\n    'swordfish'",
    "def password = $/sword'fish/$",
    "def k = 'aVeryPlainWordAsKey'\nmac.init(new SecretKeySpec(k.getBytes('UTF-8'), 'HmacSHA256'))",
    'String signWith = "lowercasewords"\nAlgorithm.HMAC256(signWith)',
    "https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/abcdefghijklmnop",
    "https://acme.webhook.office.com/webhookb2/0f1e2d3c-4b5a-4968@8776/IncomingWebhook/abcdef",
    "https://discord.com/api/webhooks/123456789012345678/abcdef-ghijkl_mnop",
    "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=abcdefghij&token=klmnopqrst",
    "Basic YTpi",
    'CREATE USER app IDENTIFIED BY "swordfish"',
    "alter user app identified by swordfish",
    "def auth = 'c3dvcmRmaXNo'.decodeBase64()",
    "Base64.getDecoder().decode('c3dvcmRmaXNo')",
    "def passwort = 'Seezunge'",
    "String contraseña = 'pezespada'",
    "def motDePasse = 'espadon'",
    'def mot_de_passe = "espadon"',
    "def senha = 'espadarte'",
    "def wachtwoord = 'zwaardvis'",
    "def пароль = 'ryba-mech'",
]

HARMLESS = [
    "def token = getToken()",
    "StringTokenizer tokenizer = new StringTokenizer(line, ',')",
    "def keyField = 'customerNumber2'",
    "String passwordProperty = 'DPP_PASSWORD'",
    "def password = ExecutionUtil.getDynamicProcessProperty('DPP_PASSWORD')",
    "setHeader('Authorization', 'Bearer ' + token)",
    '{"token": "{1}", "password": "${pw}"}',
    "SELECT password FROM users WHERE password = ?",
    "select a.password from a join b on a.password=b.password",
    "basic authentication is used; bearer tokens are not",
    "https://host.example.org:8443/a@b",
    "mailto:someone@example.org",
    "-----BEGIN CERTIFICATE-----",
    "Sql.newInstance(url, user, password)",
    'Sql.newInstance(url, user, "#{password}")',
    'def letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".toCharArray()',
    'def token = parts.size() > 1 ? parts[1] : ""',
    'def password = props["p"] ?: "DPP_PASSWORD"',
    'def tokenType = old ? "bearer1234" : "basic1234"',
    "password: {1}",
    "token: see the note below",
    "2024-03-01T10:00:00.000Z",
    "com.example.integration.orders.CustomerOrderTransformer2",
    "getCustomerOrderStatusByCustomerNumberV2",
    "SALES_ORDER_LINE_ITEM_2024_03_FINAL_VERSION",
    "https://host.example.org/api/v1/customers/orders/2024/items",
    str(UUIDS[1]),
    "EMBEDDED|HttpParameterChooser|" + str(UUIDS[2]),
    "pageToken=abc123def456",
    'def tokenType = "bearer1234"',
    "Enter your password: 'then press return'",
    UUIDS[0].hex,
    "def checksum = '" + "5e884898da28047151d0e56f8dc62927" * 2 + "'",
    "def sheetId = '1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upmQ'",
    "https://docs.example.com/spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upmQ/edit",
    "def folder_id = '0B7_FHkVqLxk5UWpXZ2lQdnR3bUU9aBcD'",
    "customsearch_acme_so_hdr_v2_3a_x9_7b_2024",
    "def codes = ['PASS1', 'PASS2', 'FAIL1']",
    "def pass = check() ? 'PASS1' : 'FAIL1'",
    "license_key = 'ABC12345'",
    "def password = vault.read('secret/data/orders/prod')",
    "def password = 'secret/data/orders/prod#password'",
    "def token = 'kv/integration/orders'",
    "token=EXPIRED42",
    "def password = '${DPP_PASSWORD}'",
    'def password = "$password"',
    "def passwordMessage = 'Your password has expired'",
    "def password = ask('Please enter the password')",
    "body.decodeBase64()",
    "def key = map.keySet()\nmac.init(spec)",
]


@pytest.mark.parametrize("text", SUSPICIOUS)
def test_a_secret_in_a_script_a_message_or_a_comment_stops_the_component(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    for body, path in [
        (f"<script>\n{escaped}\n</script>", "/object/script/text()"),
        (f"<msgTxt>{escaped}</msgTxt>", "/object/msgTxt/text()"),
        (f'<a><field id="x" value="{escaped}"/></a>', '/object/a/field[@id="x"]/@value'),
    ]:
        stripped = strip(component(body))
        places = [finding.path for finding in stripped.findings]
        places += [place.path for place in stripped.places]
        assert set(places) == {path}
    if "--" not in text:
        stripped = strip(component(f"<!-- {text} -->"))
        assert {finding.path for finding in stripped.findings} == {"/object/comment()"}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_sounds_like_a_secret_does_not(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    data = component(f"<script>{escaped}</script><a><msgTxt>{escaped}</msgTxt></a>")
    assert strip(data).findings == ()
    assert strip(data).xml == data


def test_spelling_hides_nothing():
    for body in (
        "<script>-----BEGIN PRIVATE&#32;KEY-----</script>",
        "<script>-----BEGIN <![CDATA[PRIVATE]]> KEY-----</script>",
        "<x a='-----BEGIN PRI&#x56;ATE KEY-----'/>",
        "<XMLProfile><x>-----BEGIN PRIVATE KEY-----</x></XMLProfile>",
    ):
        assert [one.rule for one in strip(component(body)).findings] == ["private-key"]
    in_root = component("<x/>", name="-----BEGIN PRIVATE KEY-----")
    assert [one.path for one in strip(in_root).findings] == ["/@name"]
    described = component("<x/>", description="password=h4nter2")
    assert [one.path for one in strip(described).findings] == ["/description/text()"]


def test_a_value_full_of_secrets_is_one_finding():
    data = component("<script>" + "password='hunter2'\n" * 5000 + "</script>")
    assert len(strip(data).findings) == 1


def test_another_private_key_is_another_finding():
    body = "<script>-----BEGIN PRIVATE KEY-----{}-----END PRIVATE KEY-----</script>"
    first, second = (strip(component(body.format(key))).findings for key in ("abc", "abd"))
    assert first[0].fingerprint != second[0].fingerprint


@pytest.mark.parametrize("make", [lambda: randomness.token_hex(16), lambda: uuid.uuid4().hex])
def test_random_hex_is_recognised(make):
    assert sum(looks_random(make()) for _ in range(2000)) > 1950


def test_random_base64_is_recognised():
    made = [randomness.token_urlsafe(24) for _ in range(2000)]
    assert sum(map(looks_random, made)) > 1950


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("password", Kind.SECRET),
        ("userPassword2", Kind.SECRET),
        ("DB_PASSWORD", Kind.SECRET),
        ("dbpassword", Kind.SECRET),
        ("X-API-Key", Kind.SECRET),
        ("apikey", Kind.SECRET),
        ("clientSecret", Kind.SECRET),
        ("OAuth refresh token", Kind.SECRET),
        ("awsSecretAccessKey", Kind.SECRET),
        ("process.DPP_TOKEN", Kind.SECRET),
        ("password (Root/login/password)", Kind.SECRET),
        ("usePassword", Kind.ORDINARY),
        ("passwordField", Kind.ORDINARY),
        ("tokenType", Kind.ORDINARY),
        ("tokenizer", Kind.ORDINARY),
        ("keyField", Kind.ORDINARY),
        ("primaryKey", Kind.ORDINARY),
        ("key", Kind.ORDINARY),
        ("nextPageToken", Kind.ORDINARY),
        ("secretary", Kind.ORDINARY),
        ("boarding pass", Kind.ORDINARY),
        ("airport", Kind.ORDINARY),
        ("report", Kind.ORDINARY),
        ("namespaceUrl", Kind.ORDINARY),
        ("", Kind.ORDINARY),
        ("provider_url", Kind.NETWORK),
        ("HTTPSProxyHost", Kind.NETWORK),
        ("companyId", Kind.ACCOUNT),
    ],
)
def test_a_name_counts_by_how_it_ends(name, expected):
    assert kind(name) is expected
