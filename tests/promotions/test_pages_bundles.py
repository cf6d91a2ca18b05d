"""Several packages promoted together, as people see them from the list of packages to the board."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions import services
from promotions.messages import PromotionError
from promotions.models import (
    Approved,
    DevAccount,
    Environment,
    Plan,
    PromotionRequest,
    ReviewPolicy,
)
from promotions.models.approved import hash_of
from promotions.pages.forms import SubmitForm
from promotions.pipeline.context import StepContext
from promotions.pipeline.packages import parts
from promotions.services.approvals import PackChoice
from promotions.states import Status
from tests.promotions import factories
from tests.promotions.pages import fields, signed_in, text


@pytest.fixture
def plan(sales: DevAccount, alice: User) -> Plan:
    made = factories.bundle_plan(sales, alice)
    factories.map_components(made)
    return made


@pytest.fixture
def waiting(plan: Plan, alice: User) -> PromotionRequest:
    return factories.bundle(plan, alice)


@pytest.fixture
def deployed(plan: Plan, alice: User, bob: User) -> PromotionRequest:
    now = timezone.now() - timedelta(days=1)
    promotion = factories.bundle(
        plan,
        alice,
        Status.DEPLOYED,
        approved_by=bob,
        merge_started_at=now,
        merged_at=now,
        deployed_at=now,
        prod_package_id="made-orders",
    )
    promotion.further.update(prod_package_id="made-returns")
    return promotion


class TestTheListOfPackages:
    def test_several_are_ticked_and_make_one_plan(
        self, client: Client, sales: DevAccount, alice: User
    ) -> None:
        factories.listing(sales)
        made = [factories.package(sales, name) for name in ("Orders", "Returns", "Invoices")]
        hidden = factories.package(sales, "Not shared", shareable=False)
        signed_in(client, alice)
        page = client.get(reverse("choose_package", args=[sales.pk]))
        assert "See one plan for the ticked packages" in text(page)
        assert "Promote Returns" in text(page)
        offered = set(fields(page, "package_id"))
        assert {package.package_id for package in made} <= offered
        assert hidden.package_id not in offered
        sent = [package.package_id for package in made]
        client.post(reverse("make_plan"), {"dev_account": sales.pk, "package_id": sent})
        plan = Plan.objects.get()
        assert [package.package_id for package in plan.packages] == sent
        assert plan.called == "Orders and 2 more"

    def test_none_that_is_ticked_is_told(
        self, client: Client, sales: DevAccount, alice: User
    ) -> None:
        signed_in(client, alice)
        answer = client.post(reverse("make_plan"), {"dev_account": sales.pk}, follow=True)
        assert "Choose a dev account and a package first." in text(answer)
        assert not Plan.objects.exists()

    def test_two_versions_of_one_process_are_refused(
        self, client: Client, sales: DevAccount, alice: User
    ) -> None:
        one = factories.package(sales, "Orders")
        other = factories.package(sales, "Orders", component_id=one.component_id)
        signed_in(client, alice)
        sent = {"dev_account": sales.pk, "package_id": [one.package_id, other.package_id]}
        answer = client.post(reverse("make_plan"), sent, follow=True)
        assert "Two of these packages are of one process." in text(answer)
        assert not Plan.objects.exists()

    def test_a_package_that_is_ticked_twice_counts_once(
        self, sales: DevAccount, alice: User
    ) -> None:
        made = factories.package(sales, "Orders")
        plan = services.make_plan(alice, sales, made.package_id, made.package_id)
        assert len(plan.packages) == 1

    def test_there_is_a_bound(self, sales: DevAccount, alice: User) -> None:
        with pytest.raises(PromotionError) as refused:
            services.make_plan(alice, sales, *(f"package {number}" for number in range(21)))
        assert refused.value.code == "TOO_MANY_PACKAGES"


class TestRequesting:
    def test_each_package_gets_a_version_of_its_own(
        self, client: Client, plan: Plan, alice: User
    ) -> None:
        target = factories.environment()
        signed_in(client, alice)
        page = client.get(plan.get_absolute_url())
        assert "Promoted together" in text(page)
        assert "Version of “Order import” in production" in text(page)
        further = f"version_{plan.further.get().pk}"
        assert fields(page, further) == ["2.4"]
        sent = {"package_version": "9.0", "environments": [target.pk]}
        address = reverse("submit_promotion", args=[plan.pk])
        refused = client.post(address, sent)
        assert "Say which version it becomes in production." in text(refused)
        assert not PromotionRequest.objects.exists()
        client.post(address, {**sent, further: "5.0"})
        promotion = PromotionRequest.objects.get()
        assert promotion.versions == "9.0, 5.0"
        assert [made.process_id for made in promotion.packages] == [
            plan.root_twin.lower(),
            "prod-returns",
        ]
        assert promotion.deployments.count() == 2

    def test_a_version_that_one_of_them_has_already_is_refused(
        self, plan: Plan, alice: User
    ) -> None:
        plan.further.update(taken_versions=["5.0"])
        with pytest.raises(PromotionError) as refused:
            services.submit(
                alice,
                plan,
                package_version="9.0",
                further_versions={"package-returns": "5.0"},
                environments=[factories.environment()],
            )
        assert (refused.value.code, refused.value.detail) == (
            "PACKAGE_VERSION_EXISTS",
            "“Returns” 5.0.",
        )

    def test_a_policy_for_any_of_the_processes_applies(self, plan: Plan, alice: User) -> None:
        """The order in which packages are ticked is no way around a policy."""
        ReviewPolicy.objects.create(name="Returns", root_component_id="DEV-RETURNS", admins=2)
        promotion = services.submit(
            alice,
            plan,
            package_version="9.0",
            further_versions={"package-returns": "5.0"},
            environments=[factories.environment()],
        )
        assert promotion.demanded.admins == 2


def test_a_failed_one_is_requested_again_with_all_its_packages_and_versions(
    client: Client, plan: Plan, alice: User
) -> None:
    failed = factories.bundle(plan, alice, Status.FAILED)
    again = services.resubmit(alice, failed)
    assert [one.package_id for one in again.packages] == [one.package_id for one in plan.packages]
    further = again.further.get()
    further.root_name = "Returns"
    further.save()
    form = SubmitForm(plan=again)
    assert form.initial["package_version"] == failed.package_version
    assert form.initial[f"version_{further.pk}"] == "5.0"


class TestTheReview:
    def test_the_confirmation_names_all_of_it(
        self, client: Client, waiting: PromotionRequest, bob: User
    ) -> None:
        pack = factories.pack("Order processes")
        signed_in(client, bob)
        page = client.get(reverse("review", args=[waiting.pk]))
        assert "Order import and 1 more" in text(page)
        assert "Source package of Returns" in text(page)
        assert "Integration Pack of “Returns”" in text(page)
        further = waiting.further.get()
        own = f"new_pack_name_{further.pk}"
        sent = {"plan_hash": waiting.content_hash, "pack": str(pack.pk), own: "Returns only"}
        asked = client.post(reverse("approve", args=[waiting.pk]), sent)
        told = text(asked)
        assert f"become 2 packages: Order import {waiting.package_version}, Returns 5.0." in told
        assert "Release of Order processes with Order import." in told
        assert "Release of the new Integration Pack Returns only with Returns." in told
        assert "Deploy each of them to 1 environment" in told
        names = ("plan_hash", "pack", "new_pack_name", "confirmed_hash", f"pack_{further.pk}", own)
        confirmed = {name: fields(asked, name)[0] for name in names}
        client.post(reverse("approve", args=[waiting.pk]), confirmed)
        waiting.refresh_from_db()
        assert waiting.status == Status.APPROVED
        assert waiting.pack == pack
        assert waiting.further.get().new_pack_name == "Returns only"
        approved = waiting.approved_object()
        assert [(one.package_version, one.pack_name) for one in approved.packages] == [
            (waiting.package_version, "Order processes"),
            ("5.0", "Returns only"),
        ]

    def test_where_nothing_is_chosen_it_goes_into_the_same_pack(
        self, client: Client, waiting: PromotionRequest, bob: User
    ) -> None:
        signed_in(client, bob)
        sent = {"plan_hash": waiting.content_hash, "new_pack_name": "Both"}
        told = text(client.post(reverse("approve", args=[waiting.pk]), sent))
        assert "Release of the new Integration Pack Both with Order import, Returns." in told

    def test_a_pack_and_a_name_for_one_package_are_one_too_many(
        self, client: Client, waiting: PromotionRequest, bob: User
    ) -> None:
        pack, further = factories.pack(), waiting.further.get()
        signed_in(client, bob)
        sent = {"plan_hash": waiting.content_hash, "new_pack_name": "Both"}
        sent |= {f"pack_{further.pk}": str(pack.pk), f"new_pack_name_{further.pk}": "Another"}
        answer = client.post(reverse("approve", args=[waiting.pk]), sent)
        assert "Choose a pack or name a new one, not both." in text(answer)

    @pytest.mark.parametrize("spoil", ["gone", "another"])
    def test_packages_that_are_others_than_approved_stop_it(
        self, waiting: PromotionRequest, bob: User, spoil: str
    ) -> None:
        services.approve(bob, waiting, plan_hash=waiting.content_hash, new_pack_name="Both")
        waiting.refresh_from_db()
        context = cast(
            StepContext,
            SimpleNamespace(promotion=waiting, approved=waiting.approved_object()),
        )
        assert [part.name for part in parts(context)] == ["Order import", "Returns"]
        if spoil == "gone":
            waiting.further.all().delete()
        else:
            waiting.plan.further.update(package_id="another")
        with pytest.raises(PromotionError) as refused:
            parts(context)
        assert refused.value.code == "APPROVAL_MISSING"

    def test_another_pack_for_one_package_is_another_approval(
        self, waiting: PromotionRequest, bob: User
    ) -> None:
        choices = [
            services.preview_approval(
                bob,
                waiting,
                plan_hash=waiting.content_hash,
                new_pack_name="Both",
                further_packs={waiting.further.get().pk: PackChoice(new_pack_name=name)},
            )
            for name in ("One", "Two")
        ]
        assert choices[0].hash != choices[1].hash
        # Peers approve all but the packs.
        assert choices[0].peers_hash == choices[1].peers_hash


def test_an_approval_of_one_package_has_the_form_that_it_always_had() -> None:
    stored = {
        "content_hash": "c",
        "package_id": "p",
        "package_version": "1",
        "pack_id": "",
        "pack_name": "Orders",
        "notes": "",
        "stage": "before_review",
        "dialect": "guide",
        "environment_values": "keep",
        "rules_version": 3,
        "environments": [{"environment_id": "e", "name": "EU", "classification": "PROD"}],
        "findings": [],
        "production_changes": "",
        "pause_listeners": False,
        "version": 2,
    }
    read = Approved.from_json(stored)
    assert read.as_json() == stored
    assert read.hash == hash_of(stored)
    assert [one.package_id for one in read.packages] == ["p"]


class TestAfterwards:
    def test_the_promotion_tells_of_each_package(
        self, client: Client, deployed: PromotionRequest, alice: User
    ) -> None:
        deployed.further.update(
            package_error_code="PACK_NOT_FOUND", package_error="The pack “Gone”."
        )
        signed_in(client, alice)
        told = text(client.get(deployed.get_absolute_url()))
        assert "Order import and 1 more" in told
        assert "merged together; each goes its own way afterwards" in told
        assert "made-returns" in told
        assert "The pack “Gone”." in told

    def test_the_board_has_a_row_for_each_process(
        self, client: Client, deployed: PromotionRequest, alice: User
    ) -> None:
        signed_in(client, alice)
        told = text(client.get(reverse("process_board")))
        assert "Processes, 2 in all" in told
        assert "ReturnsSales Dev" in told
        assert "Order importSales Dev" in told
        page = text(client.get(reverse("process_history", args=["prod-returns"])))
        assert "Versions of Returns" in page
        assert "5.0 On main" in page
        # Only what the process itself brings.
        assert "1 difference" in page
        assert "Order to invoice" not in page

    def test_one_process_is_deployed_further(
        self, client: Client, deployed: PromotionRequest, alice: User
    ) -> None:
        further, america = deployed.further.get(), factories.environment("Production US")
        signed_in(client, alice)
        address = f"{reverse('deploy_further', args=[deployed.pk])}?package={further.pk}"
        page = client.get(address)
        assert "Returns 5.0" in text(page)
        sent = {"package": fields(page, "package")[0], "environments": [america.pk]}
        client.post(reverse("deploy_further", args=[deployed.pk]), sent)
        made = PromotionRequest.objects.get(kind="deployment")
        assert (made.called, made.package_version) == ("Returns", "5.0")
        assert made.source_package == further
        assert made.package_id == "made-returns"
        assert services.further_environments(further) == []
        assert services.further_environments(deployed) == [america]
        assert "Returns 5.0" in text(client.get(made.get_absolute_url()))

    def test_one_process_is_rolled_back(
        self, client: Client, deployed: PromotionRequest, sales: DevAccount, alice: User, bob: User
    ) -> None:
        newer = factories.deployed(
            factories.plan(sales, alice, root_component_id="dev-returns", root_name="Returns"),
            alice,
            bob,
            process_id="prod-returns",
        )
        further = deployed.further.get()
        assert services.may_be_restored(further)
        assert not services.may_be_restored(deployed)
        signed_in(client, alice)
        page = client.get(reverse("process_history", args=["prod-returns"]))
        assert "Roll back to 5.0" in text(page)
        client.post(reverse("plan_rollback", args=[deployed.pk]), {"package": str(further.pk)})
        plan = Plan.objects.get(restores=deployed)
        assert (plan.restored, plan.root_component_id) == (further, "dev-returns")
        assert newer.process_id == "prod-returns"

    def test_it_is_found_by_the_name_of_any_of_them(self, deployed: PromotionRequest) -> None:
        assert list(PromotionRequest.objects.named("returns")) == [deployed]
        assert list(PromotionRequest.objects.named("5.0")) == [deployed]

    def test_an_older_promotion_of_more_than_this_is_not_closed(
        self, waiting: PromotionRequest, sales: DevAccount, alice: User
    ) -> None:
        alone = factories.promotion(
            factories.plan(sales, alice, root_component_id="dev-returns"),
            alice,
            submitted_at=timezone.now(),
        )
        assert services.older_open(alone) == []
        PromotionRequest.objects.filter(pk=waiting.pk).update(submitted_at=timezone.now())
        PromotionRequest.objects.filter(pk=alone.pk).update(
            submitted_at=timezone.now() - timedelta(hours=1)
        )
        waiting.refresh_from_db()
        assert services.older_open(waiting) == [alone]


class TestWhatTheDatabaseRefuses:
    def test_a_package_twice_in_one_plan(self, plan: Plan) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            plan.further.create(package_id="package-returns")

    def test_one_environment_twice_for_one_package(self, waiting: PromotionRequest) -> None:
        for deployment in list(waiting.deployments.all()):
            deployment.pk = None
            with pytest.raises(IntegrityError), transaction.atomic():
                deployment.save(force_insert=True)
        assert Environment.objects.count() == 1


class TestAReservationMayBeHeldByAPackage:
    def test_what_only_a_further_package_brings_is_held_by_it(
        self, waiting: PromotionRequest
    ) -> None:
        further = waiting.further.get()
        assert waiting.brought_by() == {"dev-returns": further}
        held = waiting.reservations.create(
            dev_account=waiting.dev_account, dev_component_id="dev-returns", package=further
        )
        assert held.holder == f"promotion {waiting.pk} (“Returns”)"
        own = waiting.reservations.create(
            dev_account=waiting.dev_account, dev_component_id="dev-orders"
        )
        assert own.holder == f"promotion {waiting.pk}"

    def test_two_packages_never_hold_the_same(self, waiting: PromotionRequest) -> None:
        """Not even of one promotion: what they share is created once."""
        account = waiting.dev_account
        waiting.reservations.create(dev_account=account, dev_component_id="dev-returns")
        with pytest.raises(IntegrityError), transaction.atomic():
            waiting.reservations.create(
                dev_account=account,
                dev_component_id="dev-returns",
                package=waiting.further.get(),
            )

    def test_it_goes_with_its_package(self, waiting: PromotionRequest) -> None:
        further = waiting.further.get()
        waiting.reservations.create(
            dev_account=waiting.dev_account, dev_component_id="dev-returns", package=further
        )
        further.deployments.all().delete()
        further.delete()
        assert not waiting.reservations.exists()
