"""What a name says about the value beside it.

A name counts by how it **ends**: `clientSecret` is a secret, `secretName` is the name of one,
`tokenizer` is neither. "Contains key, token, …" would empty `keyField` and `primaryKey`. The lists
are the rule; docs/decisions/0003-what-is-stripped.md explains them.
"""

import re
import unicodedata
from enum import Enum
from functools import lru_cache


class Kind(Enum):
    """What a name stands for."""

    SECRET = "secret"  # noqa: S105 - the name of a kind
    NETWORK = "network"  # where something is: differs between dev and production
    ACCOUNT = "account"  # who is asking: an environment value only in settings
    ORDINARY = "ordinary"


def name_set(text: str) -> frozenset[str]:
    """The words of a text, as a set: long lists of names stay readable."""
    return frozenset(text.split())


# Endings in whole words, written together (`api key`, `api_key` and `apiKey` are one).
_SECRETS = name_set(
    """
    password passwd pwd pass passphrase passcode secret credential token bearertoken jwt otp
    apikey appkey accesskey accesskeyid secretkey privatekey consumerkey subscriptionkey authkey
    sharedkey signingkey encryptionkey decryptionkey masterkey accountkey storagekey
    functionskey hmackey sessionkey tokenid
    passwort kennwort geheimnis contrasena contrasenia motdepasse senha wachtwoord losenord
    adgangskode passord salasana haslo heslo parola jelszo sifre lozinka geslo contrasenya parool
    slaptazodis katasandi matkhau palavrapasse
    пароль סיסמה 密码 密碼 パスワード 비밀번호
    """
)
# What such names announce may as well be data: the key of an account, a token to look up. Their
# value has the last word outside connections.
_KEYS = name_set(
    """
    credential token bearertoken jwt otp pass apikey appkey accesskey accesskeyid consumerkey
    subscriptionkey authkey sharedkey signingkey encryptionkey decryptionkey masterkey accountkey
    storagekey functionskey hmackey sessionkey tokenid
    """
)
# Endings that are unmistakable even when nothing separates them (`dbpassword`, `MYAPIKEY`).
_GLUED = name_set(
    """
    password passwd passphrase clientsecret apikey accesstoken authtoken refreshtoken
    bearertoken privatekey secretkey accesskey passwort kennwort contrasena wachtwoord motdepasse
    """
)
# Names of headers that carry a credential; elsewhere the same word is a kind of log-in
# (`authorization="OAUTH2"`) or a saved picture of a schema (`<cookie role="request">`).
_HEADERS = frozenset({"authorization", "cookie", "bearer", "auth", "session", "sessionid"})
_NETWORK = name_set(
    """
    url host hostname hostaddress server servername serveraddress port endpoint ip ipaddress
    baseuri serveruri endpointuri serviceuri hostport connectionstring
    """
)
_ACCOUNT = name_set(
    """
    username userid login loginid clientid companyid accountid tenantid dbname databasename
    urlformat sshkeypath
    """
)
# These say who is asking only when they are the whole name.
_ACCOUNT_ALONE = frozenset({"user", "tenant", "database", "domain"})

_ALL = _SECRETS | _GLUED | _HEADERS | _NETWORK | _ACCOUNT | _ACCOUNT_ALONE
# Every ending, in one and in many, after which a name may be more than ordinary.
ENDINGS = _ALL | {f"{one}s" for one in _ALL}

# A page token is data; a CSRF switch is a switch.
_HARMLESS_TOKENS = name_set(
    """
    page next continuation continue previous prev cursor query delimiter separator sync delta
    paging parser grammar cancellation start end line list field word
    """
)
# `usePassword`, `enableProxyHost`: switches that name what they switch.
_SWITCHES = name_set(
    """
    use uses using is has have enable enabled require requires required show hide allow need
    needs with include no max min number count
    """
)

# Only the end of a name counts, and no name is longer.
_LONGEST = 300
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O"})
_NAMESPACE_WORDS = frozenset({"namespace", "xmlns", "schema", "soapaction"})


def words(name: str) -> list[str]:
    """Split `clientSecret`, `CLIENT_SECRET`, `client-secret` and `HTTPSProxyHost` into words."""
    if not name.isascii():
        # `contraseña` and `Lösenord` are one word each, whatever their accents.
        decomposed = unicodedata.normalize("NFKD", name.translate(_LETTERS))
        name = unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))
    return [word.lower() for word in _WORDS.findall(name)]


@lru_cache(maxsize=8192)
def kind(name: str) -> Kind:
    """What `name` stands for: judged by its last words, numbers at the end left aside."""
    # "password (Root/Object/password)" names its target in brackets, "definedprocess.x@KEY" and
    # "process.DPP_KEY" carry it last.
    split = words(re.sub(r"\([^()]*\)\s*$", "", name[-_LONGEST:]))
    while split and split[-1].isdigit():
        split.pop()
    if not split or split[0] in _SWITCHES:
        return Kind.ORDINARY
    for count in range(min(4, len(split)), 0, -1):
        ending = "".join(split[-count:])
        before = split[-count - 1] if len(split) > count else ""
        found = _kind_of_ending(ending, before)
        if found is not Kind.ORDINARY:
            if found is Kind.NETWORK and _NAMESPACE_WORDS & set(split):
                return Kind.ORDINARY
            return found
    together = "".join(split)
    if together in _ACCOUNT_ALONE:
        return Kind.ACCOUNT
    return Kind.SECRET if together.endswith(tuple(_GLUED)) else Kind.ORDINARY


@lru_cache(maxsize=8192)
def names_a_key(name: str) -> bool:
    """Whether a name says "key" or "token", and not "password" or "secret"."""
    if kind(name) is not Kind.SECRET:
        return False
    split = words(re.sub(r"\([^()]*\)\s*$", "", name[-_LONGEST:]))
    while split and split[-1].isdigit():
        split.pop()
    for count in range(min(4, len(split)), 0, -1):
        ending = "".join(split[-count:])
        for candidate in (ending, ending[:-1] if ending.endswith("s") else ending):
            if candidate in _SECRETS:
                return candidate in _KEYS
    return "".join(split).endswith(("apikey", "token", "accesskey"))


def _kind_of_ending(ending: str, before: str) -> Kind:
    singular = ending[:-1] if ending.endswith("s") and len(ending) > 4 else ending
    for candidate in (ending, singular):
        if candidate in _SECRETS:
            # "tokens" are counted: `outputTokens` is a limit.
            if candidate == "token" and (before in _HARMLESS_TOKENS or candidate != ending):
                return Kind.ORDINARY
            # "high pass", "boarding pass": the short form counts only beside who passes.
            if candidate == "pass" and before not in ("", "user", "db", "smtp", "ftp", "proxy"):
                return Kind.ORDINARY
            return Kind.SECRET
        if candidate in _NETWORK:
            return Kind.NETWORK
        if candidate in _ACCOUNT:
            return Kind.ACCOUNT
    return Kind.ORDINARY


def is_credential_header(name: str) -> bool:
    """Whether a header, or a property that is sent as one, carries a credential."""
    return kind(name) is Kind.SECRET or names_a_header(name)


def names_a_header(name: str) -> bool:
    """Whether a name is that of a header with a credential, such as Authorization or Cookie."""
    split = words(name)
    return bool(split) and split[-1] in _HEADERS
