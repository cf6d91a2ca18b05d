"""Mappings out to CSV and XLSX and in again, in the admin pages: preview, errors per row, events."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
import tablib
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from promotions.models import ComponentMapping, DevAccount, Event
from promotions.setup.mapping_exchange import MappingResource
from promotions.setup.roles import set_up_roles

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db

PAGE = "/admin/promotions/componentmapping/"
CSV, XLSX = "0", "1"
COLUMNS = [field.attname for field in ComponentMapping._meta.fields if not field.primary_key]
HEADERS = ("dev_account", "dev_component_id", "prod_component_id", "name", "type")


def recorded() -> QuerySet[Event]:
    """What the import leaves: other events tell of the people of the test."""
    return Event.objects.filter(action__startswith="componentmapping")


@pytest.fixture
def account(db: None) -> DevAccount:
    return DevAccount.objects.create(account_id="orders-dev", name="Orders Team")


@pytest.fixture
def admin(client: Client, bob: User) -> Client:
    set_up_roles()
    client.force_login(bob)
    return client


def mapping(account: DevAccount, dev_id: str, **columns: Any) -> ComponentMapping:
    values = {
        "dev_account": account,
        "dev_component_id": dev_id,
        "prod_component_id": f"prod-{dev_id}",
        "name": f"Component {dev_id}",
        "component_type": "process",
    }
    return ComponentMapping.objects.create(**(values | columns))


def file_of(*rows: tuple[str, ...], headers: tuple[str, ...] = HEADERS) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([headers, *rows])
    return written.getvalue().encode()


def preview(admin: Client, data: bytes, kind: str = CSV, name: str = "mappings.csv") -> Any:
    return admin.post(
        f"{PAGE}import/", {"import_file": SimpleUploadedFile(name, data), "format": kind}
    )


def confirm(admin: Client, previewed: Any) -> Any:
    form = previewed.context["confirm_form"]
    return admin.post(f"{PAGE}process_import/", form.initial, follow=True)


def exported(admin: Client, kind: str = CSV) -> bytes:
    fields = {f"mappingresource_{field}": "on" for field in MappingResource().fields}
    answer = admin.post(f"{PAGE}export/", {"format": kind, "resource": "0", **fields})
    assert answer.status_code == 200
    content: bytes = answer.content
    return content


def test_the_preview_shows_and_writes_nothing(admin: Client, account: DevAccount) -> None:
    old = mapping(account, "a")
    data = file_of(
        ("orders-dev", "A", "prod-other", "Component a", "process"),
        ("orders-dev", "b", "prod-b", "Brand new", "process"),
    )
    page = preview(admin, data)
    assert "Brand new" in page.content.decode()
    assert page.context["confirm_form"]
    assert ComponentMapping.objects.get() == old
    old.refresh_from_db()
    assert old.prod_component_id == "prod-a"
    assert not recorded().exists()


def test_the_confirmed_import_writes_and_each_change_leaves_an_event(
    admin: Client, account: DevAccount, bob: User
) -> None:
    mapping(account, "a")
    mapping(account, "same")
    data = file_of(
        ("orders-dev", " A ", "prod-other", "Component a", "process"),
        ("orders-dev", "b", "prod-b", "Brand new", "process"),
        ("orders-dev", "same", "prod-same", "Component same", "process"),
    )
    page = confirm(admin, preview(admin, data))
    assert "1 new, 1 updated, 0 deleted and 1 skipped" in page.content.decode()
    new = ComponentMapping.objects.get(dev_component_id="b")
    assert new.source == ComponentMapping.Source.ADMIN_SEEDING
    changed, added = recorded().order_by("pk")
    assert (changed.action, added.action) == ("componentmapping_changed", "componentmapping_added")
    assert changed.actor == added.actor == bob
    assert "mappings.csv" in added.note
    assert "prod_component_id: prod-a → prod-other" in changed.note


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("nobody", "b", "p", "B", "process"), "The dev account nobody is not known here"),
        (("", "b", "p", "B", "process"), "The dev account (none) is not known here"),
        (("orders-dev", " ", "p", "B", "process"), "The id of the dev component is missing"),
        (("orders-dev", "b", "", "B", "process"), "This field cannot be blank"),
        (("orders-dev", "b", "p", "", "process"), "This field cannot be blank"),
        (("orders-dev", "ok", "p", "B", "process"), "Row 1 already maps the same dev component"),
    ],
)
def test_a_bad_row_is_told_and_nothing_can_be_confirmed(
    admin: Client, account: DevAccount, row: tuple[str, ...], told: str
) -> None:
    page = preview(admin, file_of(("orders-dev", "ok", "p", "Fine", "process"), row))
    text = page.content.decode()
    assert told in text
    assert "Traceback" not in text
    assert "confirm_form" not in page.context
    assert not ComponentMapping.objects.exists()


def test_a_file_that_is_none_is_told(admin: Client, account: DevAccount) -> None:
    page = preview(admin, b"\x00\x01 no workbook", XLSX, "mappings.xlsx")
    assert page.status_code == 200
    assert page.context["form"].errors


def test_what_changed_after_the_preview_imports_nothing(admin: Client, account: DevAccount) -> None:
    other = DevAccount.objects.create(account_id="finance-dev", name="Finance")
    data = file_of(
        ("orders-dev", "a", "p", "A", "process"), ("finance-dev", "b", "p", "B", "process")
    )
    page = preview(admin, data)
    other.delete()
    done = confirm(admin, page)
    assert "Nothing was imported" in done.content.decode()
    assert not ComponentMapping.objects.exists()
    assert not recorded().exists()


@pytest.mark.parametrize(("kind", "name"), [(CSV, "m.csv"), (XLSX, "m.xlsx")])
def test_an_export_is_a_backup(
    admin: Client, account: DevAccount, alice: User, kind: str, name: str
) -> None:
    mapping(account, "a", name="=HYPERLINK(1) & co")
    mapping(account, "b", name="'quoted", prod_version=None)
    mapping(
        account,
        "c",
        name='Ümlaut 🚚, "comma"',
        prod_version=12,
        last_promoted_at=timezone.now(),
        last_promoted_by=alice,
        source=ComponentMapping.Source.ENGINE,
    )
    before = list(ComponentMapping.objects.order_by("dev_component_id").values_list(*COLUMNS))
    data = exported(admin, kind)
    ComponentMapping.objects.all().delete()
    confirm(admin, preview(admin, data, kind, name))
    after = list(ComponentMapping.objects.order_by("dev_component_id").values_list(*COLUMNS))
    assert after == before


def test_the_same_export_changes_nothing(admin: Client, account: DevAccount, alice: User) -> None:
    mapping(account, "a", last_promoted_at=timezone.now(), last_promoted_by=alice, prod_version=3)
    page = confirm(admin, preview(admin, exported(admin)))
    assert "0 new, 0 updated, 0 deleted and 1 skipped" in page.content.decode()
    assert not recorded().exists()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
@pytest.mark.parametrize(("kind", "format_name"), [(CSV, "csv"), (XLSX, "xlsx")])
def test_no_cell_is_a_formula(
    admin: Client, account: DevAccount, kind: str, format_name: str, start: str
) -> None:
    mapping(account, "a", name=f"{start}cmd|' /C calc'!A0")
    data = exported(admin, kind)
    rows = tablib.Dataset().load(data.decode("utf-8-sig") if kind == CSV else data, format_name)
    [name] = rows["name"]
    assert name == f"'{start}cmd|' /C calc'!A0"


def test_only_csv_and_xlsx_are_offered(admin: Client, account: DevAccount) -> None:
    page = admin.get(f"{PAGE}import/")
    assert [label for _, label in page.context["form"].fields["format"].choices if label] == [
        "---",
        "csv",
        "xlsx",
    ]


def test_somebody_who_may_only_look_imports_nothing(
    client: Client, account: DevAccount, alice: User
) -> None:
    from django.contrib.auth.models import Permission

    alice.is_staff = True
    alice.save()
    alice.user_permissions.add(Permission.objects.get(codename="view_componentmapping"))
    client.force_login(alice)
    assert client.get(f"{PAGE}import/").status_code == 403
    assert client.post(f"{PAGE}process_import/").status_code == 403
    assert client.get(f"{PAGE}export/").status_code == 200


def test_staff_without_any_permission_exports_nothing(
    client: Client, account: DevAccount, alice: User
) -> None:
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    assert client.get(f"{PAGE}export/").status_code == 403


# --- Bounds ----------------------------------------------------------------------------------


def workbook(*rows: tuple[object, ...], parts: dict[str, bytes] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    with ZipFile(written, "a", ZIP_DEFLATED) as archive:
        for name, data in (parts or {}).items():
            archive.writestr(name, data)
    return written.getvalue()


def refused(admin: Client, data: bytes, kind: str) -> str:
    """What the page says; nothing can be confirmed."""
    answer = preview(admin, data, kind, "mappings.xlsx" if kind == XLSX else "mappings.csv")
    assert answer.status_code == 200
    assert "confirm_form" not in answer.context
    return " ".join(answer.context["form"].errors["import_file"])


def test_a_workbook_that_unpacks_to_much_is_refused_before(
    admin: Client, account: DevAccount
) -> None:
    bomb = workbook(HEADERS, parts={"xl/worksheets/sheet2.xml": bytes(300 * 1024 * 1024)})
    assert len(bomb) < 500_000
    preview(admin, workbook(HEADERS), XLSX)  # what is loaded at the first use is no part of it
    tracemalloc.start()
    said = refused(admin, bomb, XLSX)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said == "The workbook unpacks to more than 20 MB."
    assert peak < 20 * 1024 * 1024


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (CSV, lambda: b"a" * (5 * 1024 * 1024 + 1), "The file is larger than 5 MB."),
        (CSV, lambda: b"a\n" * 20_002, "The file has more than 20,000 rows. Split it."),
        (CSV, lambda: b"a,b\n" + b"," * 60, "Row 2 has more than 50 columns."),
        (XLSX, lambda: workbook(*[("a",)] * 20_002), "The file has more than 20,000 rows."),
        (XLSX, lambda: workbook(("a",), tuple("b" * 60)), "Row 2 has more than 50 columns."),
        (XLSX, lambda: b"no archive", "The file is no XLSX workbook."),
        (
            XLSX,
            lambda: workbook(("a",), parts={"xl/x.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]>"}),
            "The workbook contains a DTD",
        ),
    ],
    ids=["bytes", "rows", "columns", "xlsx rows", "xlsx columns", "no xlsx", "dtd"],
)
def test_a_file_is_bounded(
    admin: Client, account: DevAccount, kind: str, data: Callable[[], bytes], said: str
) -> None:
    assert said in refused(admin, data(), kind)


def test_a_far_away_cell_is_not_reached_through_all_that_lie_before_it(
    admin: Client, account: DevAccount
) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADERS)
    book.active["XFD1048576"] = "far"
    written = io.BytesIO()
    book.save(written)
    assert "more than 20,000 rows" in refused(admin, written.getvalue(), XLSX)


class TestAnImportConfirmsOnlyItsOwnUpload:
    def test_not_somebody_elses(self, admin: Client, account: DevAccount, dora: User) -> None:
        previewed = preview(admin, file_of((account.account_id, "d", "p", "n", "process")))
        other = Client()
        other.force_login(dora)
        set_up_roles()
        answer = confirm(other, previewed)
        assert "preview your own file first" in answer.content.decode()
        assert not ComponentMapping.objects.exists()
        confirm(admin, previewed)
        assert ComponentMapping.objects.count() == 1

    def test_not_twice_and_not_an_earlier_one(self, admin: Client, account: DevAccount) -> None:
        first = preview(admin, file_of((account.account_id, "d", "p", "n", "process")))
        second = preview(admin, file_of((account.account_id, "e", "p", "n", "process")))
        assert "preview your own file first" in confirm(admin, first).content.decode()
        assert "preview your own file first" in confirm(admin, second).content.decode()
        assert not ComponentMapping.objects.exists()

    def test_its_bounds_hold_in_another_format(self, admin: Client, account: DevAccount) -> None:
        previewed = preview(admin, file_of((account.account_id, "d", "p", "n", "process")))
        sent = previewed.context["confirm_form"].initial | {"format": XLSX}
        answer = admin.post(f"{PAGE}process_import/", sent, follow=True)
        assert "The file is no XLSX workbook." in answer.content.decode()
