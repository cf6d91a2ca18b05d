"""The guide's "Test Connection": what a promotion will need from the platform, one line each. It only reads.

Each check is a small function that decides which verdict of ``connection_words.py`` applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
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
from ..models import ApiCall, DevAccount
from .connection_words import PLATFORM_BRANCHES, PREFIX, VERDICTS, State

PLAIN_PATH = "/api/rest/v1"  # the same API, without the Partner API's own door
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Check:
    """One line: what was checked, how it stands, and what to do about it."""

    name: str
    state: State
    detail: str
    to_do: str = ""


@dataclass
class Report:
    """All lines, and the dialect that the server speaks, if that could be determined."""

    checks: list[Check] = field(default_factory=list)
    dialect: str = ""

    def tell(self, key: str, **values: object) -> None:
        """Add the line of one verdict.

        :param key: its name in ``VERDICTS``.
        :param values: what its sentences need filled in.
        """
        verdict = VERDICTS[key]
        self.checks.append(
            Check(
                verdict.name.format(**values),
                verdict.state,
                verdict.detail.format(**values),
                verdict.to_do.format(**values),
            )
        )

    def skip(self, *names: str) -> None:
        """Add lines that were not checked, because an earlier check failed."""
        for name in names:
            self.checks.append(
                Check(name, State.SKIPPED, "Not looked at, because of what failed above.")
            )

    def says(self, name: str, state: State) -> bool:
        """Whether a line of this name has this state."""
        return any(check.name == name and check.state == state for check in self.checks)

    @property
    def failed(self) -> bool:
        """Whether any check has failed."""
        return any(check.state == State.FAIL for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """The report as a job stores it."""
        return {"checks": [asdict(check) for check in self.checks], "dialect": self.dialect}


Progress = Callable[[str], None]


def check(progress: Progress = lambda text: None) -> Report:
    """Run every check, in an order in which each one rests on those before it."""
    report = Report()
    _account(report)
    _user(report)
    _token(report)
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


def _account(report: Report) -> None:
    account = settings.PARTNER_API_ACCOUNT
    if not account:
        report.tell("account.missing")
    elif DevAccount.objects.filter(account_id=account, is_active=True).exists():
        report.tell("account.is_a_dev_account", account=account)


def _user(report: Report) -> None:
    user = settings.PARTNER_API_USER
    if not user:
        report.tell("user.missing")
    elif not user.startswith(PREFIX) or "@" not in user.removeprefix(PREFIX):
        report.tell("user.malformed")
    else:
        report.tell("user.reads_well")


def _token(report: Report) -> None:
    from_file = bool(settings.PARTNER_API_TOKEN_FILE)
    try:
        token = partner.token()
    except AuthFailed as error:
        report.tell("token.unreadable", words=error.message)
        return
    if not token.strip():
        words = "The token file is empty." if from_file else "There is none."
        report.tell("token.missing", words=words)
    else:
        report.tell("token.in_a_file" if from_file else "token.in_the_environment")


# --- The first call --------------------------------------------------------------------------


def _first_call(report: Report) -> bool:
    """Whether the API answers: one read that both dialects have tells five lines apart."""
    host = urlsplit(settings.PARTNER_API_URL).hostname or settings.PARTNER_API_URL
    if not settings.PARTNER_API_ACCOUNT or report.says("Token", State.FAIL):
        report.skip("Reachable", "TLS", "Credentials", "Partner API", "Primary account")
        return False
    try:
        environments = partner.client().query_environments()
    except PartnerApiError as error:
        if error.status is None:
            _not_reached(report, host, error)
        else:
            _answered(report, host)
            _answered_badly(report, error)
        return False
    except ValueError as error:
        report.tell("account.malformed", words=error)
        return False
    _answered(report, host)
    report.tell("credentials")
    report.tell("partner_api")
    if not report.says("Primary account", State.FAIL):
        count = len(environments)
        report.tell(
            "account.answers" if count else "account.empty",
            account=settings.PARTNER_API_ACCOUNT,
            environments=f"{count} environment{'' if count == 1 else 's'}",
        )
    return True


def _not_reached(report: Report, host: str, error: PartnerApiError) -> None:
    if "certificate" in error.message:
        report.tell("reachable", host=host)
        report.tell("tls.not_verified", words=error.message)
    else:
        report.tell("reachable.not", words=error.message)
        report.skip("TLS")
    report.skip("Credentials", "Partner API", "Primary account")


def _answered(report: Report, host: str) -> None:
    report.tell("reachable", host=host)
    if urlsplit(settings.PARTNER_API_URL).scheme == "https":
        report.tell("tls")
    else:
        report.tell("tls.this_machine" if host in LOOPBACK else "tls.none")


def _answered_badly(report: Report, error: PartnerApiError) -> None:
    words = error.boomi_message or error.message
    if isinstance(error, AuthFailed):
        _refused(report, words)
    elif isinstance(error, RateLimited) or error.waiting_helps:
        report.tell("credentials.busy", words=words)
        report.skip("Partner API", "Primary account")
    elif isinstance(error, Forbidden | AccountNotFound | NotFound):
        report.tell("credentials")
        report.skip("Partner API")
        report.tell("account.refused", words=words, account=settings.PARTNER_API_ACCOUNT)
    else:
        report.tell("credentials.unknown")
        report.tell("partner_api.address", words=error.message)
        report.skip("Primary account")


def _refused(report: Report, words: str) -> None:
    """401: either the token is wrong, or it is right and the Partner API is off; the plain API tells which."""
    try:
        partner.client(base_path=PLAIN_PATH).query_environments()
    except AuthFailed:
        report.tell("credentials.refused", words=words)
        report.skip("Partner API", "Primary account")
    except PartnerApiError:
        report.tell("credentials.refused_or_api_off", words=words)
        report.skip("Partner API", "Primary account")
    else:
        report.tell("credentials")
        report.tell("partner_api.off")
        report.skip("Primary account")


# --- Which dialect ---------------------------------------------------------------------------


def _dialect(report: Report) -> None:
    """Read what only one of the dialects has: the published one's own addresses first, then the guide's forms."""
    sample = _sample()
    report.dialect = next(
        (name for name in ("published", "guide") if _speaks(partner.client(dialect=name), sample)),
        "",
    )
    chosen = settings.PARTNER_API_DIALECT
    if not report.dialect:
        report.tell("dialect.unknown")
    elif chosen == report.dialect:
        report.tell("dialect", spoken=chosen)
    elif not chosen and report.dialect == partner.GUIDE:
        report.tell("dialect.by_default")
    else:
        report.tell("dialect.another", spoken=report.dialect, used=chosen or partner.GUIDE)


def _speaks(client: PartnerApiClient, sample: tuple[str, int] | None) -> bool:
    """Whether the server knows this dialect's addresses.

    PublisherIntegrationPack, or IntegrationPack with the guide's filter; ComponentReference/query, or the guide's GET.
    """
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
        report.tell("dev_accounts.none")
        return
    own = _first_packages(client, None)
    for account in accounts:
        progress(f"Reading {account.name}")
        known = {"name": account.name, "account": account.account_id}
        try:
            packages = _first_packages(client, account.account_id)
        except PartnerApiError as error:
            report.tell("dev_account.refused", words=error.boomi_message or error.message, **known)
            continue
        if own and packages & own:
            report.tell("dev_account.ignored", **known)
        else:
            report.tell("dev_account" if packages else "dev_account.empty", **known)


def _first_packages(client: PartnerApiClient, account: str | None) -> set[str]:
    """The first packages of an account; for the primary account, none if they cannot be read."""
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
    except PartnerApiError as error:
        off = isinstance(error, BranchingNotEnabled)
        report.tell(
            "branching.off" if off else "branching.refused",
            words=error.boomi_message or error.message,
        )
        return
    used = sum(not branch.is_main for branch in branches)
    if used == len(branches):
        report.tell("branching.no_main")
        return
    limit = settings.PROMOTION_BRANCH_LIMIT
    left = max(0, limit - used)
    key = "branching" if left else "branching.full"
    report.tell(
        "branching.limit" if limit > PLATFORM_BRANCHES else key,
        detail=f"It is enabled: {used} of {limit} branches in use, {left} left "
        f"(the platform's own limit: {PLATFORM_BRANCHES}).",
    )


def _privileges(report: Report, client: PartnerApiClient) -> None:
    reads: list[tuple[str, Callable[[], object]]] = [
        ("API and account list", client.query_accounts),
        ("Build read", lambda: _first(client.query_component_metadata())),
        ("Packaging read", lambda: _first(client.query_packaged_components())),
        ("Integration Packs, publisher", client.query_integration_packs),
    ]
    for name, read in reads:
        try:
            read()
        except Forbidden as error:
            words = error.boomi_message or error.message
            report.tell("privilege.missing", name=name, words=words)
        except (BadRequest, BadResponse, NotFound) as error:
            report.tell("privilege.unclear", name=name, words=error.message)
        except PartnerApiError as error:
            report.tell("privilege.later", name=name, words=error.message)
        else:
            report.tell("privilege", name=name)
    report.tell("privileges.to_write")


def _first(found: Iterator[object]) -> object:
    return next(found, None)


def _rate(report: Report) -> None:
    """What the last day's recorded calls say about our pace and the platform's patience."""
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
    detail = (
        f"{calls.count()} calls in the last day, at most {most['number'] if most else 0} in one second; "
        f"{refused} refused because they came too fast. Calls are {spacing} ms apart."
    )
    on_this_machine = (urlsplit(settings.PARTNER_API_URL).hostname or "") in LOOPBACK
    if refused:
        report.tell("rate.refused", detail=detail)
    elif spacing < 100 and not on_this_machine:
        report.tell("rate.too_fast", detail=detail)
    else:
        report.tell("rate", detail=detail)
