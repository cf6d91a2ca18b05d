"""What each line of the connection check may say: a table of verdicts.

``{…}`` are the values that the check fills in; ``connection_check.py`` decides which verdict holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "BOOMI_TOKEN."
PLATFORM_BRANCHES = 20  # the platform's own limit, which Boomi can raise

_ROLE = "Give the token's user a role with this privilege in the primary account."
_ENABLE_BRANCHING = "Ask Boomi whether branching is enabled on the primary account."


class State(StrEnum):
    """How a line is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Verdict:
    """One line that the check may say.

    :param name: what was looked at.
    :param detail: how it is.
    :param to_do: what a person does about it; nothing where all is well.
    """

    name: str
    state: State
    detail: str
    to_do: str = ""


OK, WARN, FAIL, SKIPPED = State.OK, State.WARN, State.FAIL, State.SKIPPED

VERDICTS = {
    # Settings
    "account.missing": Verdict(
        "Primary account",
        FAIL,
        "PARTNER_API_ACCOUNT is not set.",
        "Set it to the account id of the primary account (Settings › Account Information).",
    ),
    "account.is_a_dev_account": Verdict(
        "Primary account",
        FAIL,
        "{account} is also listed as a dev account.",
        "Set PARTNER_API_ACCOUNT to the account that runs production, or switch the dev account off.",
    ),
    "account.malformed": Verdict("Primary account", FAIL, "{words}", "Check PARTNER_API_ACCOUNT."),
    "account.refused": Verdict(
        "Primary account",
        FAIL,
        "{words}",
        "Check that {account} is the account of the token's user and that the user may see its environments.",
    ),
    "account.answers": Verdict("Primary account", OK, "{account} answers, with {environments}."),
    "account.empty": Verdict(
        "Primary account",
        WARN,
        "{account} answers, with {environments}.",
        "Check that this is the production account, and that the user may see environments.",
    ),
    "user.missing": Verdict(
        "User name",
        FAIL,
        "PARTNER_API_USER is not set.",
        f"Write {PREFIX} and the e-mail.",
    ),
    "user.malformed": Verdict(
        "User name",
        FAIL,
        f"It does not read {PREFIX} followed by an e-mail address.",
        f"Set PARTNER_API_USER to {PREFIX} and the e-mail of the token's owner; this is the commonest mistake.",
    ),
    "user.reads_well": Verdict(
        "User name", OK, f"It reads {PREFIX} followed by an e-mail address."
    ),
    "token.unreadable": Verdict(
        "Token", FAIL, "{words}", "Check PARTNER_API_TOKEN_FILE and who may read it."
    ),
    "token.missing": Verdict(
        "Token",
        FAIL,
        "{words}",
        "Make an API token in Boomi (Settings › My User Settings › Platform API Tokens) and put it into the file "
        "that PARTNER_API_TOKEN_FILE names.",
    ),
    "token.in_a_file": Verdict(
        "Token",
        OK,
        "It is read from its file at each call, so it can be changed without a restart.",
    ),
    "token.in_the_environment": Verdict(
        "Token",
        WARN,
        "It is in PARTNER_API_TOKEN, so changing it takes a restart.",
        "Put it into a file and name that in PARTNER_API_TOKEN_FILE.",
    ),
    # The first call
    "reachable": Verdict("Reachable", OK, "{host} answers."),
    "reachable.not": Verdict(
        "Reachable",
        FAIL,
        "{words}",
        "Check PARTNER_API_URL, name resolution, firewall and proxy, and the platform's status page.",
    ),
    "tls": Verdict("TLS", OK, "The connection is encrypted and the certificate is verified."),
    "tls.not_verified": Verdict(
        "TLS",
        FAIL,
        "{words}",
        "Install the certificate authority that signs it, or correct the address; verification stays on.",
    ),
    "tls.this_machine": Verdict(
        "TLS",
        WARN,
        "Not encrypted; the server is this machine.",
        "Fine for the simulator only.",
    ),
    "tls.none": Verdict(
        "TLS",
        FAIL,
        "The token travels unprotected.",
        "Write https:// in PARTNER_API_URL, and make a new token.",
    ),
    "credentials": Verdict("Credentials", OK, "The platform accepts the user and the token."),
    "credentials.busy": Verdict(
        "Credentials", WARN, "{words}", "The platform is busy: check again later."
    ),
    "credentials.unknown": Verdict("Credentials", SKIPPED, "The answer does not say."),
    "credentials.refused": Verdict(
        "Credentials",
        FAIL,
        "{words}",
        f"Check that the user name reads {PREFIX} and the e-mail, that the token was made for the primary account, "
        "and that it was not revoked.",
    ),
    "credentials.refused_or_api_off": Verdict(
        "Credentials",
        FAIL,
        "{words}",
        f"Check the user name ({PREFIX} and the e-mail) and the token, and that the Partner API is enabled "
        "(Settings › Account Information › Partner API enabled).",
    ),
    "partner_api": Verdict("Partner API", OK, "It is enabled."),
    "partner_api.off": Verdict(
        "Partner API",
        FAIL,
        "The platform answers, but not through the Partner API.",
        "Enable it: Settings › Account Information › Partner API enabled.",
    ),
    "partner_api.address": Verdict(
        "Partner API",
        FAIL,
        "{words}",
        "Check PARTNER_API_URL: it is scheme and host alone, such as https://api.boomi.com.",
    ),
    # Which dialect
    "dialect": Verdict("Dialect", OK, "The server speaks the {spoken} dialect, as configured."),
    "dialect.unknown": Verdict(
        "Dialect",
        WARN,
        "It cannot be determined: the server answers neither dialect's reads of packs and references.",
        "Look at the privileges below; api.boomi.com follows the published one.",
    ),
    "dialect.by_default": Verdict(
        "Dialect",
        WARN,
        "The server speaks the guide dialect, which is the default.",
        "Set PARTNER_API_DIALECT=guide to make that explicit.",
    ),
    "dialect.another": Verdict(
        "Dialect",
        FAIL,
        "The server speaks the {spoken} dialect, and {used} is used.",
        "Set PARTNER_API_DIALECT={spoken} and restart web and workers.",
    ),
    # Dev accounts
    "dev_accounts.none": Verdict(
        "Dev accounts",
        WARN,
        "None is known here.",
        "Synchronise the accounts on the set-up page.",
    ),
    "dev_account": Verdict("Dev account {name}", OK, "It can be read (overrideAccount)."),
    "dev_account.empty": Verdict(
        "Dev account {name}", OK, "It can be read, and has no packages yet (overrideAccount)."
    ),
    "dev_account.refused": Verdict(
        "Dev account {name}",
        FAIL,
        "{words}",
        "Check the account id {account}, that it belongs to the primary account and that the token's user may read "
        "it; or switch it off here.",
    ),
    "dev_account.ignored": Verdict(
        "Dev account {name}",
        FAIL,
        "It answers with the primary account's own packages: overrideAccount is ignored.",
        "Check that the Partner API is enabled and that PARTNER_API_URL leads straight to it.",
    ),
    # Branching
    "branching": Verdict("Branching", OK, "{detail}"),
    "branching.full": Verdict(
        "Branching",
        WARN,
        "{detail}",
        "Promotions wait until a branch is deleted: delete branches that nobody needs.",
    ),
    "branching.limit": Verdict(
        "Branching",
        WARN,
        "{detail}",
        f"PROMOTION_BRANCH_LIMIT is above {PLATFORM_BRANCHES}: fine only if Boomi has raised the limit.",
    ),
    "branching.off": Verdict(
        "Branching",
        FAIL,
        "{words}",
        "Ask Boomi to enable branching on the primary account: without it a write would land on main.",
    ),
    "branching.refused": Verdict(
        "Branching",
        FAIL,
        "{words}",
        "Check that branching is enabled on the primary account and that the user has the Branch privilege.",
    ),
    "branching.no_main": Verdict(
        "Branching", FAIL, "The platform lists no branch named main.", _ENABLE_BRANCHING
    ),
    # Privileges
    "privilege": Verdict("Privilege: {name}", OK, "It can be read."),
    "privilege.missing": Verdict("Privilege: {name}", FAIL, "{words}", _ROLE),
    "privilege.unclear": Verdict(
        "Privilege: {name}", FAIL, "{words}", "Set the right dialect first, then check again."
    ),
    "privilege.later": Verdict("Privilege: {name}", WARN, "{words}", "Check again later."),
    "privileges.to_write": Verdict(
        "Privileges to write",
        SKIPPED,
        "This check never writes, so it cannot verify: Build write, Branch create and delete, Packaging, Deployment on "
        "each environment, releasing Integration Packs, and creating folders.",
        "Compare them with the role of the token's user in Boomi.",
    ),
    # Rate
    "rate": Verdict("Rate", OK, "{detail}"),
    "rate.refused": Verdict(
        "Rate",
        WARN,
        "{detail}",
        "Raise PARTNER_API_SPACING_MS: other tools share the account's limit, or it is lower than 10 calls a second.",
    ),
    "rate.too_fast": Verdict(
        "Rate", WARN, "{detail}", "The platform allows 10 calls a second: set 120 ms or more."
    ),
}
