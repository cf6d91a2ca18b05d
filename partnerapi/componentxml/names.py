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
SECRETS = name_set(
    """
    password passwd pwd pswd pass passphrase passcode secret credential token bearertoken jwt otp
    apikey appkey accesskey accesskeyid secretkey privatekey consumerkey subscriptionkey authkey
    sharedkey signingkey encryptionkey decryptionkey masterkey accountkey storagekey
    functionskey hmackey sessionkey tokenid creds samlassertion clientassertion
    passwort kennwort geheimnis contrasena contrasenia motdepasse motpasse senha wachtwoord losenord
    adgangskode passord salasana haslo heslo parola jelszo sifre lozinka geslo contrasenya parool
    slaptazodis katasandi matkhau palavrapasse parolaordine codicesegreto geheim zugangsdaten
    toegangscode segredo segreto secreto credenciales credenciais credenziali anmeldedaten
    inloggegevens
    пароль סיסמה 密码 密碼 パスワード 비밀번호
    """
)
# A key is announced by what it opens, before or behind the word, as each language has it: `API-Schlüssel`,
# `clave secreta`, `chave de API`. The word alone is any key.
_KEY_WORDS = name_set("schlussel schluessel cle clave llave chave chiave sleutel")
_OPENS = name_set(
    """
    api app secret geheim geheimer zugriffs zugangs privat privater secreta segreta secrete privada
    privata privee toegangs geheime prive encriptacion chiffrement verschlusselungs
    """
)
_TOKEN_WORDS = name_set(
    "jeton jetonacces tokenacceso tokenacesso tokenaccesso zugriffstoken toegangstoken"
)
# Not `chave de acesso` and `clave de acceso`: these number invoices.
_KEYS_ELSEWHERE = (
    _TOKEN_WORDS
    | {both for key in _KEY_WORDS for opens in _OPENS for both in (key + opens, opens + key)}
    | {"cleacces", "chiaveaccesso"}
)
SECRETS |= _KEYS_ELSEWHERE
# What such names announce may as well be data: the key of an account, a token to look up. Their
# value has the last word outside connections.
_KEYS = _KEYS_ELSEWHERE | name_set(
    """
    creds
    credential token bearertoken jwt otp pass apikey appkey accesskey accesskeyid consumerkey
    subscriptionkey authkey sharedkey signingkey encryptionkey decryptionkey masterkey accountkey
    storagekey functionskey hmackey sessionkey tokenid
    """
)
# Endings that are unmistakable even when nothing separates them (`dbpassword`, `MYAPIKEY`).
_GLUED = tuple(
    name_set(
        """
        password passwd pswd passphrase clientsecret apikey accesstoken authtoken refreshtoken
        bearertoken privatekey secretkey accesskey passwort kennwort contrasena wachtwoord motdepasse
        """
    )
)
_GLUED_NETWORK = ("url", "host", "hostname", "endpoint", "server")
_GLUED_ACCOUNT = ("username", "userid", "clientid", "tenantid", "companyid", "accountid")
# Words that only end like those.
_NOT_GLUED = name_set("curl ghost observer")
# Names of headers that carry a credential; elsewhere the same word is a kind of log-in
# (`authorization="OAUTH2"`) or a saved picture of a schema (`<cookie role="request">`).
_HEADERS = frozenset({"authorization", "cookie", "bearer", "auth", "session", "sessionid"})
_NETWORK = name_set(
    """
    url host hostname hostaddress server servername serveraddress port endpoint ip ipaddress
    baseuri serveruri endpointuri serviceuri hostport connectionstring knownhostentry knownhost
    hostkey saprouter
    """
)
_ACCOUNT = name_set(
    """
    username userid login loginid clientid companyid accountid tenantid dbname databasename
    urlformat sshkeypath accountnumber applicationid subscriptionid organizationid organisationid
    projectid instanceid instancename serviceaccount serviceaccountemail storageaccount
    storageaccountname bucketname rolearn principal binddn queuemanager virtualhost vhost
    systemnumber accesstokenkey mandant benutzername benutzer utilisateur usuario utente
    gebruikersnaam gebruiker nomeutente nombreusuario nomutilisateur
    """
)
# These say who is asking only when they are the whole name.
_ACCOUNT_ALONE = name_set(
    """
    user tenant database domain account client realm instance namespace warehouse db sid bucket
    """
)
# `proxyUser`, `api_user`: one more word says which.
_ACCOUNT_USER = name_set("api db ftp http mail proxy sap service sftp smtp auth basic admin")


# A page token is data; a CSRF switch is a switch.
_HARMLESS_TOKENS = name_set(
    """
    page csrf xsrf next continuation continue previous prev cursor query delimiter separator sync delta
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

_ALL = (
    SECRETS.union(_GLUED, _GLUED_NETWORK, _GLUED_ACCOUNT)
    | _HEADERS
    | _NETWORK
    | _ACCOUNT
    | _ACCOUNT_ALONE
    | {"user"}
)
# Every ending, in one and in many, after which a name may be more than ordinary.
ENDINGS = _ALL | {f"{one}s" for one in _ALL}

# Only the end of a name counts, and no name is longer.
_LONGEST = 300
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
# `passwordProd`, `DPP_PWD_SFTP`, `privateKeyPem`: which one, or in which form.
WHICH = name_set(
    """
    dev test tst qa uat prod prd production sandbox sbx stage staging live old new current default
    db sap erp crm ftp sftp smtp json string value pem base64 b64 encoded
    """
)
# `password for SFTP`, `Passwort für SAP`, `mot de passe du serveur`.
_FOR = name_set("for fur fuer pour para per voor")
PREPOSITIONS = _FOR | name_set("von vom du de des del della di da do of to")
_SMALL_WORDS = name_set("de di da do d del du des la l")
_ACCENTS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O"})
_NAMESPACE_WORDS = name_set("namespace xmlns schema soapaction")
# Directly before `url` and the like.
_VOCABULARY_WORDS = _NAMESPACE_WORDS | {"action", "location", "scope"}


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
    return _judged(name)[0]


@lru_cache(maxsize=8192)
def names_a_key(name: str) -> bool:
    """Whether a name says "key" or "token", and not "password" or "secret"."""
    found, ending = _judged(name)
    return found is Kind.SECRET and (
        ending in _KEYS or ending.endswith(("apikey", "token", "accesskey"))
    )


def _judged(name: str) -> tuple[Kind, str]:
    """What a name stands for, and the ending that says so."""
    # "password (Root/Object/password)" names its target in brackets, "definedprocess.x@KEY" and
    # "process.DPP_KEY" carry it last.
    split = words(re.sub(r"\([^()]*\)\s*$", "", name[-_LONGEST:]))
    while split and split[-1].isdigit():
        split.pop()
    if not split or split[0] in _SWITCHES:
        return Kind.ORDINARY, ""
    found = _of_words(split)
    if found[0] is not Kind.ORDINARY:
        return found
    # "password for the orders", "password_prod": what stands behind says which one.
    for number, word in enumerate(split):
        if number and word in PREPOSITIONS:
            other = _of_words(split[:number])
            # "token of the page" is any token.
            is_key = other[1] in _KEYS and word not in _FOR
            if other[0] is Kind.SECRET and other[1] != "pass" and not is_key:
                return other
    to_which = _without_which(split)
    other = _of_words(to_which) if to_which else found
    return found if other[0] is Kind.ACCOUNT or other[1] == "pass" else other


def _without_which(split: list[str]) -> list[str]:
    """The words of a name before those at its end that say which; [] for all."""
    count = len(split)
    while count and (split[count - 1] in WHICH or split[count - 1].isdigit()):
        count -= 1
    return split[:count] if count < len(split) else []


def _of_words(split: list[str]) -> tuple[Kind, str]:
    for said in (split, [word for word in split if word not in _SMALL_WORDS]):
        for count in range(min(4, len(said)), 0, -1):
            ending = "".join(said[-count:])
            before = said[-count - 1] if len(said) > count else ""
            found, known = _kind_of_ending(ending, before)
            if found is not Kind.ORDINARY:
                if found is Kind.NETWORK and before in _VOCABULARY_WORDS:
                    return Kind.ORDINARY, ""
                return found, known
    together = "".join(split[1:] if split[0] == "x" else split)
    if together in _ACCOUNT_ALONE or (split[-1] == "user" and split[-2] in _ACCOUNT_USER):
        return Kind.ACCOUNT, together
    if together.endswith(_GLUED):
        return Kind.SECRET, together
    last = split[-1]
    if last in _NOT_GLUED or _NAMESPACE_WORDS & set(split):
        return Kind.ORDINARY, ""
    if last.endswith(_GLUED_NETWORK):
        return Kind.NETWORK, last
    if last.endswith(_GLUED_ACCOUNT):
        return Kind.ACCOUNT, last
    return Kind.ORDINARY, ""


def _kind_of_ending(ending: str, before: str) -> tuple[Kind, str]:
    singular = ending[:-1] if ending.endswith("s") and len(ending) > 4 else ending
    for candidate in (ending, singular):
        if candidate in SECRETS:
            # "tokens" are counted: `outputTokens` is a limit.
            if candidate == "token" and (before in _HARMLESS_TOKENS or candidate != ending):
                return Kind.ORDINARY, ""
            # "high pass", "boarding pass": the short form counts only beside who passes.
            if candidate == "pass" and before not in ("", "user", "db", "smtp", "ftp", "proxy"):
                return Kind.ORDINARY, ""
            return Kind.SECRET, candidate
        if candidate in _NETWORK:
            return Kind.NETWORK, candidate
        if candidate in _ACCOUNT:
            return Kind.ACCOUNT, candidate
    return Kind.ORDINARY, ""


def is_credential_header(name: str) -> bool:
    """Whether a header, or a property that is sent as one, carries a credential."""
    return kind(name) is Kind.SECRET or names_a_header(name)


def names_a_header(name: str) -> bool:
    """Whether a name is that of a header with a credential, such as Authorization or Cookie."""
    split = words(name)
    return bool(split) and (split[-1] in _HEADERS or "".join(split[-2:]) in _HEADERS)


def names_authentication(name: str) -> bool:
    """Whether a header's name may say how somebody signs in, or be what they sign in with."""
    return words(name)[-1:] == ["authentication"]
