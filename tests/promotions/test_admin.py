"""The admin pages: what is edited leaves an event, the records are read-only."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db.models import Q
from django.test import Client
from django.urls import reverse

from promotions import access
from promotions.models import (
    ApiCall,
    ComponentMapping,
    DevAccount,
    DevAccountAccess,
    Environment,
    Event,
    GivenPermission,
    IntegrationPack,
    Plan,
    PromotionBranch,
    PromotionRequest,
    StepRun,
)
from promotions.states import Status
from tests.promotions import factories

EDITED = [ComponentMapping, DevAccount, DevAccountAccess, Environment, IntegrationPack]
RECORDS = [PromotionRequest, Plan, Event, ApiCall, PromotionBranch, StepRun]


@pytest.fixture
def as_bob(client: Client, bob: User) -> Client:
    call_command("setup_roles", verbosity=0)
    client.force_login(bob)
    return client


def mapping(dev_account: DevAccount, **columns: Any) -> ComponentMapping:
    values = {
        "dev_account": dev_account,
        "dev_component_id": "dev-1",
        "prod_component_id": "prod-1",
        "name": "Mail",
        "component_type": "connector-settings",
    }
    return ComponentMapping.objects.create(**(values | columns))


def page(model: Any, what: str, *args: Any) -> str:
    return reverse(f"admin:promotions_{model._meta.model_name}_{what}", args=args)


def test_setup_roles_may_be_run_again(as_bob: Client, bob: User, alice: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=False)
    call_command("setup_roles", verbosity=0)
    bob = User.objects.get(pk=bob.pk)
    assert bob.is_staff
    assert bob.has_perm("promotions.add_componentmapping")
    assert bob.has_perm("promotions.view_promotionrequest")
    assert not bob.has_perm("promotions.change_promotionrequest")
    assert not User.objects.get(pk=alice.pk).is_staff


def may(user: User, codename: str) -> bool:
    return User.objects.get(pk=user.pk).has_perm(f"promotions.{codename}")


def migrated() -> None:
    call_command("migrate", verbosity=0)


class TestAnUpdate:
    """What `migrate` leaves: Django's own way of bringing permissions up to date."""

    def test_grants_the_admins_what_is_new(self, as_bob: Client, bob: User) -> None:
        admins = Group.objects.get(name=access.ADMINS)
        # As an installation stands that has never had deputies and policies.
        new = Q(codename__endswith="_deputy") | Q(codename__endswith="_reviewpolicy")
        admins.permissions.remove(*Permission.objects.filter(new))
        GivenPermission.objects.filter(new).delete()
        assert not may(bob, "change_reviewpolicy")
        migrated()
        assert may(bob, "change_reviewpolicy")
        assert may(bob, "add_deputy")

    def test_grants_nothing_that_somebody_has_taken(self, as_bob: Client, bob: User) -> None:
        admins = Group.objects.get(name=access.ADMINS)
        admins.permissions.remove(*Permission.objects.filter(codename__endswith="_reviewpolicy"))
        migrated()
        call_command("setup_roles", verbosity=0)
        assert not may(bob, "change_reviewpolicy")
        call_command("setup_roles", "--restore", verbosity=0)
        assert may(bob, "change_reviewpolicy")

    def test_takes_what_the_admins_have_for_granted_where_no_record_was_kept(
        self, as_bob: Client, bob: User
    ) -> None:
        admins = Group.objects.get(name=access.ADMINS)
        GivenPermission.objects.all().delete()
        admins.permissions.remove(*Permission.objects.filter(codename__endswith="_deputy"))
        admins.permissions.remove(Permission.objects.get(codename="delete_devaccount"))
        migrated()
        assert may(bob, "add_deputy")
        assert not may(bob, "delete_devaccount")

    def test_makes_no_group(self, db: None) -> None:
        Group.objects.all().delete()
        migrated()
        assert not Group.objects.exists()


@pytest.mark.parametrize("model", [*EDITED, *RECORDS])
def test_an_admin_opens_every_list(as_bob: Client, alice: User, model: Any) -> None:
    sales = factories.account()
    factories.promotion(factories.plan(sales, alice), alice)
    mapping(sales)
    factories.pack()
    assert as_bob.get(page(model, "changelist")).status_code == 200
    row = model.objects.first()
    assert row is not None
    assert as_bob.get(page(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize(
    ("model", "column"),
    [(Environment, "environment_id"), (IntegrationPack, "pack_id"), (DevAccount, "account_id")],
)
def test_the_platform_id_of_what_is_used_cannot_be_changed(
    as_bob: Client, alice: User, model: Any, column: str
) -> None:
    promotion = factories.promotion(factories.plan(factories.account(), alice), alice)
    PromotionRequest.objects.filter(pk=promotion.pk).update(pack=factories.pack())
    row = model.objects.get()
    before = getattr(row, column)
    form = as_bob.get(page(model, "change", row.pk)).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields}
    sent |= {
        "access-TOTAL_FORMS": "0",
        "access-INITIAL_FORMS": "0",
        column: "another",
        "name": "Renamed",
    }
    assert as_bob.post(page(model, "change", row.pk), sent).status_code == 302
    row.refresh_from_db()
    assert (row.name, getattr(row, column)) == ("Renamed", before)


def test_the_platform_id_of_what_nobody_has_used_can_be_changed(as_bob: Client) -> None:
    row = factories.environment()
    sent = {"environment_id": "right", "name": row.name, "classification": "PROD"}
    assert as_bob.post(page(Environment, "change", row.pk), sent).status_code == 302
    row.refresh_from_db()
    assert row.environment_id == "right"


def test_what_was_approved_is_read_and_not_edited(as_bob: Client, alice: User, bob: User) -> None:
    plan = factories.plan(factories.account(), alice)
    promotion = factories.promotion(plan, alice, Status.APPROVED, approved_by=bob)
    address = page(PromotionRequest, "change", promotion.pk)
    assert promotion.approved_hash in as_bob.get(address).content.decode()
    sent = {"package_version": "6.6.6", "approvals-0-comment": "Forged."}
    assert as_bob.post(address, sent).status_code == 403
    promotion.refresh_from_db()
    assert promotion.package_version != "6.6.6"
    assert promotion.approvals.get().comment == ""


def test_a_contributor_has_no_way_in(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get(page(ComponentMapping, "changelist")).status_code == 302


def test_adding_a_mapping_leaves_an_event(as_bob: Client, bob: User) -> None:
    sales = factories.account()
    form: dict[str, Any] = {
        "dev_account": sales.pk,
        "dev_component_id": "dev-1",
        "prod_component_id": "prod-1",
        "name": "Mail",
        "component_type": "connector-settings",
    }
    prefilled = as_bob.get(page(ComponentMapping, "add"), form).content.decode()
    assert 'value="dev-1"' in prefilled
    as_bob.post(page(ComponentMapping, "add"), form)
    assert ComponentMapping.objects.get().source == ComponentMapping.Source.ADMIN_SEEDING
    event = Event.objects.get(action="componentmapping_added")
    assert event.actor == bob
    assert "prod_component_id: — → prod-1" in event.note


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=mail", {"Mail"}),
        ("?q=dev-2", {"Orders"}),
        ("?q=prod-1", {"Mail", "Orders", "Invoices"}),
        ("?component_type=process", {"Orders", "Invoices"}),
        ("?component_type=process&source__exact=engine", {"Invoices"}),
        ("?dev_account__id__exact={finance}", {"Invoices"}),
        ("?q=nothing", set()),
    ],
)
def test_mappings_are_searched_and_filtered(as_bob: Client, query: str, found: set[str]) -> None:
    sales, finance = factories.account(), factories.account("Finance Dev")
    mapping(sales)
    mapping(sales, dev_component_id="dev-2", name="Orders", component_type="process")
    engine = {"component_type": "process", "source": ComponentMapping.Source.ENGINE}
    mapping(finance, dev_component_id="dev-3", name="Invoices", **engine)
    listed = page(ComponentMapping, "changelist") + query.format(finance=finance.pk)
    shown: Any = as_bob.get(listed)
    assert {row.name for row in shown.context["cl"].result_list} == found


def test_changing_a_mapping_leaves_before_and_after(as_bob: Client, bob: User) -> None:
    made = mapping(factories.account())
    form = {
        "dev_account": made.dev_account.pk,
        "dev_component_id": "dev-1",
        "prod_component_id": "prod-2",
        "name": "Mail",
        "component_type": "connector-settings",
    }
    as_bob.post(page(ComponentMapping, "change", made.pk), form)
    event = Event.objects.get(action="componentmapping_changed")
    assert (event.actor, event.note) == (bob, "prod_component_id: prod-1 → prod-2")


def test_deleting_mappings_leaves_an_event_each(as_bob: Client) -> None:
    sales = factories.account()
    first = mapping(sales)
    rest = [mapping(sales, dev_component_id=f"dev-{n}") for n in (2, 3)]
    as_bob.post(page(ComponentMapping, "delete", first.pk), {"post": "yes"})
    as_bob.post(
        page(ComponentMapping, "changelist"),
        {"action": "delete_selected", "_selected_action": [m.pk for m in rest], "post": "yes"},
    )
    assert not ComponentMapping.objects.exists()
    notes = Event.objects.filter(action="componentmapping_deleted").values_list("note", flat=True)
    assert len(notes) == 3
    assert any("dev_component_id: dev-3 → —" in note for note in notes)


def test_switching_access_off_leaves_an_event(as_bob: Client) -> None:
    factories.account()
    access = DevAccountAccess.objects.get()
    form = {"group": access.group.pk, "dev_account": access.dev_account.pk}
    as_bob.post(page(DevAccountAccess, "change", access.pk), form)
    event = Event.objects.get(action="devaccountaccess_changed")
    assert event.note == "is_active: True → False"


@pytest.mark.parametrize("model", RECORDS)
def test_records_are_read_only_even_for_a_superuser(
    client: Client, make_user: Any, rf: Any, model: Any
) -> None:
    request = rf.get("/")
    request.user = make_user("root", is_superuser=True, is_staff=True)
    pages = admin.site.get_model_admin(model)
    assert pages.has_view_permission(request)
    assert not pages.has_add_permission(request)
    assert not pages.has_change_permission(request)
    assert not pages.has_delete_permission(request)
