"""What people type, checked before a service sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar, cast

from django import forms
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from .. import access, services
from ..models import (
    NAME,
    Ask,
    Comment,
    DevAccount,
    Environment,
    IntegrationPack,
    PackRelease,
    Plan,
    PlannedComponent,
    PromotedPackage,
    PromotionPackage,
    PromotionRequest,
    SourcePackage,
)
from ..models.querysets import PromotionRequestQuerySet
from ..services.approvals import PackChoice
from ..states import OPEN, Action, Status
from .words import person, types_of


def find_dev_account(user: User, value: str) -> DevAccount | None:
    """One of the user's own dev accounts, by its account id or its key here."""
    accounts = access.dev_accounts(user)
    found = accounts.filter(account_id=value).first()
    if found is None and value.isascii() and value.isdigit():
        found = accounts.filter(pk=value).first()
    return found


F = TypeVar("F", bound=forms.Form)
Promotions = PromotionRequestQuerySet[PromotionRequest]


def focus_first_error(form: F) -> F:
    """The first field that is at fault takes the focus: it may be far down the page."""
    for name in form.errors:
        field = form.fields.get(name)
        if field is not None and not field.widget.is_hidden:
            field.widget.attrs["autofocus"] = True
            break
    return form


class MakePlanForm(forms.Form):
    """Which packages of which account. The account itself is checked against the user's access."""

    dev_account = forms.CharField(max_length=NAME)
    package_id = forms.CharField(max_length=NAME)

    def clean_package_id(self) -> list[str]:
        """Every package that was ticked, in the order of the list."""
        ticked: list[str] = self.data.getlist("package_id")  # type: ignore[attr-defined]
        if any(not one or len(one) > NAME for one in ticked):
            raise forms.ValidationError("That is no package.")
        return ticked


class SubmitForm(forms.Form):
    """What a plan still needs to become a promotion."""

    package_version = forms.CharField(
        label="Package version in production",
        max_length=NAME,
        help_text="Free text, unique for this process in the primary account.",
        error_messages={"required": "Enter the version that it gets in production."},
    )
    notes = forms.CharField(
        label="Notes for the reviewers",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What has changed and why; a ticket number helps.",
    )
    environments = forms.ModelMultipleChoiceField(
        label="Deploy to",
        queryset=Environment.objects.for_production(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one environment."},
    )
    pause_listeners = forms.BooleanField(
        label="Deploy listeners paused",
        required=False,
        help_text="They accept no requests until somebody starts them on the platform.",
    )

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "package_version": plan.package_version,
            "environments": Environment.objects.for_production(),
        }
        if plan.restores is not None:
            kwargs["initial"]["package_version"] = services.suggested_version(plan)
        if plan.resubmits is not None:
            kept = plan.resubmits.deployments.filter(dropped_at__isnull=True)
            kwargs["initial"] = {
                "package_version": plan.resubmits.package_version,
                "notes": plan.resubmits.notes,
                "environments": list(kept.values_list("environment_id", flat=True)),
                "pause_listeners": plan.resubmits.pause_listeners,
            }
        self.further = {f"version_{source.pk}": source for source in plan.further.all()}
        before = {} if plan.resubmits is None else plan.resubmits.versions_by_package
        for name, source in self.further.items():
            version = before.get(source.package_id, source.package_version)
            kwargs["initial"][name] = version
        super().__init__(*args, **kwargs)
        for name, source in self.further.items():
            self.fields[name] = forms.CharField(
                label=f"Version of “{source.root_name}” in production",
                max_length=NAME,
                error_messages={"required": "Say which version it becomes in production."},
            )
        if self.further:
            self.fields["package_version"].label = f"Version of “{plan.root_name}” in production"
        if not plan.has_listeners:
            del self.fields["pause_listeners"]
        if plan.restores is not None:
            self.fields["notes"].required = True
            self.fields["notes"].label = "Why roll it back?"
            self.fields[
                "notes"
            ].help_text = "The reviewers read it, and it travels with the package."
            self.fields["notes"].error_messages["required"] = "Say why, in a sentence."

    @property
    def further_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.further]

    @property
    def further_versions(self) -> dict[str, str]:
        """Package id -> version, of a valid form."""
        return {s.package_id: self.cleaned_data[name] for name, s in self.further.items()}


class DeployForm(forms.Form):
    """To which further environments a package goes: those that have neither it nor a newer one."""

    environments = forms.ModelMultipleChoiceField(
        label="Deploy to",
        queryset=Environment.objects.for_production(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one environment."},
    )
    notes = forms.CharField(
        label="Notes for the reviewers",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, source: PromotedPackage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        further = services.further_environments(source)
        environments = self.fields["environments"]
        if isinstance(environments, forms.ModelMultipleChoiceField):
            environments.queryset = Environment.objects.filter(pk__in=[e.pk for e in further])


class BoardForm(forms.Form):
    """Which processes the board shows: of the accounts that the user may see."""

    q = forms.CharField(label="Process or version", required=False, max_length=NAME)
    account = forms.ModelChoiceField(
        label="Dev account",
        queryset=DevAccount.objects.none(),
        required=False,
        empty_label="All accounts",
    )
    environment = forms.ModelChoiceField(
        label="Environment",
        queryset=Environment.objects.for_production(),
        required=False,
        empty_label="All environments",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.fields["account"]
        if isinstance(account, forms.ModelChoiceField):
            account.queryset = access.dev_accounts(user)


class ReasonForm(forms.Form):
    """A reason that has to be given."""

    reason = forms.CharField(
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why, in a sentence."},
    )


class AnswerForm(forms.Form):
    """An admin's answer to what was asked."""

    outcome = forms.ChoiceField(choices=Ask.Outcome.choices)
    words = forms.CharField(required=False, max_length=10_000)


class NoteForm(forms.Form):
    """A reason that may be given."""

    reason = forms.CharField(
        required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2})
    )


def suggested_pack(promotion: PromotionRequest, source: SourcePackage) -> IntegrationPack | None:
    """The pack in which the process of a package was last released."""
    if promotion.is_deployment:
        return promotion.made.pack
    twin = promotion.about.twin_of(source)
    if not twin:
        return None
    release = (
        PackRelease.objects.filter(
            prod_component_id=twin,
            pack__in=IntegrationPack.objects.for_production(),
        )
        .select_related("pack")
        .first()
    )
    return release.pack if release else None


class PersonField(forms.ModelChoiceField):
    """People by their names, as everywhere on the pages."""

    def label_from_instance(self, obj: User) -> str:
        return person(obj)


class ApproveForm(forms.Form):
    """Which Integration Pack it goes into, and which plan the admin has seen.

    ``confirmed_hash`` comes from the page that names what the approval does.
    """

    pack = forms.ModelChoiceField(
        label="Integration Pack",
        queryset=IntegrationPack.objects.for_production(),
        required=False,
        empty_label="A new pack, named below",
    )
    new_pack_name = forms.CharField(
        label="Name of the new pack",
        required=False,
        max_length=NAME,
        help_text="Only if no pack is chosen above. It is created when the promotion runs.",
    )
    plan_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the approval; everybody who sees the promotion reads it.",
    )
    confirmed_hash = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    close_older = forms.BooleanField(required=False)
    other_pack = forms.BooleanField(required=False)
    in_place_of = PersonField(
        label="In place of",
        queryset=User.objects.none(),
        required=False,
        empty_label=None,
        help_text="You stand in for several admins, and decide for one of them.",
    )

    def __init__(
        self,
        *args: Any,
        promotion: PromotionRequest,
        represented: Iterable[User] = (),
        choice: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.suggested = suggested_pack(promotion, promotion.planned)
        self.further = list(promotion.further.select_related("planned", "pack"))
        # What the first of two admins chose; any other choice needs both approvals again.
        chosen = promotion.pack or promotion.new_pack_name
        kwargs["initial"] = {
            "pack": promotion.pack if chosen else self.suggested,
            "new_pack_name": promotion.new_pack_name,
            "plan_hash": promotion.content_hash,
        }
        # What the admin had chosen before going to the identity provider.
        kept = {k: v for k, v in (choice or {}).items() if k.startswith(("pack", "new_pack_name"))}
        for row in self.further:
            is_chosen = row.pack or row.new_pack_name
            kwargs["initial"] |= {
                f"pack_{row.pk}": row.pack if is_chosen else suggested_pack(promotion, row.planned),
                f"new_pack_name_{row.pk}": row.new_pack_name,
            }
        if any(kept.values()):
            kwargs["initial"] |= {"pack": "", "new_pack_name": ""} | kept
        super().__init__(*args, **kwargs)
        if self.further:
            self.fields["pack"].label = f"Integration Pack of “{promotion.planned.root_name}”"
        for row in self.further:
            self.fields[f"pack_{row.pk}"] = forms.ModelChoiceField(
                label=f"Integration Pack of “{row.planned.root_name}”",
                queryset=IntegrationPack.objects.for_production(),
                required=False,
                empty_label="The same as above, or a new one named below",
            )
            self.fields[f"new_pack_name_{row.pk}"] = forms.CharField(
                label=f"Name of the new pack of “{row.planned.root_name}”",
                required=False,
                max_length=NAME,
            )
        admins = User.objects.filter(pk__in=[admin.pk for admin in represented])
        self.fields["in_place_of"].queryset = admins  # type: ignore[attr-defined]

    @property
    def further_fields(self) -> list[forms.BoundField]:
        """Pack and name of the new one, for each further package."""
        return [
            self[f"{name}_{row.pk}"] for row in self.further for name in ("pack", "new_pack_name")
        ]

    @property
    def further_packs(self) -> dict[int, PackChoice]:
        """Where those packages go that go elsewhere than the first; of a valid form."""
        chosen = {
            row.pk: PackChoice(
                self.cleaned_data[f"pack_{row.pk}"],
                self.cleaned_data[f"new_pack_name_{row.pk}"].strip(),
            )
            for row in self.further
        }
        return {key: one for key, one in chosen.items() if one.pack or one.new_pack_name}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["new_pack_name"] = cleaned.get("new_pack_name", "").strip()
        if self.errors:
            return cleaned
        if cleaned["pack"] and cleaned["new_pack_name"]:
            self.add_error("new_pack_name", "Choose a pack or name a new one, not both.")
        if not cleaned["pack"] and not cleaned["new_pack_name"]:
            self.add_error("new_pack_name", "Choose a pack above, or name a new one.")
        for row in self.further:
            if cleaned[f"pack_{row.pk}"] and cleaned[f"new_pack_name_{row.pk}"].strip():
                self.add_error(
                    f"new_pack_name_{row.pk}", "Choose a pack or name a new one, not both."
                )
        return cleaned


class PeerForm(forms.Form):
    """A peer's yes to the plan that the page has shown."""

    plan_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept with the approval; everybody who sees the promotion reads it.",
    )


class RetryForm(forms.Form):
    """What may be changed before a failed promotion goes on: both may be left as they are."""

    package_version = forms.CharField(label="Package version", required=False, max_length=NAME)
    pack = forms.ModelChoiceField(
        label="Integration Pack",
        queryset=IntegrationPack.objects.for_production(),
        required=False,
        empty_label="As it is",
    )
    other_pack = forms.BooleanField(
        label="Release it in this pack although another one holds the process", required=False
    )
    package = forms.ModelChoiceField(
        label="Of which package", queryset=PromotionPackage.objects.none(), required=False
    )

    def __init__(self, *args: Any, promotion: PromotionRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        package = cast(forms.ModelChoiceField, self.fields["package"])
        if len(promotion.packages) == 1:
            del self.fields["package"]
            return
        package.queryset = promotion.further.select_related("planned")
        package.empty_label = f"{promotion.planned.root_name} {promotion.package_version}"


def _requesters(promotions: QuerySet[PromotionRequest]) -> QuerySet[User]:
    """Whoever has requested one of them: asked for each person, as there are fewer of those."""
    has_requested = Exists(promotions.filter(requester=OuterRef("pk")).order_by())
    return User.objects.filter(has_requested).order_by("username")


class QueueFilterForm(forms.Form):
    """What the review queue shows."""

    account = forms.ModelChoiceField(
        label="Dev account",
        queryset=DevAccount.objects.all(),
        required=False,
        empty_label="All accounts",
    )
    requester = PersonField(
        queryset=_requesters(PromotionRequest.objects.all()),
        required=False,
        empty_label="Everybody",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not access.decides(user):
            # A peer learns nothing about accounts and people whose promotions they cannot see.
            visible = access.promotions(user)
            accounts = DevAccount.objects.filter(Exists(visible.filter(dev_account=OuterRef("pk"))))
            self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
            self.fields["requester"].queryset = _requesters(visible)  # type: ignore[attr-defined]


class PromotionFilterForm(forms.Form):
    """Which promotions a list shows."""

    PROGRESS = "in_progress"

    status = forms.ChoiceField(
        required=False,
        label="Status",
        choices=[
            ("", "Every status"),
            (PROGRESS, "In progress"),
            # The peers' review and the admins' are one status.
            *((s.value, "In review" if s == Status.ADMIN_REVIEW else s.label) for s in Status),
        ],
    )
    days = forms.IntegerField(required=False, min_value=1, max_value=3650)
    q = forms.CharField(required=False, max_length=NAME)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.full_clean()

    def narrow(self, promotions: Promotions) -> Promotions:
        """Those that fit; what cannot be understood is not asked for."""
        asked = self.cleaned_data
        if status := asked.get("status"):
            among = OPEN - {Status.ADMIN_REVIEW} if status == self.PROGRESS else {status}
            promotions = promotions.filter(status__in=among)
        if days := asked.get("days"):
            promotions = promotions.filter(updated_at__gte=timezone.now() - timedelta(days=days))
        if query := asked.get("q"):
            promotions = promotions.named(query)
        return promotions


class WorkFilterForm(forms.Form):
    """Which components of a plan the list shows."""

    action = forms.ChoiceField(
        required=False, choices=[("", "Every action"), *Action.choices], label="Action"
    )
    type = forms.ChoiceField(required=False, label="Type")
    q = forms.CharField(
        required=False,
        max_length=NAME,
        label="Name",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name"}),
    )
    unseen = forms.BooleanField(required=False, label="Only what I have not viewed")

    def __init__(
        self, data: Any = None, *, components: list[PlannedComponent], **kwargs: Any
    ) -> None:
        super().__init__(data, auto_id="work-%s", **kwargs)
        types = sorted({each.component_type for each in components})
        field = cast(forms.ChoiceField, self.fields["type"])
        field.choices = [("", "Every type"), *((name, types_of(name)) for name in types)]
        self.full_clean()

    def asked(self) -> dict[str, str]:
        """What was asked for and can be asked for, as a query."""
        return {
            name: "on" if value is True else str(value)
            for name, value in self.cleaned_data.items()
            if value
        }

    def fits(self, component: PlannedComponent, *, is_seen: bool) -> bool:
        asked = self.cleaned_data
        return (
            asked.get("action", "") in ("", component.action)
            and asked.get("type", "") in ("", component.component_type)
            and asked.get("q", "").casefold() in component.name.casefold()
            and not (asked.get("unseen") and is_seen)
        )


class CommentForm(forms.Form):
    """What somebody says, and what it is about."""

    text = forms.CharField(max_length=10_000, required=False)
    component = forms.IntegerField(required=False)
    place = forms.ChoiceField(required=False, choices=[("", ""), *Comment.Place.choices])
    line = forms.IntegerField(required=False, min_value=1)
    parent = forms.IntegerField(required=False)
    is_private = forms.BooleanField(required=False)
