"""What still looks like a secret, wherever it stands.

The rules of rules.py go by context and empty. These go by the value and stop: a component with a
private key in a script cannot be repaired by a machine, so a person is told where it is.
"""

import base64
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from partnerapi.componentxml.names import Kind, kind, name_set, names_a_key, words

MESSAGES = {
    "private-key": "A private key stands here; remove it and use a certificate component.",
    "url-password": "A URL with a user and a password stands here; remove the credentials.",
    "authorization": "An authorization header's value stands here; read it from a connection.",
    "known-token": "A token of a well-known service stands here; remove it.",
    "assigned-secret": "A password, token or key is written out here; use a process property.",
    "random-string": "A long random string stands here, which may be a key; remove or accept it.",
    "masked-value": "A masked secret stands where none is expected; remove it.",
    "webhook": "The address of a chat's or a flow's webhook stands here, which is its own password.",
    "uncertain-place": (
        "Production has a value in one of several places that nothing tells apart; this one "
        "would be emptied. Give the rows names, or set the value in production afterwards."
    ),
    "encrypted-path": "The platform lists an encrypted value by a path that is not understood.",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A piece of a value that looks like a secret; `start` is where it stands."""

    rule: str
    found: str
    start: int


# A value with more pieces than this is one finding as a whole.
_MANY = 100
# Enough of a long string to tell whether it is random.
_TELLING_LENGTH = 4_000

# One cheap look decides for nearly every value that there is nothing to look for: what is found
# below holds one of these, in small letters.
TRIGGERS = (
    name_set(
        """
    putty-user-key bearer basic eyj akia asia ghp_ gho_ ghu_ ghs_ ghr_ github_pat xox sk_ rk_ aiza
    glpat sg. pass pwd pw secret token jwt otp key credential auth sig= oracle:thin tochararray
    newinstance getconnection gocspx identified decode atob boomi_token hmac webhook hooks. /bot
    kennwort geheimnis contrase senha wachtwoord lösenord losenord adgangskode salasana hasło haslo
    heslo parola jelsz парол סיסמה 密码 密碼 パスワード 비밀번호 motdepasse mot_de_passe mot-de-passe
    şifre sifre lozinka geslo contrasenya parool slapta katasandi matkhau palavrapasse palavra-passe
    sk- npm_ dapi shpat_ dop_v1_ hf_ ya29. glptt- pypi- xapp- lin_api_ hook curl wget sshpass encodebase64
    btoa /robot/send pat- clave chave chiave sleutel schluessel schlüssel schlussel geheim zugang segre
    jeton toegang clé cleapi cle_ login logon signin addidentity integration
    incoming trigger creds lftp ncftp mysql mariadb sqlplus pswd signwith
    """
    )
    | {"zip -p", "sftp -u", "ftp -u"}
    | {"private key", "mot de passe", "mật khẩu", "palavra passe"}
)
# What needs no sign beside it: tokens of well-known services.
BARE_TRIGGERS = name_set(
    "eyj akia asia ghp_ gho_ ghu_ ghs_ ghr_ github_pat xox sk_ rk_ aiza glpat sg. gocspx hooks. webhook /bot "
    "sk- npm_ dapi shpat_ dop_v1_ hf_ ya29. glptt- pypi- xapp- lin_api_ pat- hook integration incoming trigger"
)


def may_hold(text: str) -> bool:
    """Whether there is any reason to look closer."""
    small = text.lower()
    for trigger in TRIGGERS:
        if trigger in small:
            return True
    return "://" in small and "@" in small


# Repetitions are bounded, or cannot begin inside themselves: a document may be 25 MB of bait.
# The key itself is part of what is found, so that another key is another finding.
_PRIVATE_KEY = re.compile(
    r"(?:-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d"
    r"|BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY)(?!-{0,5}[\"']\s{0,9}[,;)])(?:(?!-----END)[\s\S]){0,8000}"
)
_URL_PASSWORD = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s/?#@:\"'<>]{0,200}:([^\s/?#@\"'<>]{1,200})@"
    r"|oracle:thin:[^\s/@]{1,200}/([^\s@]{1,200})@",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(
    r"\b(?:bearer\s{1,9}(?=[\w._~+/=-]{8})|token\s{1,9}(?=[\w._~+/=-]{16}))([A-Za-z0-9._~+/=-]{8,4000})"
    r"|\bbasic\s{1,9}([A-Za-z0-9+/]{4,400}={0,2})",
    re.IGNORECASE,
)
# "Basic " + "user:password", as scripts put it together.
_PUT_TOGETHER = re.compile(
    r"""["'](?:basic|bearer)\s{1,3}["']\s{0,9}\+\s{0,9}\(?\s{0,9}["']([^"'\n]{4,400})["']""",
    re.IGNORECASE,
)
# Calls whose last argument is a password: a JDBC connection, a log-in, a key store.
_LOG_IN = re.compile(
    r"""\b(?:newInstance|getConnection|\w{0,40}PasswordAuthentication|UsernamePasswordCredentials"""
    r"""|withCredentials|basicAuth|login|logon|signIn|addIdentity|auth\.basic)\s{0,9}\((?:[^()\n"']|"[^"\n]{0,400}"|'[^'\n]{0,400}'){0,40}?"""
    r""",\s{0,20}["']([^"'\n]{4,400})["'](?:\.toCharArray\(\))?\s{0,20}[,)]"""
    r"""|,\s{0,20}["']([^"'\n]{4,400})["']\.toCharArray\(\)"""
)
# password = ask() ?: "literal",  password = test ? "one" : "other",  token = "one" + "other"
_ASSIGNMENT = re.compile(r"(?<![\w.-])([\w.-]{1,200}+)\s{0,9}=(?![=~])(?=([^\n;]{0,400}))")
_OPERAND = re.compile(r"""[?:|+]\s{0,9}(?:"([^"\n]{1,400})"|'([^'\n]{1,400})')""")
# password: literal, as in YAML and in lists of properties.
_YAML = re.compile(
    r"""(?:^|[\s{,"'])([\w.-]{1,200}+):\s{1,9}([^\s;,&"'<>(){}]{8,400})(?=["'\s]|$)"""
)
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,99}"
    r"|\bxox[abposr]-[A-Za-z0-9-]{10,200}|\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|\bBOOMI_TOKEN\.[^\s:\"'<>]{1,200}:[A-Za-z0-9-]{8,100}"
    r"|\bsk-(?:proj-|ant-|live-|svcacct-)?[A-Za-z0-9_-]{20,200}|\bnpm_[A-Za-z0-9]{30,60}|\bdapi[0-9a-f]{32}\b"
    r"|\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b|\bdop_v1_[0-9a-f]{40,80}|\bhf_[A-Za-z0-9]{30,60}|\bya29\.[\w-]{20,400}"
    r"|\bglptt-[\w-]{20,99}|\bpypi-[\w-]{40,400}|\bxapp-[\w-]{20,200}|\blin_api_[A-Za-z0-9]{30,60}"
    r"|\bpat-(?:na|eu)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\bGOCSPX-[A-Za-z0-9_-]{20,60}|\bAIza[A-Za-z0-9_-]{30,60}|\bSG\.[A-Za-z0-9_-]{16,99}\.[A-Za-z0-9_-]{16,99}"
)
# Whoever knows such an address may write: it is a credential.
_WEBHOOK = re.compile(
    r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9_/-]{8,200}"
    r"|[a-z0-9.-]{0,80}webhook\.office\.com/webhookb2?/[A-Za-z0-9@_/-]{8,400}"
    r"|outlook\.office(?:365)?\.com/webhook/[A-Za-z0-9@_/-]{8,400}"
    r"|discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{5,30}/[\w-]{8,200}"
    r"|chat\.googleapis\.com/v1/spaces/[\w-]{1,80}/messages\?[\w=&%.-]{0,100}key=[\w=&%.-]{8,300}"
    r"|api\.telegram\.org/bot\d{5,20}:[\w-]{20,100}"
    r"|hooks\.zapier\.com/hooks/catch/[\w/-]{4,200}"
    r"|hook\.[a-z0-9.]{0,40}make\.com/[a-z0-9]{16,80}"
    r"|webexapis\.com/v1/webhooks/incoming/[\w-]{20,200}"
    r"|oapi\.dingtalk\.com/robot/send\?access_token=[\w-]{20,200}"
    r"|open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/[\w-]{20,80}"
    r"|://[a-z0-9.-]{1,80}(?::\d{1,5})?/(?:[\w.-]{1,60}/){0,4}(?:webhooks?|hooks?|incoming|integrations?|triggers?)"
    r"/(?:[\w.-]{1,60}/){0,4}(?=[\w-]{0,80}\d)(?=[\w-]{0,80}[a-z])[\w-]{24,200}",
    re.IGNORECASE,
)
# CREATE USER bob IDENTIFIED BY "swordfish"
_IDENTIFIED = re.compile(
    r"""\bidentified\s{1,9}by\s{1,9}(?:values\s{1,9})?(?:password\s{1,9})?"""
    r"""(?:"([^"\n]{1,200})"|'([^'\n]{1,200})'|([^\s;,"'()]{4,200}))""",
    re.IGNORECASE,
)
# ALTER ROLE bob WITH LOGIN PASSWORD 'swordfish'
_SQL_PASSWORD = re.compile(
    r"""\b(?:role|user|login|with)\b[^;\n'"]{0,200}?\bpassword\s{1,9}'([^'\n]{4,200})'""",
    re.IGNORECASE,
)
# curl -u bob:swordfish https://…,  sshpass -p swordfish
_COMMAND_LINE = re.compile(
    r"""\b(?:curl|wget|http)\b[^\n]{0,300}?\s(?:-u|--user|--proxy-user)[\s=]{1,3}["']?[^\s"':]{1,100}:([^\s"']{4,200})"""
    r"""|\bsshpass\s{1,9}-p\s{0,3}["']?([^\s"']{4,200})"""
    r"""|\b(?:lftp|ncftp\w{0,4}|sftp|ftp)\b[^\n]{0,200}?\s-u\s{1,3}["']?[^\s"',]{1,100},([^\s"']{4,200})"""
    r"""|\b(?:mysql\w{0,8}|mariadb)\b[^\n]{0,200}?\s-p([^\s"']{4,200})|\bzip\b[^\n]{0,100}?\s-P\s{1,3}([^\s"']{4,200})"""
    r"""|\bsqlplus\s{1,9}[^\s/@]{1,80}/([^\s@/]{4,200})@"""
)
# --passphrase swordfish, -storepass swordfish, -pass pass:swordfish
_OPTION = re.compile(
    r"""(?<![\w-])--?([A-Za-z][\w-]{1,40}+)(?:\s{1,3}|=)["']?((?:pass:)?[^\s"'-][^\s"']{3,200})"""
)
# user bob, password Sw0rdfish, as people write it down
_WRITTEN_DOWN = re.compile(
    r"""\b(password|passwd|passphrase|passwort|kennwort|pwd|pass|pw|contrase\u00f1a|contrasena|mot\sde\spasse|senha"""
    r"""|wachtwoord|secret)\s{1,3}(?:(?:is|was|ist|war|lautet|est|es|:|->)\s{1,3})?([^\s"'<>(){};,]{8,100})""",
    re.IGNORECASE,
)
# <xsl:variable name="password" select="'swordfish'"/>, <entry key="password">swordfish</entry>
_NAMED_VALUE = re.compile(
    r"""\b(?:name|key|id|property)=["']([\w .-]{1,100})["'](?:\s{1,9}[\w:.-]{1,40}=["'][^"'<>\n]{0,100}["']){0,5}"""
    r"""(?:\s{1,9}(?:value|select|default|content)=(?:"'?([^"'\n]{4,400})'?"|'"?([^"'\n]{4,400})"?')|[^<>"']{0,40}>([^<>]{4,400})</)"""
)
# {"name": "password", "value": "swordfish"}, <password value="swordfish"/>
_NAMED_MEMBER = re.compile(
    r"""["'](?:name|key|id|field|property)["']\s{0,9}:\s{0,9}["']([\w .-]{1,100})["']\s{0,9},\s{0,9}"""
    r"""["'](?:value|default|content)["']\s{0,9}:\s{0,9}["']([^"'\n]{4,400})["']"""
    r"""|<([A-Za-z_][\w.:-]{0,200}+)\s{1,9}(?:value|text)=["']([^"'\n<>]{4,400})["']"""
)
# String getPassword() { return "swordfish" }
_RETURNED = re.compile(
    r"""(?<![\w.])([A-Za-z_]\w{0,100})\s{0,9}\([^()\n]{0,100}\)\s{0,9}\{\s{0,40}(?:return\s{1,9})?["']([^"'\n]{4,400})["']\s{0,9};?\s{0,40}\}"""
)
# password.equals("swordfish"), "swordfish" == password
_COMPARED = re.compile(
    r"""(?<![\w.-])([\w.-]{1,200}?)\.(?:equals|equalsIgnoreCase|contentEquals|concat)\(\s{0,9}(?:"([^"\n]{4,400})"|'([^'\n]{4,400})')"""
)
_COMPARED_BACK = re.compile(
    r"""(?:"([^"\n]{4,400})"|'([^'\n]{4,400})')\s{0,9}(?:===?|\.equals(?:IgnoreCase)?\()\s{0,9}([\w.-]{1,200})"""
)
# password = ['s', 'w', 'o', …], new String([115, 119, 111, …])
_IN_PIECES = re.compile(
    r"""(?<![\w.-])([\w.-]{1,200}+)(?:\[\])?\s{0,9}=\s{0,9}[^;\n]{0,80}?[\[({]"""
    r"""((?:\s{0,9}(?:'[^'\n]{1,40}'|"[^"\n]{1,40}"|(?:\(byte\)\s?)?(?:0[xX][0-9a-fA-F]{1,2}|-?\d{1,3}))\s{0,9}[,\])}]){2,400})"""
)
_CODE = re.compile(r"0[xX][0-9a-fA-F]{1,2}|-?\d{1,3}")
# (user, password) = ["bob", "swordfish"]
_ITEM = (
    r"""\s{0,9}+(?:"[^"\n]{0,200}"\s{0,9}|'[^'\n]{0,200}'\s{0,9}|[^"'\],\s][^"'\],\n]{0,100}+)"""
)
_SEVERAL = re.compile(
    rf"\(([\w\s,]{{1,300}})\)\s{{0,9}}=\s{{0,9}}\[({_ITEM}(?:,{_ITEM}){{0,19}})\]"
)
# 'bob:swordfish'.bytes.encodeBase64(),  btoa("bob:swordfish")
_ENCODED = re.compile(
    r"""["']((?:[^"'\n:$]{1,80}|\$\{?\w{1,80}\}?):[^"'\n$]{4,200})["']\s{0,9}\.\s{0,9}(?:bytes|getBytes\([^()\n]{0,40}\))\s{0,9}\.\s{0,9}encodeBase64"""
    r"""|\b(?:btoa|b64encode|encodeToString|encodeBase64(?:String)?)\(\s{0,9}b?["']([^"'\n:$]{1,80}:[^"'\n$]{4,200})["']"""
)
# mot de passe : "swordfish", pass phrase = 'swordfish'
_SEVERAL_WORDS = re.compile(
    r"""\b(mots?\sde\spasse|palavra[\s-]passe|m\u1eadt\skh\u1ea9u|pass\sphrase|client\ssecret|access\stoken|api\skey"""
    r"""|secret\skey)["']?\s{0,4}[:=]\s{0,9}(?:"([^"\n]{4,400})"|'([^'\n]{4,400})'|([^\s"'<>;,]{4,400}))""",
    re.IGNORECASE,
)
# createHmac("sha256", "swordfish"), hmac.new(b"swordfish", …), HmacSHA256(body, "swordfish")
_HMAC = re.compile(
    r"""(?:createHmac|hmac\.new|hmacShaKeyFor|signWith|\bHMAC\d{3}|\bHmac(?:SHA|MD)\d{1,3}|HmacUtils|hash_hmac)\s{0,9}\("""
    r"""((?:[^()\n"']|"[^"\n]{0,400}"|'[^'\n]{0,400}'){0,60})"""
)
_LITERAL = re.compile(r""""([^"\n]{4,400})"|'([^'\n]{4,400})'""")
_ALGORITHM = re.compile(
    r"(?:hmac)?[-_]?(?:sha|md)[-_]?\d{1,3}(?:/\d{3})?|utf-?8|hex|base64", re.IGNORECASE
)
# "c3dvcmRmaXNo".decodeBase64(), Base64.getDecoder().decode("c3dvcmRmaXNo")
_DECODED = re.compile(
    r"""["']([A-Za-z0-9+/_-]{6,400}={0,2})["']\s{0,9}\.\s{0,9}(?:decodeBase64(?:Url)?\(\)|bytes\s{0,9}\.decodeBase64)"""
    r"""|(?:decodeBase64|get\w{0,10}Decoder\(\)\s{0,9}\.decode|\bdecoder\.decode|parseBase64Binary|\batob|b64decode|FromBase64String)"""
    r"""\(\s{0,9}["']([A-Za-z0-9+/_-]{6,400}={0,2})["']"""
)
# new SecretKeySpec(key.bytes, "AES"), Algorithm.HMAC256(key): what the variable holds is the key.
_KEY_VARIABLE = re.compile(
    r"(?:SecretKeySpec|PBEKeySpec|DESKeySpec|DESedeKeySpec|HMAC\d{3}|hmac_?sha\d{1,3}(?:_?hex)?|HmacUtils"
    r"|\b[Mm]ac\.init|signWith)\s{0,9}\(\s{0,9}(?:new\s{1,9}SecretKeySpec\(\s{0,9})?"
    r"(?:HmacAlgorithms\.\w{1,40}\s{0,9},\s{0,9})?\(?([A-Za-z_]\w{0,80})\b"
    r"|(?:CryptoJS\.Hmac\w{1,20}|createHmac|hash_hmac)\s{0,9}\([^()\n]{1,200},\s{0,9}([A-Za-z_]\w{0,80})\s{0,9}\)",
    re.IGNORECASE,
)
_SET_VARIABLE = re.compile(
    r"""(?<![\w.])([A-Za-z_]\w{0,80})\s{0,9}=\s{0,9}(?:"{1,3}([^"\n]{4,400})"|'{1,3}([^'\n]{4,400})')"""
)
# name = '''literal''', name = """literal""", $/literal/$, over several lines.
_LONG_STRING = re.compile(
    r"""(?<![\w.-])([\w.-]{1,200}+)\s{0,9}[=:]\s{0,20}"""
    r"""(?:\"{3}\s{0,200}([^"]{1,2000}?)\s{0,200}\"{3}|'{3}\s{0,200}([^']{1,2000}?)\s{0,200}'{3}"""
    r"""|\$/\s{0,200}((?:(?!/\$)[\s\S]){1,2000}?)\s{0,200}/\$)"""
)
# name =\n  "literal", and the lines that are added to it.
_NEXT_LINE = re.compile(
    r"""(?<![\w.-])([\w.-]{1,200}+)\s{0,9}=\s{0,9}(?:\\\s{0,9})?\n\s{0,200}(?:"([^"\n]{1,400})"|'([^'\n]{1,400})')"""
)
# name = "literal", "name": "literal", name, "literal", .name("literal"), <name>literal<
# The literal is looked ahead at, because it may itself be the name of the next.
_ASSIGNED = re.compile(
    r"""(?<![\w.-])([\w.-]{1,200}+)(?=["'\])\s]{0,4}(?:=>|:=|==|[=:,(>]|<-)\s{0,20}"""
    r"""(?:new\s{1,9}String\w{0,10}\s{0,9}\(\s{0,9}|\(?\w{1,40}\)\s{0,9}|\(\s{0,9})?[bBrRuUfFN]{0,2}"""
    r"""(?:"{1,3}((?:[^"\\\n]|\\.){1,400})"|'{1,3}((?:[^'\\\n]|\\.){1,400})'))"""
)
# A key is made from the literal that stands in the brackets.
_MAKES_A_KEY = re.compile(r"(?:SecretKeySpec|PBEKeySpec|DESKeySpec)$", re.IGNORECASE)
_TAKES = re.compile(r"^(?:\w+\.|\.)?(?:with|use|using)(?=[A-Z_])")
# What stands between the end of one string and the beginning of the next.
_BETWEEN_STRINGS = re.compile(r"""["']?\s{0,9}[+.][\s\S]{0,400}[+.]\s{0,9}["']?$""")
# Too short for the name of a field, where it may be a unit.
_SHORT_PASSWORD = re.compile(r"(?:^|[_.-])pw$|Pw$")
# "${'swordfish'}"
_QUOTED_INSIDE = re.compile(r"""^\$\{\s{0,9}(["'])([^"'\n{}]{4,400})\1\s{0,9}\}$""")
_HEADER = re.compile(r"(?:authorization|cookie)$", re.IGNORECASE)
_ELEMENT = re.compile(r"<([A-Za-z_][\w.:-]{0,200}+)(?:\s[^<>]*)?>([^<>]{4,400})</")
# Password=…;  ?api_key=…&  sig=…
_PARAMETER = re.compile(
    r"""(?:^|[\s;?&"'{,])([\w.-]{1,200}+)\s?=\s?([^\s;&"'<>(){}]{4,400})""", re.MULTILINE
)
_SIGNATURE = frozenset({"sig", "signature"})
_STANDS_FOR_SOMETHING_ELSE = re.compile(
    r"[?{<*]|[$#@%]\{|[$#@%]\w*\{|\$[A-Za-z_.]+$|%[A-Za-z_]{1,80}%?$|%%|:[A-Za-z_]\w*$|@[A-Za-z_]+$"
    r"|\$\(|\*{3}|x{4}|\.\.\.|definedprocess\.|process\.|dynamic|document\.",
    re.IGNORECASE,
)
_AFTER_SIGN = re.compile(r"[$@][a-z]{4,80}")
# Where a secret is kept: a path of a vault, a name of a cloud's secret.
_KEPT_ELSEWHERE = re.compile(
    r"(?:vault|secrets?|kv|ssm|projects|op|hashivault|azkv|awssm|gcpsm)(?::|/)[\w./:{}#@ -]{2,400}"
    r"|arn:aws:[\w:/.-]{4,400}|@Microsoft\.KeyVault\(.{1,400}"
    r"|/?(?:[a-z][a-z0-9_.-]*|[A-Z][A-Z0-9_.-]*)(?:/(?:[a-z][a-z0-9_.-]*|[A-Z][A-Z0-9_.-]*)){2,12}(?:#[\w.-]{1,80})?",
)
# PASS1, EXPIRED42: the constants of a program, unless they are what a password is.
_CONSTANT = re.compile(r"[A-Z]{3,}(?:_[A-Z0-9]+)*\d{0,4}")
# Words of a sentence about passwords.
_SENTENCE = re.compile(
    r"\b(?:please|enter|your|missing|invalid|required?|must|should|cannot|can't|could|wrong|incorrect"
    r"|expired|not|the|is|was|has|for|password|token|set|empty|failed|error|of|to)\b",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z_$.\- ]*")
_SUBSCRIPT = re.compile(r"[A-Za-z_$][\w.$]{0,100}\[")
_HEX_DIGITS = re.compile(r"[0-9a-fA-F]+")
# The scripts, searches and fields of an ERP system carry their kind before their name.
_NETSUITE_NAME = re.compile(
    r"cust(?:omsearch|omscript|omdeploy|omlist|omrecord|record|body|entity|item|event|col)_"
)
_ID_IN_URL = re.compile(
    r"/(?:d|folders?|files?|spreadsheets?|documents?|sites|items|drives?)/[\w-]{20,}"
)
_NAME_BEFORE = re.compile(
    r"""([\w.-]{1,80})["'\])\s]{0,4}(?:=>|:=|==|[=:,(>])\s{0,20}["']?(?:[\w./:-]{0,60}/)?$"""
)
# What anybody may read: a public key, a certificate.
_PUBLIC = re.compile(
    r"-----BEGIN (?:PGP PUBLIC KEY BLOCK|(?:[A-Z0-9]{1,10} )?PUBLIC KEY|(?:[A-Z]{1,10} )?CERTIFICATE(?: REQUEST)?)-----"
    r"(?:(?!-----END)[\s\S]){0,20000}"
)
# Saved blobs (a zip, gzip, Java's own form), SSH's public keys.
_NO_SECRET_BEGINS = ("UEsDB", "H4sIA", "rO0AB", "AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh")
_LONG = re.compile(r"[A-Za-z0-9+/=_~.-]{20,}")
_MASK = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{128}(?![0-9a-fA-F])")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


# Names of what is as long and as mixed as a key, and opens nothing.
_IDS = name_set(
    """
    id ids guid uuid gid sheet sheets spreadsheet spreadsheetid drive driveid folder folderid file
    fileid document documentid docid workbook bucket hash checksum digest sha sha256 sha1 md5 etag
    search searches savedsearch saved fingerprint thumbprint revision commit version cursor calendar
    calendarid channel mailbox template templateid
    """
)


def is_secret_of(name: str, value: str) -> bool:
    """Whether data under a name that says "password" or "secret" looks like one."""
    return _mixed(value) and kind(name) is Kind.SECRET and not names_a_key(name)


def names_an_id(name: str) -> bool:
    """Whether a name announces an id, a sheet, a search or a checksum: it counts by its end."""
    split = words(name[-300:])
    while split and split[-1].isdigit() and "".join(split[-2:]) not in _IDS:
        split.pop()
    if not split or kind(name) is Kind.SECRET:
        return False
    # The name of anything is none.
    if split[-1] == "name" and len(split) > 1:
        return True
    return split[-1] in _IDS or "".join(split[-2:]) in _IDS or split[-1].endswith(("guid", "uuid"))


def search(text: str, *, random_strings: bool, signs: bool = True) -> list[Hit]:
    """What looks like a secret in `text`, each piece once, by the first rule that knows it.

    `random_strings` says whether a long random string is suspicious here: not in profiles and
    the platform's own blobs, which are full of them. `signs` is False for a text that is known
    to hold none of the TRIGGERS.
    """
    hits: list[Hit] = []
    candidates: list[Iterator[Hit]] = [_specific(text)] if signs and may_hold(text) else []
    if candidates and '\\"' in text:
        # "{\"password\":\"swordfish\"}": what is quoted in a string is read without its escapes.
        candidates.append(
            Hit(hit.rule, text[hit.start : hit.start + len(hit.found)], hit.start)
            for hit in _specific(text.replace('\\"', ' "'))
        )
    if random_strings:
        candidates.append(_random(text))
    for candidate in candidates:
        for hit in candidate:
            end = hit.start + len(hit.found)
            if all(end <= one.start or one.start + len(one.found) <= hit.start for one in hits):
                hits.append(hit)
            if len(hits) > _MANY:
                return [Hit(hits[0].rule, text, 0)]
    return sorted(hits, key=lambda hit: hit.start)


def masks(text: str, known: list[Hit]) -> list[Hit]:
    """The platform's masks in a text, but for those that are among the known ones."""
    covered = [(hit.start, hit.start + len(hit.found)) for hit in known]
    return [
        Hit("masked-value", match[0], match.start())
        for match in _MASK.finditer(text)
        if not any(start < match.end() and match.start() < end for start, end in covered)
    ]


def _specific(text: str) -> Iterator[Hit]:
    small = text.lower()
    for signs, look in _LOOKS:
        # Most looks have nothing to look for in a text: without their signs they find nothing.
        for sign in signs:
            if sign in small:
                yield from look(text)
                break


Look = Callable[[str], Iterator[Hit]]
Match = re.Match[str]


def _each(rule: str, pattern: re.Pattern[str], counts: Callable[[Match], bool] = bool) -> Look:
    """A look for every match of a pattern that counts."""

    def look(text: str) -> Iterator[Hit]:
        for match in pattern.finditer(text):
            if counts(match):
                yield Hit(rule, match[0], match.start())

    return look


def _said(match: Match) -> str:
    """The last group that matched: the literal."""
    return next(group for group in match.groups()[::-1] if group)


def _names_its_literal(match: Match) -> bool:
    """Whether the literal is the secret that the first group names."""
    return _is_written_out(match[1], _said(match).strip())


def _identifies(match: Match) -> bool:
    literal = _said(match)
    return not _STANDS_FOR_SOMETHING_ELSE.match(literal) and not _is_sentence(literal)


def _logs_in(match: Match) -> bool:
    literal = _said(match)
    return " " not in literal and not _STANDS_FOR_SOMETHING_ELSE.match(literal)


def _returns(match: Match) -> bool:
    """Whether a function of a secret's name is nothing but the secret."""
    return _is_written_out(re.sub(r"^(?:get|read|load)(?=[A-Z])", "", match[1]), match[2])


def _is_set(match: Match) -> bool:
    """Whether a parameter without quotes is set to a secret; a plain word is a variable."""
    if match[1].lower() in _SIGNATURE and _mixed(match[2]):
        return True
    variable = _IDENTIFIER.fullmatch(match[2]) or _SUBSCRIPT.match(match[2])
    return variable is None and _is_written_out(match[1], match[2])


def _hmac_keys(text: str) -> Iterator[Hit]:
    for call in _HMAC.finditer(text):
        for match in _LITERAL.finditer(call[1]):
            if _is_literal(match[1] or match[2]):
                yield Hit("assigned-secret", match[0], call.start(1) + match.start())


def _assigned(text: str) -> Iterator[Hit]:
    for match in _ASSIGNED.finditer(text):
        # `password: 'then press return'` is a sentence, `[password: 'correct horse']` is not.
        assigned = text[match.end(1) : match.start(2 if match[2] else 3)]
        words_too = (
            ":" not in assigned
            or assigned[:1] in "\"']"
            or text[match.start() - 1 : match.start()] in "[{(,\"'"
        )
        literal = match[2] or match[3] or ""
        if assigned.lstrip("\"'])").startswith(",") and not _is_an_argument(text, match):
            continue
        # Nothing is put in the place of `$fish` between single quotes.
        if match[3] and _AFTER_SIGN.fullmatch(literal) and kind(literal) is Kind.ORDINARY:
            literal = literal[1:]
        if _is_written_out(match[1], literal, words_too=words_too):
            end = max(match.end(2), match.end(3))
            yield Hit("assigned-secret", text[match.start() : end], match.start())


def _operands(text: str) -> Iterator[Hit]:
    for match in _ASSIGNMENT.finditer(text):
        # `"?token=" + token + "&limit=100"` is a URL.
        in_string = text[max(match.start() - 1, 0) : match.start()] in ("?", "&", '"', "'")
        # `"… where password = '" + hash + "' and …"` is SQL.
        in_string |= match[2].lstrip()[:2] in ("'\"", "\"'")
        if in_string or not _says_secret(match[1]):
            continue
        for operand in _OPERAND.finditer(match[2]):
            if _is_written_out(match[1], operand[1] or operand[2]):
                at = match.end() + operand.start()
                yield Hit("assigned-secret", operand[0], at)


def _is_an_argument(text: str, match: re.Match[str]) -> bool:
    """Whether `"password", "literal"` are arguments of a call, and not two of a list's or a map's words."""
    start = match.start()
    # In `encode(secret, "UTF-8")` they have nothing to do with each other; `put(PASSWORD, "x")` sets one.
    if text[match.end(1)] not in "\"'" and not match[1].isupper():
        return False
    before = text[max(start - 40, 0) : start].rstrip("\"'").rstrip()[-1:]
    literal = match[2] or match[3]
    behind = text[max(match.end(2), match.end(3)) + 1 :][:20].lstrip()[:1]
    if behind == ":":
        return False
    return before == "(" or (
        _mixed(literal) and (before == "," or (before == "[" and behind == "]"))
    )


def _is_option(match: Match) -> bool:
    """Whether an option of a command takes the secret that stands behind it."""
    announced = _says_secret(match[1]) or match[1].lower().endswith(("pass", "passin", "passout"))
    names_one = _IDENTIFIER.fullmatch(match[2]) and kind(match[2]) is Kind.SECRET
    return announced and not names_one and _is_literal(match[2])


def _in_pieces(match: Match) -> bool:
    """Whether a secret is put together from its characters, or from a few strings."""
    split = re.split(r"[,\])}]", match[2].replace("(byte)", ""))
    pieces = [one.strip().strip("\"'") for one in split][:-1]
    joined = "join" in match.string[match.end() : match.end() + 20]
    letters = len(pieces) >= 6 and all(_CODE.fullmatch(one) or len(one) == 1 for one in pieces)
    return _says_secret(match[1]) and (letters or (joined and _mixed("".join(pieces))))


def _one_of_several(match: Match) -> bool:
    """Whether one of several variables is a secret, and set to a literal."""
    names = [name.split()[-1] if name.split() else "" for name in match[1].split(",")]
    said = map(str.strip, match[2].split(","))
    return any(
        value[:1] in ("'", '"') and _is_written_out(name, value[1:-1])
        for name, value in zip(names, said, strict=False)
    )


def _is_a_password(word: str) -> bool:
    """Whether a word in plain text can only be a password: letters, digits and a change of case or a sign."""
    said = word.rstrip(".:!?")
    return (
        _mixed(said)
        and _is_literal(said)
        and not _GUID.search(said)
        and re.search(r"[/\\.=_:]|\d{4}-\d\d", said) is None
        and re.fullmatch(r"[A-Za-z][a-z]*\d+|[A-Z]+\d+|[A-Z][a-z]+(?:[A-Z][a-z]+)+\d{0,4}", said)
        is None
    )


def _random(text: str) -> Iterator[Hit]:
    public = [match.span() for match in _PUBLIC.finditer(text)] if "BEGIN " in text else []
    for match in _LONG.finditer(text):
        at = match.start()
        around = bisect_right(public, (at, len(text))) - 1
        if around >= 0 and at < public[around][1]:
            continue
        if match[0].startswith(_NO_SECRET_BEGINS):
            continue
        found = []
        # An id inside or glued to the string explains its digits.
        for piece in re.split(f"({_GUID.pattern})", match[0]):
            if _GUID.fullmatch(piece) is None and looks_random(piece):
                found.append(Hit("random-string", piece, at))
            at += len(piece)
        if found and not _is_an_id(text, match) and not _is_a_document(match[0]):
            yield from found


def _is_an_id(text: str, match: re.Match[str]) -> bool:
    """Whether a long string is no key by its form, its place in a URL or the name before it."""
    said = match[0].strip("=.-_/+~")
    # A GUID without hyphens, a SHA-1 or SHA-256; a mask has a rule of its own.
    if len(said) in (32, 40, 64) and _HEX_DIGITS.fullmatch(said):
        return True
    if _NETSUITE_NAME.match(said) or _ID_IN_URL.search(match[0]):
        return True
    before = _NAME_BEFORE.search(text[max(match.start() - 120, 0) : match.start()])
    return before is not None and names_an_id(before[1])


def is_credential(value: str) -> bool:
    """Whether a value is what stands behind `Authorization:`, or `user:password` in base64."""
    return any(
        hit.rule in ("authorization", "known-token") for hit in _specific(value)
    ) or _is_basic(value.strip())


def _is_a_document(written: str) -> bool:
    """Whether a long string is XML, JSON or something compressed in base64, without a secret in it."""
    if written.startswith("eJ") and len(written) >= 40:
        return True  # how zlib begins
    if not written.startswith(("P", "ey", "ew", "W")):
        return False
    # A blank in front, and a part of a character at the end, are no matter.
    whole = written[: len(written) // 4 * 4]
    said = _in_base64(whole) or _in_base64(whole[:-4])
    return said[:1] in ("<", "{", "[") and not search(said, random_strings=False)


def _is_basic(credential: str) -> bool:
    """Whether it is `user:password` in base64: "basic authentication" is not."""
    return ":" in _in_base64(credential)


def _in_base64(written: str) -> str:
    """The words that are written in base64; "" if there are none."""
    try:
        said = base64.b64decode(written + "=" * (-len(written) % 4), validate=True).decode()
    except ValueError:
        return ""
    return said if said.isprintable() else ""


def opens_something(value: str) -> bool:
    """Whether a piece that ends like an open parameter is a credential: random, or words in base64."""
    written = value.strip()
    return looks_random(written) or (len(written) % 4 == 0 and _in_base64(written) != "")


def _decodes(literal: str) -> bool:
    """Whether a literal in base64 says something that can be read, such as a password."""
    said = literal.replace("-", "+").replace("_", "/")
    try:
        base64.b64decode(said + "=" * (-len(said) % 4), validate=True)
    except ValueError:
        return False
    return not said.startswith("UEsDB")


def _is_literal(literal: str) -> bool:
    """Whether a literal is what it says: no placeholder, no sentence, no name of an algorithm."""
    return not (
        _STANDS_FOR_SOMETHING_ELSE.match(literal)
        or _is_sentence(literal)
        or _ALGORITHM.fullmatch(literal)
    )


def _keys_in_variables(text: str) -> Iterator[Hit]:
    """Literals in variables that a key is made from somewhere else in the script."""
    variables = {match[1] or match[2] for match in _KEY_VARIABLE.finditer(text)} - {"new"}
    if not variables:
        return
    for match in _SET_VARIABLE.finditer(text):
        literal = match[2] or match[3]
        if match[1] in variables and not _STANDS_FOR_SOMETHING_ELSE.match(literal):
            yield Hit("assigned-secret", match[0], match.start())


@lru_cache(maxsize=8192)
def _says_secret(name: str) -> bool:
    """Whether a variable of this name, or what is made from the literal behind it, is a secret."""
    said = _SHORT_PASSWORD.search(name) or _MAKES_A_KEY.search(name)
    # `withPassword("x")` takes one, and is no switch.
    return said is not None or kind(_TAKES.sub("", name)) is Kind.SECRET


def _is_written_out(name: str, literal: str, *, words_too: bool = True) -> bool:
    """Whether `literal` is itself the secret that `name` announces, not the name of one.

    `words_too` says whether a pass phrase with blanks may stand here, or rather a sentence.
    """
    says_secret, is_header = _says_secret(name), _HEADER.search(name)
    if not says_secret and not is_header:
        return False
    literal = _QUOTED_INSIDE.sub(r"\2", literal.strip())
    if is_header:
        return _mixed(literal.rpartition(" ")[2])
    # "<password>" + variable + "</password>"
    if _BETWEEN_STRINGS.match(literal):
        return False
    if len(literal) < 4 or _STANDS_FOR_SOMETHING_ELSE.match(literal):
        return False
    if literal.lower() in ("true", "false", "null", "none", "string", "bearer", "basic", "text"):
        return False
    # "password" -> "DPP_PASSWORD": a reference to where it is kept.
    if kind(literal) is Kind.SECRET and _IDENTIFIER.fullmatch(literal):
        return False
    if _KEPT_ELSEWHERE.fullmatch(literal) or _ALGORITHM.fullmatch(literal):
        return False
    # A password may be any word; a token or key that is a plain word is a name or a type.
    password = _names_password(name)
    if " " in literal:
        return password and words_too and "\n" not in literal and not _is_sentence(literal)
    only_pass = [word for word in words(name) if not word.isdigit()] == ["pass"]
    if _CONSTANT.fullmatch(literal) and (not password or only_pass or kind(literal) is Kind.SECRET):
        return False
    return password or _mixed(literal) or looks_random(literal)


def _names_password(name: str) -> bool:
    """Whether a name says "password", in one of many languages; "pass" alone may be a result."""
    said = kind(name) is Kind.SECRET and not names_a_key(name)
    name = _TAKES.sub("", name)
    return said or _SHORT_PASSWORD.search(name) is not None or "pass" in name.lower()


def _is_sentence(literal: str) -> bool:
    """Whether words are a message about a password rather than a pass phrase."""
    return _SENTENCE.search(literal) is not None


def _mixed(literal: str) -> bool:
    return _GUID.fullmatch(literal) is not None or (
        len(literal) >= 8
        and re.search(r"\d", literal) is not None
        and re.search(r"[A-Za-z]", literal) is not None
    )


def _class(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "a" if character.islower() else "A"
    return "-"


_CLASSES = {code: _class(chr(code)) for code in range(128)}
_PAIRS = re.compile(r"[0aA](?=[0aA])")
_CHANGES = re.compile(r"0(?=[aA])|a(?=[0A])|A(?=[0a])")


def looks_random(text: str) -> bool:
    """Whether letters and digits are mixed as only a machine mixes them.

    Names change between small letters, capitals and digits at their words' ends, every five
    characters or so; random strings at every second one. Measured with generated keys (19 of 20
    and more are recognised) and the names in large programs (1 of 1000 is).
    """
    text = text[:_TELLING_LENGTH].strip("=.-_/+~")
    length = len(text)
    if length < 20 or not re.search(r"\d", text) or not re.search(r"[A-Za-z]", text):
        return False
    classes = text.translate(_CLASSES) if text.isascii() else "".join(map(_class, text))
    # Signs are where words end, so they say nothing.
    pairs = len(_PAIRS.findall(classes))
    changes = len(_CHANGES.findall(classes)) / max(pairs, 1)
    counts = Counter(text)
    entropy = -sum(n / length * math.log2(n / length) for n in counts.values())
    if len(set(classes) - {"-"}) == 3:
        # Long names repeat their letters; random strings of that length hardly do.
        return entropy >= (3.4 if changes >= 0.42 else 4.4) and changes >= 0.3
    # Hex or base 36; digits in a name come together, at its end.
    return length >= 28 and changes >= 0.22 and entropy >= 2.8


_QUOTES = ('"', "'")
# A list of strings or of numbers.
_LIST = ("0x", *(f"{last}{blank}," for last in "'\"0123456789" for blank in ("", " ")))
# What is looked for, and the signs (any of them, in small letters) without which it is not there.
_LOOKS: tuple[tuple[tuple[str, ...], Look], ...] = (
    (("private key", "putty-user"), _each("private-key", _PRIVATE_KEY)),
    (
        ("://", "oracle:thin"),
        _each(
            "url-password",
            _URL_PASSWORD,
            lambda match: not re.fullmatch(r"[{$%].*|\*+", match[1] or match[2]),
        ),
    ),
    (
        ("bearer", "basic", "token"),
        _each(
            "authorization",
            _AUTHORIZATION,
            lambda match: _is_basic(match[2]) if match[2] else _mixed(match[1]),
        ),
    ),
    (("bearer", "basic"), _each("authorization", _PUT_TOGETHER)),
    ((*sorted(BARE_TRIGGERS), "boomi_token"), _each("known-token", _KNOWN)),
    (
        ("hook", "/bot", "integration", "incoming", "trigger", "robot/send", "chat.googleapis"),
        _each("webhook", _WEBHOOK),
    ),
    (("identified",), _each("assigned-secret", _IDENTIFIED, _identifies)),
    (
        ("decode", "atob", "parsebase64", "frombase64"),
        _each("assigned-secret", _DECODED, lambda match: _decodes(_said(match))),
    ),
    (("hmac", "signwith"), _hmac_keys),
    (
        ('"value"', "'value'", '"default"', '"content"', "value=", "text="),
        _each(
            "assigned-secret",
            _NAMED_MEMBER,
            lambda match: _is_written_out(match[1] or match[3], match[2] or match[4]),
        ),
    ),
    (("{",), _each("assigned-secret", _RETURNED, _returns)),
    (
        ("password",),
        _each("assigned-secret", _SQL_PASSWORD, lambda match: _is_literal(_said(match))),
    ),
    (
        ("curl", "wget", "http", "sshpass", "ftp", "mysql", "mariadb", "zip", "sqlplus"),
        _each("assigned-secret", _COMMAND_LINE, lambda match: _is_literal(_said(match))),
    ),
    (
        ("encode", "btoa"),
        _each(
            "assigned-secret",
            _ENCODED,
            lambda match: _is_literal(_said(match).rpartition(":")[2]),
        ),
    ),
    (
        ("passe", "phrase", "secret", "access", "api", "kh\u1ea9u"),
        _each(
            "assigned-secret",
            _SEVERAL_WORDS,
            lambda match: _is_literal(_said(match)) and _mixed(_said(match)),
        ),
    ),
    (("keyspec", "mac", "signwith"), _keys_in_variables),
    (("-",), _each("assigned-secret", _OPTION, _is_option)),
    (
        ("pass", "kennwort", "pwd", "pw", "contrase", "senha", "wachtwoord", "secret"),
        _each("assigned-secret", _WRITTEN_DOWN, lambda match: _is_a_password(match[2])),
    ),
    (
        ('="', "='"),
        _each("assigned-secret", _NAMED_VALUE, _names_its_literal),
    ),
    (
        ("equals", "concat"),
        _each("assigned-secret", _COMPARED, _names_its_literal),
    ),
    (
        ("equals", "=="),
        _each(
            "assigned-secret",
            _COMPARED_BACK,
            lambda match: _is_written_out(match[3], match[1] or match[2]),
        ),
    ),
    (_LIST, _each("assigned-secret", _IN_PIECES, _in_pieces)),
    (("[",), _each("assigned-secret", _SEVERAL, _one_of_several)),
    (('"""', "'''", "$/"), _each("assigned-secret", _LONG_STRING, _names_its_literal)),
    (("\n",), _each("assigned-secret", _NEXT_LINE, _names_its_literal)),
    (_QUOTES, _assigned),
    (("=",), _operands),
    (_QUOTES, _each("assigned-secret", _LOG_IN, _logs_in)),
    (
        (": ", ":\t", ":\n"),
        _each(
            "assigned-secret",
            _YAML,
            lambda match: _mixed(match[2]) and _is_written_out(match[1], match[2]),
        ),
    ),
    (
        ("</",),
        # "<password>" + variable + "</password>"
        _each(
            "assigned-secret",
            _ELEMENT,
            lambda match: match[2][0] not in _QUOTES and _is_written_out(match[1], match[2]),
        ),
    ),
    (("=",), _each("assigned-secret", _PARAMETER, _is_set)),
)
