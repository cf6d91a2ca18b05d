"""How many calls a promotion takes: what is known is not asked again."""

from __future__ import annotations

from collections import Counter

from django.conf import settings
from django.db.models import Max, Min

from partnerapi.simulator import seed
from promotions import services
from promotions.models import ApiCall, Plan, PlannedComponent, PromotionRequest
from promotions.partner import client
from promotions.plan import premises
from promotions.plan.premises import Moment
from promotions.states import Status
from tests.benchmarks.family import plant
from tests.integration.desk import Desk

COMPONENTS = 10


def calls_by_step(promotion: PromotionRequest) -> dict[str, Counter[str]]:
    """Step -> name of a call -> how often; each call belongs to the step that had begun last."""
    begun = list(promotion.steps.order_by("started_at").values_list("started_at", "step"))
    counted: dict[str, Counter[str]] = {}
    for call in ApiCall.objects.filter(promotion=promotion):
        step = [name for at, name in begun if at <= call.at][-1]
        counted.setdefault(step, Counter())[call.name] += 1
    return counted


def read_in_dev(promotion: PromotionRequest) -> int:
    """How many components were read in the dev account after the request."""
    calls = ApiCall.objects.filter(promotion=promotion, account=seed.ORDERS_ACCOUNT)
    return calls.filter(path__contains="/Component/").count()


# Calls of a plan that do not grow with its size: package, manifest, a walk of three levels, premises.
CALLS_OF_ANY_PLAN = 14
# Calls for each component, by dialect and by whether it has a twin.
CALLS_A_COMPONENT = {
    ("guide", "create"): 2.0,  # what it uses, and its XML
    ("guide", "update"): 3.0,  # and its twin's
    ("published", "create"): 1.05,  # what it uses if it uses nothing, and its XML in fives
    ("published", "update"): 1.3,
}


def test_a_plan_takes_few_calls_a_component(desk: Desk) -> None:
    family = plant(desk, "Calls", COMPONENTS)
    for kind in ("create", "update"):
        package_id = family.package()
        calls = calls_of(desk.plan(package_id))
        in_all = CALLS_A_COMPONENT[settings.PARTNER_API_DIALECT, kind] * COMPONENTS
        assert calls.total() <= CALLS_OF_ANY_PLAN + in_all, (kind, calls)
        # What uses what has been asked, and is not asked again.
        plan = desk.plan(package_id)
        again = calls_of(plan)
        assert again.pop("GET ComponentReference", 0) <= 1  # who else uses what is updated
        assert again <= calls
        promotion = desk.submit(plan, version=f"{family.edition}.0")
        desk.approve(desk.wait_for(promotion, Status.ADMIN_REVIEW))
        promotion = desk.wait_for(promotion, Status.DEPLOYED)
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        family.change()


def test_all_premises_are_asked_in_a_handful_of_calls(desk: Desk) -> None:
    plan = desk.plan()
    assert plan.components.count() == 33
    before = ApiCall.objects.count()
    for moment in (Moment.WRITING, Moment.VERIFYING, Moment.MERGE):
        premises.check(moment, plan, client=client())
    assert ApiCall.objects.count() - before <= 3 * 7


def test_plans_of_different_accounts_are_made_side_by_side(desk: Desk) -> None:
    desk.simulator.latency(150)
    plans = [
        services.make_plan(desk.alice, desk.orders, seed.DEMO_PACKAGE_ID),
        services.make_plan(desk.bob, desk.finance, seed.CYCLE_PACKAGE_ID),
    ]
    desk.wait_until(lambda: all(desk.fresh(plan).is_ready for plan in plans), "both plans")
    one, other = (
        ApiCall.objects.filter(plan=plan).aggregate(first=Min("at"), last=Max("at"))
        for plan in plans
    )
    assert one["first"] < other["last"]
    assert other["first"] < one["last"]


def calls_of(plan: Plan) -> Counter[str]:
    return Counter(ApiCall.objects.filter(plan=plan).values_list("name", flat=True))


# Calls of a promotion after its plan that do not grow with its size, but for looks while the platform is at work:
# premises three times, folders, the first write looked for on main, packs, versions on the branch and on main, merge,
# package, release, deployments.
CALLS_OF_ANY_PROMOTION = 46
# What is written, and read after the merge; an update's twin for its values. Components come in fives.
CALLS_TO_PROMOTE_A_COMPONENT = {
    ("guide", "create"): 2.0,
    ("guide", "update"): 3.0,
    ("published", "create"): 1.2,
    ("published", "update"): 1.4,
}
LOOKS = ("GET Branch", "GET MergeRequest", "GET ReleaseIntegrationPackStatus")


def test_a_promotion_takes_few_calls_a_component(desk: Desk) -> None:
    family = plant(desk, "Calls", COMPONENTS)
    for kind in ("create", "update"):
        promotion = desk.promoted(family.package(), version=f"{family.edition}.0")
        assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
        steps = calls_by_step(promotion)
        calls = sum(steps.values(), Counter[str]())
        for look in LOOKS:
            del calls[look]
        allowed = CALLS_TO_PROMOTE_A_COMPONENT[settings.PARTNER_API_DIALECT, kind] * COMPONENTS
        assert calls.total() <= CALLS_OF_ANY_PROMOTION + allowed, (kind, steps)
        assert read_in_dev(promotion) == 0
        # Before the merge the branch is looked at as a whole: what is at its proved version is not read.
        assert not {"GET Component", "BULK Component"} & steps["verify"].keys()
        family.change()


def test_premises_are_asked_beside_the_look_before_them(desk: Desk) -> None:
    """A platform that answers late: whatever is asked at once takes as long as one call."""
    desk.simulator.latency(450)  # the branch and the draft are ready at the first look
    promotion = desk.promoted(seed.SINGLE_COMPONENT_PACKAGE_ID)
    assert promotion.status == Status.DEPLOYED, (promotion.error_code, promotion.error)
    steps = calls_by_step(promotion)
    premise = "QUERY ComponentMetadata"
    assert steps["await_branch"][premise]
    assert not steps["stage_components"][premise]
    assert steps["await_draft"][premise]
    assert steps["execute_merge"] == {"POST MergeRequest Execute": 1}


def test_what_the_plan_has_not_kept_is_read_again(desk: Desk) -> None:
    plan = desk.plan()
    PlannedComponent.objects.filter(plan=plan).update(content=None)
    promotion = desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW)
    assert promotion.status == Status.ADMIN_REVIEW, (promotion.error_code, promotion.error)
    assert read_in_dev(promotion) == promotion.written().count()


def test_what_was_kept_must_be_what_was_planned(desk: Desk) -> None:
    plan = desk.plan()
    another = plan.components.exclude(content=None)[0].content
    PlannedComponent.objects.filter(plan=plan).update(content=another)
    promotion = desk.wait_for(desk.submit(plan), Status.ADMIN_REVIEW)
    assert (promotion.status, promotion.error_code) == (Status.FAILED, "PLAN_STALE")
    desk.wait_until_no_branch()
