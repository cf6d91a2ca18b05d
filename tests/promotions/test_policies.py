"""Who decides: review policies, peers, one or two admins, deputies, and what takes an approval away."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from promotions import access, services, votes
from promotions.messages import PromotionError
from promotions.models import (
    Approval,
    ApprovalLapsed,
    Demand,
    Deputy,
    DevAccount,
    Event,
    IntegrationPack,
    PromotionRequest,
    ReviewPolicy,
)
from promotions.pipeline.rereview import review_again
from promotions.states import MERGE_INCOMPLETE, Status
from tests.promotions import factories
from tests.promotions.pages import links, signed_in, text

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]


@pytest.fixture
def sales() -> DevAccount:
    return factories.account()


@pytest.fixture
def pack() -> IntegrationPack:
    return factories.pack()


@pytest.fixture
def people(make_user: MakeUser) -> dict[str, User]:
    """Two of Finance, one of Platform, one of both, none of whom sees the account otherwise."""
    return {
        "fay": make_user("fay", "Finance"),
        "finn": make_user("finn", "Finance"),
        "pam": make_user("pam", "Platform"),
        "both": make_user("both", "Finance", "Platform"),
    }


def policy(
    name: str = "Money", groups: dict[str, int] | None = None, **columns: Any
) -> ReviewPolicy:
    excluded = {key: columns.pop(key, []) for key in ("excluded_groups", "excluded_people")}
    made = ReviewPolicy.objects.create(name=name, **columns)
    for group, number in (groups or {}).items():
        made.groups.create(group=Group.objects.get_or_create(name=group)[0], number=number)
    for key, rows in excluded.items():
        getattr(made, key).set(rows)
    return made


def submitted(account: DevAccount, requester: User, **columns: Any) -> PromotionRequest:
    """A promotion in review, under the policies of now."""
    plan = factories.mapped_plan(account, requester)
    return factories.under_policies(plan, requester, **columns)


def as_peer(user: User, promotion: PromotionRequest) -> None:
    services.approve_as_peer(user, promotion, plan_hash=promotion.content_hash)


def approve(user: User, promotion: PromotionRequest, pack: IntegrationPack, **more: Any) -> None:
    services.approve(user, promotion, plan_hash=promotion.content_hash, pack=pack, **more)


def refused(code: str, what: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(PromotionError) as error:
        what(*args, **kwargs)
    assert error.value.code == code, error.value
    return error.value.detail


def status(promotion: PromotionRequest) -> str:
    promotion.refresh_from_db()
    return promotion.status


def lapse(approval: Approval) -> None:
    """As if its time had come: written as the service would have, with an earlier end."""
    approval.until = timezone.now()
    approval.seal = approval.make_seal()
    approval.save()


class TestWhatApplies:
    def test_without_a_policy_one_admin_decides(
        self, sales: DevAccount, alice: User, bob: User, pack: IntegrationPack
    ) -> None:
        promotion = submitted(sales, alice)
        assert promotion.demand == {}
        approve(bob, promotion, pack)
        assert status(promotion) == Status.APPROVED
        assert promotion.approvals_missing == 0

    def test_a_hash_of_before_there_were_policies_stays_what_it_was(
        self, sales: DevAccount, alice: User
    ) -> None:
        approved = services.approvals.freeze(submitted(sales, alice), pack=None, new_pack_name="")
        assert "demand" not in approved.as_json()
        assert type(approved).from_json(approved.as_json()) == approved

    @pytest.mark.parametrize(
        ("columns", "applies"),
        [
            ({}, True),
            ({"is_active": False}, False),
            ({"root_component_id": "DEV-ROOT"}, True),
            ({"root_component_id": "another"}, False),
            ({"folder": "/Finance/invoices/"}, True),
            ({"folder": "Finance"}, True),
            ({"folder": "Fin"}, False),
            ({"folder": "Finance/Invoices/Old"}, False),
        ],
    )
    def test_a_policy_applies_to_what_it_names(
        self, sales: DevAccount, alice: User, columns: dict[str, Any], applies: bool
    ) -> None:
        plan = factories.plan(sales, alice, root_component_id="dev-root")
        plan.components.update(target_folder="Finance/Invoices")
        policy(peers=1, **columns)
        demand = ReviewPolicy.objects.demand_on(plan, [])
        assert (demand.peers == 1) is applies

    def test_accounts_and_environments_too(self, sales: DevAccount, alice: User) -> None:
        here, there = factories.environment("Here"), factories.environment("There")
        policy("Account", peers=1, dev_account=sales)
        policy("Another account", peers=5, dev_account=factories.account("Other"))
        policy("There", peers=2, environment=there)
        plan = factories.plan(sales, alice)
        assert ReviewPolicy.objects.demand_on(plan, [here]).policies == ("Account",)
        assert ReviewPolicy.objects.demand_on(plan, [here, there]).peers == 2

    def test_overlapping_ones_combine_to_the_strictest(
        self, sales: DevAccount, alice: User, bob: User, dora: User
    ) -> None:
        policy("A", {"Finance": 2}, peers=2, excluded_people=[bob])
        policy("B", {"Finance": 1, "Platform": 1}, peers=2, admins=2, excluded_people=[dora])
        demand = ReviewPolicy.objects.demand_on(factories.plan(sales, alice), [])
        assert demand.policies == ("A", "B")
        assert [(row.name, row.number) for row in demand.groups] == [
            ("Finance", 2),
            ("Platform", 1),
        ]
        assert (demand.peers, demand.admins) == (3, 2)
        assert demand.excluded_people == tuple(sorted((bob.pk, dora.pk)))
        assert Demand.from_json(demand.as_json()) == demand

    def test_a_promotion_keeps_what_applied_when_it_was_submitted(
        self, sales: DevAccount, alice: User, bob: User, people: Any, pack: IntegrationPack
    ) -> None:
        before = submitted(sales, alice)
        before.plan.components.update(target_folder="Elsewhere")
        made = policy(groups={"Finance": 1})
        after = submitted(sales, alice)
        approve(bob, before, pack)
        assert status(before) == Status.APPROVED
        made.delete()
        refused("PEERS_MISSING", approve, bob, after, pack)
        as_peer(people["fay"], after)
        approve(bob, after, pack)
        assert status(after) == Status.APPROVED


class TestPeers:
    def test_two_groups_and_then_an_admin(
        self, sales: DevAccount, alice: User, bob: User, people: Any, pack: IntegrationPack
    ) -> None:
        policy(groups={"Finance": 2, "Platform": 1})
        promotion = submitted(sales, alice)
        told = refused("PEERS_MISSING", approve, bob, promotion, pack)
        assert told == "Still needed: 2 peers from Finance, 1 peer from Platform and an admin."
        as_peer(people["fay"], promotion)
        as_peer(people["pam"], promotion)
        told = refused("PEERS_MISSING", approve, bob, promotion, pack)
        assert told == "Still needed: 1 peer from Finance and an admin."
        as_peer(people["finn"], promotion)
        approve(bob, promotion, pack)
        assert status(promotion) == Status.APPROVED
        votes.check(promotion, promotion.approved_object())

    def test_somebody_of_both_groups_counts_for_one_and_for_the_one_that_is_open(
        self, sales: DevAccount, alice: User, bob: User, people: Any, pack: IntegrationPack
    ) -> None:
        policy(groups={"Finance": 1, "Platform": 1})
        promotion = submitted(sales, alice)
        as_peer(people["both"], promotion)
        assert "1 peer from" in refused("PEERS_MISSING", approve, bob, promotion, pack)
        # Whoever comes next, the first one takes the other place.
        as_peer(people["fay"], promotion)
        approve(bob, promotion, pack)
        assert status(promotion) == Status.APPROVED

    def test_one_person_counts_once_under_every_name(
        self, sales: DevAccount, alice: User, people: Any, make_user: MakeUser
    ) -> None:
        policy(groups={"Finance": 2})
        promotion = submitted(sales, alice)
        as_peer(people["fay"], promotion)
        refused("COUNTED_ALREADY", as_peer, people["fay"], promotion)
        again = make_user("fay2", "Finance")
        User.objects.filter(pk=again.pk).update(email=" FAY@example.com")
        refused("COUNTED_ALREADY", as_peer, User.objects.get(pk=again.pk), promotion)

    def test_the_requester_never_counts_under_any_name(
        self, sales: DevAccount, alice: User, make_user: MakeUser
    ) -> None:
        policy(groups={"Finance": 1})
        promotion = submitted(sales, alice)
        alice.groups.add(Group.objects.get(name="Finance"))
        refused("SELF_REVIEW", as_peer, alice, promotion)
        other = make_user("alice-2", "Finance")
        User.objects.filter(pk=other.pk).update(email="Alice@Example.com ")
        refused("SELF_REVIEW", as_peer, User.objects.get(pk=other.pk), promotion)
        assert Event.objects.filter(action="self_review_refused").count() == 2

    def test_an_admin_who_was_a_peer_is_no_admin_any_more(
        self, sales: DevAccount, alice: User, bob: User, dora: User, pack: IntegrationPack
    ) -> None:
        policy(groups={"Finance": 1})
        bob.groups.add(Group.objects.get(name="Finance"))
        promotion = submitted(sales, alice)
        as_peer(bob, promotion)
        refused("COUNTED_ALREADY", approve, bob, promotion, pack)
        approve(dora, promotion, pack)
        assert status(promotion) == Status.APPROVED

    def test_peers_of_no_group_are_those_who_see_the_account(
        self, sales: DevAccount, alice: User, people: Any, make_user: MakeUser
    ) -> None:
        policy(peers=1)
        promotion = submitted(sales, alice)
        assert not access.promotions(people["fay"]).exists()
        colleague = make_user("carl", access.CONTRIBUTORS, "Team A")
        assert services.needing(colleague) == [promotion]
        as_peer(colleague, promotion)
        refused("NOT_NEEDED", as_peer, make_user("cora", access.CONTRIBUTORS, "Team A"), promotion)

    def test_an_open_place_is_for_nobody_who_does_not_see_the_promotion(
        self, sales: DevAccount, alice: User, people: Any, make_user: MakeUser
    ) -> None:
        policy(peers=1)
        promotion = submitted(sales, alice)
        elsewhere = make_user("eve", access.CONTRIBUTORS, "Team Z")
        for stranger in (people["fay"], elsewhere):
            refused("FORBIDDEN", as_peer, stranger, promotion)
            refused("FORBIDDEN", services.reject, stranger, promotion, reason="No.")
        assert not promotion.approvals.exists()

    def test_a_peer_who_lost_the_account_counts_no_more(
        self, sales: DevAccount, alice: User, bob: User, pack: Any, make_user: MakeUser
    ) -> None:
        policy(peers=1)
        promotion = submitted(sales, alice)
        colleague = make_user("carl", access.CONTRIBUTORS, "Team A")
        as_peer(colleague, promotion)
        colleague.groups.remove(Group.objects.get(name="Team A"))
        refused("PEERS_MISSING", approve, bob, promotion, pack)

    def test_others_are_refused_with_an_event(
        self, sales: DevAccount, alice: User, charlie: User, people: Any
    ) -> None:
        policy(groups={"Finance": 1})
        promotion = submitted(sales, alice)
        for stranger in (charlie, people["pam"]):
            refused("FORBIDDEN", as_peer, stranger, promotion)
            refused("FORBIDDEN", services.reject, stranger, promotion, reason="No.")
        assert Event.objects.filter(action="access_refused").count() == 4

    def test_whom_a_policy_leaves_out_has_no_say(
        self, sales: DevAccount, alice: User, bob: User, people: Any, pack: IntegrationPack
    ) -> None:
        policy(
            groups={"Finance": 1},
            excluded_people=[bob],
            excluded_groups=[Group.objects.get(name="Platform")],
        )
        promotion = submitted(sales, alice)
        refused("NOT_A_REVIEWER", as_peer, people["both"], promotion)
        as_peer(people["fay"], promotion)
        refused("NOT_A_REVIEWER", approve, bob, promotion, pack)
        refused("NOT_A_REVIEWER", services.reject, bob, promotion, reason="No.")
        services.comment(people["fay"], promotion, text="Ask Bob's team.", is_private=True)
        assert services.comments(bob, promotion) == []
        refused("FORBIDDEN", services.comment, bob, promotion, text="Why?", is_private=True)

    def test_a_peers_no_ends_it(self, sales: DevAccount, alice: User, people: Any) -> None:
        policy(groups={"Finance": 1})
        promotion = submitted(sales, alice)
        services.reject(people["fay"], promotion, reason="The account is wrong.")
        assert status(promotion) == Status.REJECTED


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_takes_the_place(
    sales: DevAccount, alice: User, people: dict[str, User]
) -> None:
    policy(groups={"Finance": 1})
    promotion = submitted(sales, alice)

    def attempt(user: User) -> str:
        try:
            as_peer(user, PromotionRequest.objects.get(pk=promotion.pk))
        except PromotionError as error:
            return error.code
        finally:
            connection.close()
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        came = list(pool.map(attempt, (people["fay"], people["finn"])))
    assert sorted(came) == ["NOT_NEEDED", "approved"]
    assert promotion.approvals.count() == 1


class TestTwoAdmins:
    @pytest.fixture
    def promotion(self, sales: DevAccount, alice: User) -> PromotionRequest:
        policy(admins=2)
        return submitted(sales, alice)

    def test_both_approve_the_same(
        self, promotion: PromotionRequest, bob: User, dora: User, pack: IntegrationPack
    ) -> None:
        approve(bob, promotion, pack)
        assert status(promotion) == Status.ADMIN_REVIEW
        assert promotion.pack == pack
        refused("COUNTED_ALREADY", approve, bob, promotion, pack)
        approve(dora, promotion, pack)
        assert status(promotion) == Status.APPROVED
        assert promotion.approved_by == dora

    def test_the_page_says_whether_another_admin_is_needed_after_this_one(
        self,
        client: Client,
        promotion: PromotionRequest,
        bob: User,
        dora: User,
        pack: IntegrationPack,
    ) -> None:
        address = f"/queue/{promotion.pk}/approve/"
        data = {"plan_hash": promotion.content_hash, "pack": pack.pk}
        words = "Another admin has to approve the same"
        assert words in text(signed_in(client, bob).post(address, data))
        approve(bob, promotion, pack)
        assert words not in text(signed_in(client, dora).post(address, data))
        other = data | {"pack": factories.pack("Another").pk}
        assert words in text(client.post(address, other))

    def test_another_pack_needs_both_anew(
        self, promotion: PromotionRequest, bob: User, dora: User, pack: IntegrationPack
    ) -> None:
        other = factories.pack("Another")
        approve(bob, promotion, pack)
        approve(dora, promotion, other)
        assert status(promotion) == Status.ADMIN_REVIEW
        assert [vote.person for vote in services.votes_so_far(promotion).spent] == [bob]
        approve(bob, promotion, other)
        assert status(promotion) == Status.APPROVED

    def test_a_retry_changes_nothing_that_several_have_approved(
        self, promotion: PromotionRequest, bob: User, dora: User, pack: IntegrationPack
    ) -> None:
        approve(bob, promotion, pack)
        approve(dora, promotion, pack)
        PromotionRequest.objects.filter(pk=promotion.pk).update(
            status=Status.FAILED, error_code=MERGE_INCOMPLETE
        )
        promotion.refresh_from_db()
        told = refused("INVALID_TRANSITION", services.retry, bob, promotion, package_version="9")
        assert "Several people approved it" in told
        services.retry(bob, promotion)
        assert status(promotion) == Status.DEPLOYING


class TestWhatTakesAnApprovalAway:
    @pytest.fixture
    def promotion(self, sales: DevAccount, alice: User, people: Any) -> PromotionRequest:
        policy(groups={"Finance": 1})
        made = submitted(sales, alice)
        as_peer(people["fay"], made)
        return made

    @pytest.mark.parametrize(
        "what", ["lapsed", "content", "environment", "finding", "deactivated", "left the group"]
    )
    def test_before_the_admin(
        self,
        promotion: PromotionRequest,
        bob: User,
        people: Any,
        pack: IntegrationPack,
        what: str,
    ) -> None:
        self.change(promotion, what, bob, people["fay"])
        promotion = PromotionRequest.objects.get(pk=promotion.pk)
        refused("PEERS_MISSING", approve, bob, promotion, pack)
        assert len(services.votes_so_far(promotion).spent) == 1
        as_peer(people["finn"], promotion)
        approve(bob, promotion, pack)
        assert status(promotion) == Status.APPROVED

    @pytest.mark.parametrize("what", ["lapsed", "deactivated", "left the group", "demand"])
    def test_and_after(
        self,
        promotion: PromotionRequest,
        bob: User,
        people: Any,
        pack: IntegrationPack,
        what: str,
    ) -> None:
        approve(bob, promotion, pack)
        promotion.refresh_from_db()
        votes.check(promotion, promotion.approved_object())
        self.change(promotion, what, bob, people["fay"])
        promotion = PromotionRequest.objects.get(pk=promotion.pk)
        refused("APPROVAL_MISSING", votes.check, promotion, promotion.approved_object())

    @staticmethod
    def change(promotion: PromotionRequest, what: str, admin: User, peer: User) -> None:
        row = PromotionRequest.objects.filter(pk=promotion.pk)
        if what == "lapsed":
            lapse(promotion.approvals.get(role="peer"))
        elif what == "content":
            row.update(content_hash="f" * 64)
        elif what == "environment":
            target = promotion.deployments.get().environment
            target.name = "Another name"
            target.save()
        elif what == "finding":
            finding = factories.finding(promotion.plan, "Order import", can_be_accepted=True)
            finding.accepted_by, finding.accepted_reason = admin, "It is meant so."
            finding.save()
        elif what == "deactivated":
            User.objects.filter(pk=peer.pk).update(is_active=False)
        elif what == "left the group":
            peer.groups.clear()
        else:
            row.update(demand={})

    def test_one_that_lapsed_and_was_replaced_takes_nothing_away_any_more(
        self, promotion: PromotionRequest, bob: User, people: Any, pack: IntegrationPack
    ) -> None:
        lapse(promotion.approvals.get())
        as_peer(people["finn"], promotion)
        approve(bob, promotion, pack)
        promotion.refresh_from_db()
        assert promotion.why_approval_lapsed == ""
        lapse(promotion.approvals.get(person=people["finn"]))
        assert promotion.why_approval_lapsed.startswith("It lasted until")

    def test_the_review_begins_again_with_all_that_it_needs(
        self, promotion: PromotionRequest, bob: User, pack: IntegrationPack
    ) -> None:
        approve(bob, promotion, pack)
        promotion.refresh_from_db()
        review_again(promotion, ApprovalLapsed("It lasted."), epoch=promotion.lease_epoch)
        assert status(promotion) == Status.ADMIN_REVIEW
        assert promotion.approvals_missing == 2

    def test_the_database_refuses_a_merge_before_the_last_approval(
        self, promotion: PromotionRequest, bob: User
    ) -> None:
        rows = PromotionRequest.objects.filter(pk=promotion.pk)
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(merge_started_at=timezone.now(), approved_by=bob, approved_hash="f" * 64)


class TestDeputies:
    @pytest.fixture
    def deputy(self, bob: User, charlie: User) -> Deputy:
        now = timezone.now()
        return Deputy.objects.create(
            admin=bob,
            deputy=charlie,
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(hours=1),
        )

    def test_a_deputy_decides_for_a_time(
        self,
        sales: DevAccount,
        alice: User,
        charlie: User,
        deputy: Deputy,
        pack: IntegrationPack,
    ) -> None:
        promotion = submitted(sales, alice)
        approve(charlie, promotion, pack)
        assert status(promotion) == Status.APPROVED
        assert promotion.approvals.get().in_place_of == deputy.admin
        assert not access.is_admin(charlie)
        # What was decided in time stays decided.
        Deputy.objects.update(ends_at=timezone.now() + timedelta(milliseconds=1))
        access.check_standing(promotion)
        later = submitted(sales, alice)
        refused("FORBIDDEN", approve, charlie, later, pack)

    def test_nobody_stands_in_for_the_requester(
        self, sales: DevAccount, bob: User, charlie: User, deputy: Deputy, pack: IntegrationPack
    ) -> None:
        refused("SELF_REVIEW", approve, charlie, submitted(sales, bob), pack)

    def test_nor_for_somebody_who_is_no_admin_any_more(
        self, sales: DevAccount, alice: User, bob: User, charlie: User, deputy: Deputy, pack: Any
    ) -> None:
        bob.groups.clear()
        refused("FORBIDDEN", approve, charlie, submitted(sales, alice), pack)

    def test_nor_for_an_admin_whom_a_policy_leaves_out(
        self,
        sales: DevAccount,
        alice: User,
        bob: User,
        charlie: User,
        dora: User,
        deputy: Deputy,
        pack: Any,
    ) -> None:
        policy(excluded_people=[bob])
        promotion = submitted(sales, alice)
        refused("NOT_A_REVIEWER", approve, charlie, promotion, pack)
        refused("NOT_A_REVIEWER", services.reject, charlie, promotion, reason="No.")
        assert services.needing(charlie) == []
        # The deputy of another admin as well decides in place of that one.
        Deputy.objects.create(
            admin=dora, deputy=charlie, starts_at=deputy.starts_at, ends_at=deputy.ends_at
        )
        approve(charlie, promotion, pack)
        assert promotion.approvals.get().in_place_of == dora

    def test_an_admin_and_the_deputy_count_as_one(
        self,
        sales: DevAccount,
        alice: User,
        bob: User,
        charlie: User,
        dora: User,
        deputy: Deputy,
        pack: IntegrationPack,
    ) -> None:
        policy(admins=2)
        promotion = submitted(sales, alice)
        approve(charlie, promotion, pack)
        refused("COUNTED_ALREADY", approve, bob, promotion, pack)
        approve(dora, promotion, pack)
        assert status(promotion) == Status.APPROVED

    @pytest.fixture
    def of_two(self, deputy: Deputy, dora: User) -> Deputy:
        """Charlie stands in for Dora as well."""
        return Deputy.objects.create(
            admin=dora, deputy=deputy.deputy, starts_at=deputy.starts_at, ends_at=deputy.ends_at
        )

    @pytest.mark.parametrize("here", ["bob", "dora"])
    def test_a_deputy_of_two_decides_for_the_one_who_has_not(
        self,
        sales: DevAccount,
        alice: User,
        bob: User,
        charlie: User,
        dora: User,
        of_two: Deputy,
        pack: Any,
        here: str,
    ) -> None:
        policy(admins=2)
        promotion = submitted(sales, alice)
        one, other = (bob, dora) if here == "bob" else (dora, bob)
        approve(one, promotion, pack)
        assert services.needing(charlie) == [promotion]
        refused("COUNTED_ALREADY", approve, charlie, promotion, pack, in_place_of=one)
        approve(charlie, promotion, pack)
        assert promotion.approvals.get(person=charlie).in_place_of == other
        assert status(promotion) == Status.APPROVED

    def test_a_deputy_of_two_counts_once(
        self, sales: DevAccount, alice: User, charlie: User, dora: User, of_two: Deputy, pack: Any
    ) -> None:
        policy(admins=2)
        promotion = submitted(sales, alice)
        approve(charlie, promotion, pack)
        refused("COUNTED_ALREADY", approve, charlie, promotion, pack, in_place_of=dora)
        assert services.needing(charlie) == []
        approve(dora, promotion, pack)
        assert status(promotion) == Status.APPROVED

    def test_a_deputy_of_two_chooses_for_whom_they_decide(
        self,
        client: Client,
        sales: DevAccount,
        alice: User,
        bob: User,
        charlie: User,
        dora: User,
        of_two: Deputy,
        pack: IntegrationPack,
    ) -> None:
        policy(admins=2)
        promotion = submitted(sales, alice)
        address = f"/queue/{promotion.pk}/approve/"
        data = {"plan_hash": promotion.content_hash, "pack": pack.pk}
        page = signed_in(client, charlie).post(address, data)
        assert "In place of" in text(page)
        confirmed = page.context["approved"].hash
        assert client.post(address, data | {"confirmed_hash": confirmed, "in_place_of": dora.pk})
        assert promotion.approvals.get().in_place_of == dora
        # So the admin who is there has a vote of their own.
        approve(bob, promotion, pack)
        assert status(promotion) == Status.APPROVED

    def test_a_deputy_decides_for_nobody_else(
        self,
        sales: DevAccount,
        alice: User,
        bob: User,
        charlie: User,
        dora: User,
        deputy: Deputy,
        pack: IntegrationPack,
    ) -> None:
        promotion = submitted(sales, alice)
        refused("FORBIDDEN", approve, charlie, promotion, pack, in_place_of=dora)
        assert Event.objects.filter(action="access_refused", actor=charlie).exists()
        # An admin decides in nobody's place.
        refused("FORBIDDEN", approve, dora, promotion, pack, in_place_of=bob)
        assert promotion.approvals.count() == 0

    def test_a_deputy_is_told_that_the_admin_has_approved(
        self, sales: DevAccount, alice: User, bob: User, charlie: User, deputy: Deputy, pack: Any
    ) -> None:
        policy(admins=2)
        promotion = submitted(sales, alice)
        approve(bob, promotion, pack)
        refused("COUNTED_ALREADY", approve, charlie, promotion, pack)
        assert services.needing(charlie) == []
        assert promotion.approvals.count() == 1

    def test_an_admin_who_is_only_a_deputy_by_now_counts_no_more(
        self, sales: DevAccount, alice: User, bob: User, charlie: User, deputy: Deputy, pack: Any
    ) -> None:
        """Otherwise an admin and their deputy would be two."""
        policy(admins=2)
        promotion = submitted(sales, alice)
        admins = Group.objects.get(name=access.ADMINS)
        charlie.groups.add(admins)
        approve(charlie, promotion, pack)
        charlie.groups.remove(admins)
        approve(bob, promotion, pack)
        assert status(promotion) == Status.ADMIN_REVIEW

    def test_nor_does_who_stood_in_for_somebody_who_is_no_admin_any_more(
        self,
        sales: DevAccount,
        alice: User,
        bob: User,
        charlie: User,
        dora: User,
        deputy: Deputy,
        pack: Any,
    ) -> None:
        policy(admins=2)
        promotion = submitted(sales, alice)
        approve(charlie, promotion, pack)
        assert promotion.approvals.get().in_place_of == bob
        Deputy.objects.create(
            admin=dora, deputy=charlie, starts_at=deputy.starts_at, ends_at=deputy.ends_at
        )
        bob.groups.clear()
        approve(dora, promotion, pack)
        assert status(promotion) == Status.ADMIN_REVIEW


class TestOlderPromotions:
    @pytest.fixture
    def older(self, sales: DevAccount, alice: User) -> PromotionRequest:
        made = submitted(sales, alice, submitted_at=timezone.now() - timedelta(hours=1))
        made.plan.components.update(target_folder="Elsewhere")
        return made

    @pytest.fixture
    def newer(self, sales: DevAccount, alice: User, older: PromotionRequest) -> PromotionRequest:
        made = submitted(sales, alice)
        made.plan.root_component_id = older.plan.root_component_id
        made.plan.save()
        return made

    def test_they_are_closed_where_the_admin_says_so(
        self,
        sales: DevAccount,
        alice: User,
        bob: User,
        older: PromotionRequest,
        newer: PromotionRequest,
        pack: IntegrationPack,
    ) -> None:
        another = submitted(sales, alice, submitted_at=older.submitted_at)
        another.plan.components.update(target_folder="Elsewhere too")
        assert list(services.older_open(newer)) == [older]
        assert not services.older_open(older)
        approve(bob, newer, pack, close_older=True)
        assert status(older) == Status.CANCELLED
        assert str(newer.pk) in older.decision_reason
        assert status(another) == Status.ADMIN_REVIEW

    def test_the_page_offers_it(
        self,
        client: Client,
        bob: User,
        older: PromotionRequest,
        newer: PromotionRequest,
        pack: IntegrationPack,
    ) -> None:
        data = {"plan_hash": newer.content_hash, "pack": pack.pk}
        address = f"/queue/{newer.pk}/approve/"
        page = signed_in(client, bob).post(address, data)
        assert "Close 1 older promotion of this process" in text(page)
        client.post(address, data | {"confirmed_hash": page.context["approved"].hash})
        assert status(older) == Status.ADMIN_REVIEW  # offered, not done unasked
        assert status(newer) == Status.APPROVED


class TestDeployingFurther:
    def test_peers_and_an_admin_decide_on_it_too(
        self,
        sales: DevAccount,
        alice: User,
        bob: User,
        people: Any,
        pack: IntegrationPack,
    ) -> None:
        source = factories.deployed(
            factories.plan(sales, alice), alice, bob, pack=pack, prod_package_id="prod-package"
        )
        europe = factories.environment("Europe")
        policy(groups={"Finance": 1}, environment=europe)
        promotion = services.request_deployment(alice, source, environments=[europe])
        refused("PEERS_MISSING", approve, bob, promotion, pack)
        as_peer(people["fay"], promotion)
        approve(bob, promotion, pack)
        assert status(promotion) == Status.APPROVED
        votes.check(promotion, promotion.approved_object())


class TestPages:
    def test_the_queue_begins_with_what_needs_my_decision_the_oldest_first(
        self, client: Client, sales: DevAccount, alice: User, bob: User, people: Any
    ) -> None:
        now = timezone.now()
        young = submitted(sales, alice, submitted_at=now)
        old = submitted(sales, alice, submitted_at=now - timedelta(days=1))
        policy(groups={"Finance": 1})
        for_peers = submitted(sales, alice, submitted_at=now - timedelta(days=2))
        page = signed_in(client, bob).get("/queue/")
        assert page.context["tab"] == "mine"
        assert list(page.context["page"]) == [old, young]
        page = signed_in(client, people["fay"]).get("/queue/")
        assert list(page.context["page"]) == [for_peers]
        assert f"/queue/{for_peers.pk}/" in links(page)
        home = text(client.get("/"))
        assert "Review queue" in home
        assert "FayReviewer" in home

    def test_the_review_says_what_applied_and_who_is_needed(
        self, client: Client, sales: DevAccount, alice: User, bob: User, people: Any
    ) -> None:
        policy("Money matters", groups={"Finance": 1, "Platform": 1})
        promotion = submitted(sales, alice)
        as_peer(people["fay"], promotion)
        page = signed_in(client, bob).get(f"/queue/{promotion.pk}/")
        for words in (
            "Money matters",
            "Fay approved as a peer",
            "1 peer from Platform still needed",
            "Both, Pam",
            "1 admin still needed",
        ):
            assert words in text(page)
        assert f"/queue/{promotion.pk}/approve/" not in links(page)
        page = signed_in(client, people["pam"]).get(f"/queue/{promotion.pk}/")
        assert "Approve as a peer" in text(page)
        answer = client.post(
            f"/queue/{promotion.pk}/approve-as-peer/", {"plan_hash": promotion.content_hash}
        )
        assert answer.status_code == 302
        assert "You have approved it. Still needed: an admin." in text(
            client.get(answer["Location"])
        )
        page = signed_in(client, bob).get(f"/queue/{promotion.pk}/")
        assert f"/queue/{promotion.pk}/approve/" in links(page)

    def test_a_review_is_called_the_peers_until_they_have_approved(
        self, client: Client, sales: DevAccount, alice: User, bob: User, people: Any
    ) -> None:
        policy(groups={"Finance": 1})
        promotion = submitted(sales, alice)
        pages = [
            (bob, "/queue/?tab=waiting"),
            (bob, f"/queue/{promotion.pk}/"),
            (bob, "/promotions/?show=all"),
            (alice, f"/promotions/{promotion.pk}/"),
            (alice, promotion.plan.get_absolute_url()),
            (alice, "/promotions/"),
            (alice, "/"),
        ]
        for user, page in pages:
            shown = text(signed_in(client, user).get(page))
            assert "In peer review" in shown, page
            assert "In admin review" not in shown, page
        as_peer(people["fay"], promotion)
        for user, page in pages:
            shown = text(signed_in(client, user).get(page))
            assert "In admin review" in shown, page
            assert "In peer review" not in shown, page

    def test_a_lapsed_approval_is_shown_as_such(
        self, client: Client, sales: DevAccount, alice: User, bob: User, people: Any
    ) -> None:
        policy(groups={"Finance": 1})
        promotion = submitted(sales, alice)
        as_peer(people["fay"], promotion)
        lapse(promotion.approvals.get())
        page = text(signed_in(client, bob).get(f"/queue/{promotion.pk}/"))
        assert "Fay: the approval no longer counts it lapsed" in page
        assert "The peers approve first. Still needed: 1 peer from Finance" in page

    def test_too_few_people_are_told(
        self, client: Client, sales: DevAccount, alice: User, bob: User, people: Any
    ) -> None:
        policy(groups={"Platform": 3})
        page = signed_in(client, bob).get(f"/queue/{submitted(sales, alice).pk}/")
        assert "Too few people can" in text(page)

    def test_a_peer_sees_the_promotion_and_its_plan_and_no_other(
        self, client: Client, sales: DevAccount, alice: User, people: Any
    ) -> None:
        other = submitted(sales, alice)
        policy(groups={"Finance": 1})
        promotion = submitted(sales, alice)
        signed_in(client, people["fay"])
        assert client.get(promotion.get_absolute_url()).status_code == 200
        assert client.get(promotion.plan.get_absolute_url()).status_code == 200
        assert client.get(other.get_absolute_url()).status_code == 404


class TestAdminPages:
    def test_a_policy_leaves_events_of_everything_in_it(
        self, client: Client, make_user: MakeUser, bob: User
    ) -> None:
        root = make_user("root", is_superuser=True, is_staff=True)
        group = Group.objects.create(name="Finance")
        answer = signed_in(client, root).post(
            "/admin/promotions/reviewpolicy/add/",
            {
                "name": "Money",
                "is_active": "on",
                "peers": "1",
                "admins": "2",
                "excluded_people": [bob.pk],
                "groups-TOTAL_FORMS": "1",
                "groups-INITIAL_FORMS": "0",
                "groups-0-group": group.pk,
                "groups-0-number": "2",
            },
        )
        assert answer.status_code == 302, text(answer)
        told = "\n".join(
            Event.objects.filter(action__startswith="reviewpolicy").values_list("note", flat=True)
        )
        assert "admins: — → 2" in told
        assert "from groups: — → 2 Finance" in told
        assert "excluded people: — → bob" in told

    def test_an_admin_names_their_own_deputy_and_no_other(
        self, client: Client, make_user: MakeUser, charlie: User
    ) -> None:
        root = make_user("root", is_superuser=True, is_staff=True)
        other = make_user("other", is_superuser=True, is_staff=True)
        times = {
            "starts_at_0": "2026-01-01",
            "starts_at_1": "08:00",
            "ends_at_0": "2026-01-08",
            "ends_at_1": "08:00",
        }
        signed_in(client, root)
        add = "/admin/promotions/deputy/add/"
        assert client.post(add, times | {"deputy": root.pk}).status_code == 200
        assert client.post(add, times | {"deputy": charlie.pk}).status_code == 302
        made = Deputy.objects.get()
        assert (made.admin, made.deputy) == (root, charlie)
        assert Event.objects.filter(action="deputy_added", actor=root).exists()
        signed_in(client, other)
        assert (
            client.post(f"/admin/promotions/deputy/{made.pk}/delete/", {"post": "yes"}).status_code
            == 403
        )
