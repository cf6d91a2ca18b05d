"""The guide's "Test Connection": what a promotion will need of the platform, one line each. It only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count
from django.db.models.functions import TruncSecond
from django.utils import timezone

from partnerapi.client import PartnerApiClient
from partnerapi.errors import (
    AccountNotFound,
    AuthFailed,
    BadRequest,
    BadResponse,
    BranchingNotEnabled,
    Forbidden,
    NotFound,
    PartnerApiError,
    RateLimited,
)

from .. import partner
from ..messages import PromotionError
from ..models import ApiCall, DevAccount

PLAIN_PATH = "/api/rest/v1"  # the same API, without the Partner API's own door
PREFIX = "BOOMI_TOKEN."
PLATFORM_BRANCHES = 20
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

ROLE = "Give the token's user a role with this privilege in the primary account."
ONLY_WRITING = (
    "Build write, Branch create and delete, Packaging, Deployment on each environment, releasing Integration Packs, "
    "and making folders"
)


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is, and what to do about it."""

    name: str
    state: State
    detail: str
    to_do: str = ""


@dataclass
class Report:
    """All lines, and what the server speaks where that could be told."""

    checks: list[Check] = field(default_factory=list)
    dialect: str = ""

    def add(self, name: str, state: State, detail: str, to_do: str = "") -> None:
        self.checks.append(Check(name, state, detail, to_do))

    def skip(self, *names: str) -> None:
        for name in names:
            self.add(name, State.SKIPPED, "Not looked at, because of what failed above.")

    @property
    def failed(self) -> bool:
        return any(check.state == State.FAIL for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        return {"checks": [asdict(check) for check in self.checks], "dialect": self.dialect}


Progress = Callable[[str], None]


def check(progress: Progress = lambda text: None) -> Report:
    """Look at everything, in an order in which each line rests on those before it."""
    report = Report()
    _settings(report)
    progress("Asking for the environments")
    if not _first_call(report):
        report.skip("Dialect", "Dev accounts", "Branching", "Privileges", "Rate")
        return report
    progress("Finding out which dialect the server speaks")
    _dialect(report)
    client = partner.client(dialect=report.dialect)
    _dev_accounts(report, client, progress)
    progress("Asking for the branches")
    _branching(report, client)
    progress("Looking at what the token's user may read")
    _privileges(report, client)
    _rate(report)
    return report


# --- Before anything is sent -----------------------------------------------------------------


def _settings(report: Report) -> None:
    account = settings.PARTNER_API_ACCOUNT
    if not account:
        report.add(
            "Primary account",
            State.FAIL,
            "PARTNER_API_ACCOUNT is not set.",
            "Set it to the account id of the primary account (Settings › Account Information).",
        )
    elif DevAccount.objects.filter(account_id=account, is_active=True).exists():
        report.add(
            "Primary account",
            State.FAIL,
            f"{account} is also listed as a dev account.",
            "Set PARTNER_API_ACCOUNT to the account that runs production, or switch the dev account off.",
        )
    user = settings.PARTNER_API_USER
    if not user:
        report.add(
            "User name",
            State.FAIL,
            "PARTNER_API_USER is not set.",
            f"Write {PREFIX} and the e-mail.",
        )
    elif not user.startswith(PREFIX) or "@" not in user.removeprefix(PREFIX):
        report.add(
            "User name",
            State.FAIL,
            f"It does not read {PREFIX} followed by an e-mail address.",
            f"Set PARTNER_API_USER to {PREFIX} and the e-mail of the token's owner; this is the commonest mistake.",
        )
    else:
        report.add("User name", State.OK, f"It reads {PREFIX} followed by an e-mail address.")
    _token(report)


def _token(report: Report) -> None:
    from_file = bool(settings.PARTNER_API_TOKEN_FILE)
    try:
        token = partner.token()
    except PromotionError as error:
        report.add(
            "Token", State.FAIL, error.detail, "Check PARTNER_API_TOKEN_FILE and who may read it."
        )
        return
    if not token.strip():
        report.add(
            "Token",
            State.FAIL,
            "There is none." if not from_file else "The token file is empty.",
            "Make an API token in Boomi (Settings › My User Settings › Platform API Tokens) and put it into the file "
            "that PARTNER_API_TOKEN_FILE names.",
        )
    elif from_file:
        report.add(
            "Token",
            State.OK,
            "It is read from its file at each call, so it can be changed without a restart.",
        )
    else:
        report.add(
            "Token",
            State.WARN,
            "It is in PARTNER_API_TOKEN, so changing it takes a restart.",
            "Put it into a file and name that in PARTNER_API_TOKEN_FILE.",
        )


# --- The first call --------------------------------------------------------------------------


def _first_call(report: Report) -> bool:
    """Whether the API answers us: one read that both dialects have tells five lines apart."""
    host = urlsplit(settings.PARTNER_API_URL).hostname or settings.PARTNER_API_URL
    if not settings.PARTNER_API_ACCOUNT or _says(report, "Token", State.FAIL):
        report.skip("Reachable", "TLS", "Credentials", "Partner API", "Primary account")
        return False
    try:
        environments = partner.client().query_environments()
    except PartnerApiError as error:
        return _first_call_failed(report, host, error)
    except ValueError as error:
        report.add("Primary account", State.FAIL, str(error), "Check PARTNER_API_ACCOUNT.")
        return False
    _answered(report, host)
    report.add("Credentials", State.OK, "The platform accepts the user and the token.")
    report.add("Partner API", State.OK, "It is enabled.")
    _primary_account(report, len(environments))
    return True


def _first_call_failed(report: Report, host: str, error: PartnerApiError) -> bool:
    if error.status is None:
        tls = "certificate" in error.message
        if tls:
            report.add("Reachable", State.OK, f"{host} answers.")
            report.add(
                "TLS",
                State.FAIL,
                error.message,
                "Install the certificate authority that signs it, or correct the address; verification stays on.",
            )
        else:
            report.add(
                "Reachable",
                State.FAIL,
                error.message,
                "Check PARTNER_API_URL, name resolution, firewall and proxy, and the platform's status page.",
            )
            report.skip("TLS")
        report.skip("Credentials", "Partner API", "Primary account")
        return False
    _answered(report, host)
    words = error.boomi_message or error.message
    if isinstance(error, AuthFailed):
        _refused(report, words)
        return False
    if isinstance(error, RateLimited) or error.waiting_helps:
        report.add("Credentials", State.WARN, words, "The platform is busy: check again later.")
        report.skip("Partner API", "Primary account")
        return False
    if isinstance(error, Forbidden | AccountNotFound | NotFound):
        report.add("Credentials", State.OK, "The platform accepts the user and the token.")
        report.skip("Partner API")
        report.add(
            "Primary account",
            State.FAIL,
            words,
            f"Check that {settings.PARTNER_API_ACCOUNT} is the account of the token's user and that the user may see "
            "its environments.",
        )
        return False
    report.add("Credentials", State.SKIPPED, "The answer does not tell.")
    report.add(
        "Partner API",
        State.FAIL,
        error.message,
        "Check PARTNER_API_URL: it is scheme and host alone, such as https://api.boomi.com.",
    )
    report.skip("Primary account")
    return False


def _refused(report: Report, words: str) -> None:
    """401: the token is wrong, or right and the Partner API is off; the other door tells which."""
    try:
        partner.client(base_path=PLAIN_PATH).query_environments()
    except AuthFailed:
        report.add(
            "Credentials",
            State.FAIL,
            words,
            f"Check that the user name reads {PREFIX} and the e-mail, that the token was made for the primary account, "
            "and that it was not revoked.",
        )
        report.skip("Partner API", "Primary account")
    except PartnerApiError:
        report.add(
            "Credentials",
            State.FAIL,
            words,
            f"Check the user name ({PREFIX} and the e-mail) and the token, and that the Partner API is enabled "
            "(Settings › Account Information › Partner API enabled).",
        )
        report.skip("Partner API", "Primary account")
    else:
        report.add("Credentials", State.OK, "The platform accepts the user and the token.")
        report.add(
            "Partner API",
            State.FAIL,
            "The platform answers, but not through the Partner API.",
            "Enable it: Settings › Account Information › Partner API enabled.",
        )
        report.skip("Primary account")


def _answered(report: Report, host: str) -> None:
    report.add("Reachable", State.OK, f"{host} answers.")
    if urlsplit(settings.PARTNER_API_URL).scheme == "https":
        report.add("TLS", State.OK, "The connection is encrypted and the certificate is verified.")
    elif host in LOOPBACK:
        report.add(
            "TLS",
            State.WARN,
            "Not encrypted; the server is this machine.",
            "Fine for the simulator only.",
        )
    else:
        report.add(
            "TLS",
            State.FAIL,
            "The token travels unprotected.",
            "Write https:// in PARTNER_API_URL, and make a new token.",
        )


def _primary_account(report: Report, environments: int) -> None:
    if _says(report, "Primary account", State.FAIL):
        return
    count = f"{environments} environment{'' if environments == 1 else 's'}"
    report.add(
        "Primary account",
        State.OK if environments else State.WARN,
        f"{settings.PARTNER_API_ACCOUNT} answers, with {count}.",
        ""
        if environments
        else "Check that this is the production account, and that the user may see environments.",
    )


def _says(report: Report, name: str, state: State) -> bool:
    return any(check.name == name and check.state == state for check in report.checks)


# --- Which dialect ---------------------------------------------------------------------------


def _dialect(report: Report) -> None:
    """Read what only one of the dialects has: the published one's own addresses, then the guide's forms."""
    sample = _sample()
    report.dialect = next(
        (name for name in ("published", "guide") if _speaks(partner.client(dialect=name), sample)),
        "",
    )
    chosen = settings.PARTNER_API_DIALECT
    if not report.dialect:
        report.add(
            "Dialect",
            State.WARN,
            "It cannot be told: neither dialect's reads of packs and references are answered.",
            "Look at the privileges below; api.boomi.com follows the published one.",
        )
    elif chosen == report.dialect:
        report.add(
            "Dialect", State.OK, f"The server speaks the {report.dialect} dialect, as is set."
        )
    elif not chosen and report.dialect == partner.GUIDE:
        report.add(
            "Dialect",
            State.WARN,
            "The server speaks the guide dialect, which is used because nothing else is set.",
            "Set PARTNER_API_DIALECT=guide, so that it is said.",
        )
    else:
        report.add(
            "Dialect",
            State.FAIL,
            f"The server speaks the {report.dialect} dialect, and {chosen or partner.GUIDE} is used.",
            f"Set PARTNER_API_DIALECT={report.dialect} and restart web and workers.",
        )


def _speaks(client: PartnerApiClient, sample: tuple[str, int] | None) -> bool:
    """Whether the server knows this dialect's addresses: PublisherIntegrationPack or IntegrationPack with the
    guide's filter, ComponentReference/query or the guide's GET."""
    reads: list[Callable[[], object]] = [client.query_integration_packs]
    if sample is not None:
        component_id, version = sample
        reads.append(lambda: client.get_component_references(component_id, version=version))
    return any(_answers(read) for read in reads)


def _answers(read: Callable[[], object]) -> bool:
    try:
        read()
    except PartnerApiError:
        return False
    return True


def _sample() -> tuple[str, int] | None:
    """A process of the primary account, to ask what it uses."""
    try:
        for found in partner.client().query_component_metadata(component_type="process"):
            return found.component_id, found.version
    except PartnerApiError:
        pass
    return None


# --- Dev accounts, branches, privileges, rate ------------------------------------------------


def _dev_accounts(report: Report, client: PartnerApiClient, progress: Progress) -> None:
    accounts = list(DevAccount.objects.filter(is_active=True))
    if not accounts:
        report.add(
            "Dev accounts",
            State.WARN,
            "None is known here.",
            "Synchronise the accounts on the set-up page.",
        )
        return
    own = _first_packages(client, None)
    for account in accounts:
        name = f"Dev account {account.name}"
        progress(f"Reading {account.name}")
        try:
            packages = _first_packages(client, account.account_id)
        except PartnerApiError as error:
            report.add(
                name,
                State.FAIL,
                error.boomi_message or error.message,
                f"Check the account id {account.account_id}, that it belongs to the primary account and that the "
                "token's user may read it; or switch it off here.",
            )
            continue
        if own and packages & own:
            report.add(
                name,
                State.FAIL,
                "It answers with the primary account's own packages: overrideAccount is ignored.",
                "Check that the Partner API is enabled and that PARTNER_API_URL leads to it without a detour.",
            )
        else:
            some = "It can be read" + ("" if packages else ", and has no packages yet")
            report.add(name, State.OK, f"{some} (overrideAccount).")


def _first_packages(client: PartnerApiClient, account: str | None) -> set[str]:
    """The first packages of an account; of the primary one none where they cannot be read."""
    try:
        return {
            found.package_id
            for found in islice(client.query_packaged_components(account=account), 20)
        }
    except PartnerApiError:
        if account is not None:
            raise
        return set()


def _branching(report: Report, client: PartnerApiClient) -> None:
    try:
        branches = client.query_branches()
    except BranchingNotEnabled as error:
        report.add(
            "Branching",
            State.FAIL,
            error.boomi_message or error.message,
            "Ask Boomi to enable branching on the primary account: without it a write would land on main.",
        )
        return
    except PartnerApiError as error:
        report.add(
            "Branching",
            State.FAIL,
            error.boomi_message or error.message,
            "Check that branching is enabled on the primary account and that the user has the Branch privilege.",
        )
        return
    used = sum(not branch.is_main for branch in branches)
    if used == len(branches):
        report.add(
            "Branching",
            State.FAIL,
            "The platform lists no branch named main.",
            "Ask Boomi whether branching is enabled on the primary account.",
        )
        return
    limit = settings.PROMOTION_BRANCH_LIMIT
    left = max(0, limit - used)
    detail = (
        f"It is enabled: {used} of {limit} branches in use, {left} left "
        f"(the platform's own limit: {PLATFORM_BRANCHES})."
    )
    if limit > PLATFORM_BRANCHES:
        report.add(
            "Branching",
            State.WARN,
            detail,
            f"PROMOTION_BRANCH_LIMIT is above {PLATFORM_BRANCHES}: fine only where Boomi has raised the limit.",
        )
    elif left:
        report.add("Branching", State.OK, detail)
    else:
        report.add(
            "Branching",
            State.WARN,
            detail,
            "Promotions wait until a branch is deleted: delete what nobody needs.",
        )


def _privileges(report: Report, client: PartnerApiClient) -> None:
    reads: list[tuple[str, Callable[[], object]]] = [
        ("API and account list", client.query_accounts),
        ("Build read", lambda: _first(client.query_component_metadata())),
        ("Packaging read", lambda: _first(client.query_packaged_components())),
        ("Integration Packs, publisher", client.query_integration_packs),
    ]
    for name, read in reads:
        label = f"Privilege: {name}"
        try:
            read()
        except Forbidden as error:
            report.add(label, State.FAIL, error.boomi_message or error.message, ROLE)
        except (BadRequest, BadResponse, NotFound) as error:
            report.add(
                label, State.FAIL, error.message, "Settle the dialect first, then check again."
            )
        except PartnerApiError as error:
            report.add(label, State.WARN, error.message, "Check again later.")
        else:
            report.add(label, State.OK, "It can be read.")
    report.add(
        "Privileges to write",
        State.SKIPPED,
        f"This check never writes, so it cannot see: {ONLY_WRITING}.",
        "Compare them with the role of the token's user in Boomi.",
    )


def _first(found: Iterator[object]) -> object:
    return next(found, None)


def _rate(report: Report) -> None:
    """What the recorded calls of the last day say about our pace and the platform's patience."""
    calls = ApiCall.objects.filter(at__gte=timezone.now() - timedelta(days=1))
    most = (
        calls.annotate(second=TruncSecond("at"))
        .values("second")
        .annotate(number=Count("pk"))
        .order_by("-number")
        .first()
    )
    refused = calls.filter(error="RATE_LIMITED").count()
    spacing = settings.PARTNER_API_SPACING_MS
    seen = f"{calls.count()} calls in the last day, at most {most['number'] if most else 0} in one second"
    detail = f"{seen}; {refused} refused for their pace. Calls are {spacing} ms apart."
    if refused:
        report.add(
            "Rate",
            State.WARN,
            detail,
            "Raise PARTNER_API_SPACING_MS: other tools use the same account's limit, or it is lower than 10 a second.",
        )
    elif spacing < 100 and (urlsplit(settings.PARTNER_API_URL).hostname or "") not in LOOPBACK:
        report.add(
            "Rate", State.WARN, detail, "The platform allows 10 calls a second: set 120 ms or more."
        )
    else:
        report.add("Rate", State.OK, detail)
