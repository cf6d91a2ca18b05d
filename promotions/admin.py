"""The admin pages: what admins edit, each change with an event, and the records to read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from .models import (
    ApiCall,
    Approval,
    ComponentMapping,
    Deputy,
    DevAccount,
    DevAccountAccess,
    Environment,
    Event,
    Identity,
    IntegrationPack,
    Plan,
    PlannedComponent,
    PlanPackage,
    PolicyGroup,
    PromotionBranch,
    PromotionPackage,
    PromotionRequest,
    ReviewPolicy,
    RuleOverride,
    StepRun,
)
from .pages.paging import AdminPaginator
from .pages.words import EVENT_WORDS
from .partner import OPERATION_NAMES
from .setup.described import changes, described, named
from .setup.mapping_exchange import MappingExchange
from .states import StepName
from .transitions import record_event

if TYPE_CHECKING:
    from django.forms import ModelChoiceField, ModelForm

    AnyAdmin = admin.ModelAdmin[Any]
    AnyTabularInline = admin.TabularInline[Any, Any]
else:
    AnyAdmin = admin.ModelAdmin
    AnyTabularInline = admin.TabularInline

admin.site.site_header = "Promotion Desk · Admin"
admin.site.site_title = "Promotion Desk"
admin.site.index_title = "Accounts, mappings and records"


def among(title: str, field: str, choices: Iterable[tuple[str, str]]) -> type[SimpleListFilter]:
    """A filter by known values; Django's own would look for them in every row."""

    class AmongFilter(SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return list(choices)

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    AmongFilter.title = title
    return AmongFilter


class LongListAdmin(AnyAdmin):
    """A list that grows for years: it is not counted to the end, and shows the newest first.

    Filters and searches are those that an index can answer (docs/decisions/0010).
    """

    paginator = AdminPaginator
    show_full_result_count = False
    list_per_page = 50


# --- What admins edit ------------------------------------------------------------------------


class RecordedAdmin(AnyAdmin):
    """Leaves an event for everything that is added, changed or deleted: who, what, before, after."""

    def save_model(
        self, request: HttpRequest, obj: Model, form: ModelForm[Any], change: bool
    ) -> None:
        with transaction.atomic():
            old = type(obj)._default_manager.filter(pk=obj.pk).first() if change else None
            super().save_model(request, obj, form, change)
            before = described(old) if old else {}
            if note := changes(before, described(obj)):
                self._record(request, obj, "changed" if old else "added", note)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        with transaction.atomic():
            self._record(request, obj, "deleted", changes(described(obj), {}))
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for row in queryset:
                self._record(request, row, "deleted", changes(described(row), {}))
            super().delete_queryset(request, queryset)

    def _record(self, request: HttpRequest, row: Model, what: str, note: str) -> None:
        kind = row._meta.model_name
        assert isinstance(request.user, User)  # noqa: S101 (nobody else gets here)
        record_event(
            f"{kind}_{what}",
            actor=request.user,
            subject=named(row),
            note=note,
        )


class UsedAdmin(RecordedAdmin):
    """Once a row is in use, its id on the platform is fixed: an approval has named it."""

    platform_id: str
    # Related names of what uses a row.
    used_by: tuple[str, ...]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is not None and any(getattr(obj, name).exists() for name in self.used_by):
            return (*fields, self.platform_id)
        return fields


@admin.register(ComponentMapping)
class ComponentMappingAdmin(MappingExchange, LongListAdmin, RecordedAdmin):
    list_display = (
        "name",
        "component_type",
        "dev_account",
        "dev_component_id",
        "prod_component_id",
        "prod_version",
        "source",
        "last_promoted_at",
    )
    list_filter = ("dev_account", "source", "last_promoted_at")
    search_fields = ("name", "^dev_component_id", "^prod_component_id")
    list_select_related = ("dev_account",)
    ordering = ("-pk",)
    readonly_fields = ("source", "prod_version", "last_promoted_at", "last_promoted_by")
    fieldsets = (
        (None, {"fields": ("dev_account", "dev_component_id", "prod_component_id")}),
        ("What it is", {"fields": ("name", "component_type")}),
        (
            "Written by promotions",
            {"fields": ("source", "prod_version", "last_promoted_at", "last_promoted_by")},
        ),
    )


class DevAccountAccessInline(AnyTabularInline):
    model = DevAccountAccess
    extra = 0
    can_delete = False
    # Changed on their own page, where each change leaves an event.
    readonly_fields = ("group", "is_active")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DevAccount)
class DevAccountAdmin(UsedAdmin):
    platform_id = "account_id"
    used_by = ("plans",)
    list_display = ("name", "account_id", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "account_id")
    inlines = (DevAccountAccessInline,)


@admin.register(DevAccountAccess)
class DevAccountAccessAdmin(RecordedAdmin):
    list_display = ("group", "dev_account", "is_active")
    list_filter = ("is_active", "group", "dev_account")
    list_select_related = ("group", "dev_account")
    search_fields = ("group__name", "dev_account__name")


@admin.register(RuleOverride)
class RuleOverrideAdmin(RecordedAdmin):
    list_display = ("__str__", "component_type", "reason", "is_active", "created_at")
    list_filter = ("is_active", "decision", "component_type")
    search_fields = ("path", "name", "reason")
    readonly_fields = ("created_at",)
    fieldsets = (
        (None, {"fields": ("decision", "path", "name", "component_type")}),
        ("Why", {"fields": ("reason", "is_active", "created_at")}),
    )


class PolicyGroupInline(AnyTabularInline):
    model = PolicyGroup
    extra = 1


@admin.register(ReviewPolicy)
class ReviewPolicyAdmin(RecordedAdmin):
    list_display = (
        "name",
        "dev_account",
        "root_component_id",
        "folder",
        "environment",
        "peers",
        "admins",
        "is_active",
    )
    list_filter = ("is_active", "dev_account", "environment")
    list_select_related = ("dev_account", "environment")
    search_fields = ("name", "root_component_id", "folder")
    filter_horizontal = ("excluded_groups", "excluded_people")
    inlines = (PolicyGroupInline,)
    fieldsets = (
        (None, {"fields": ("name", "is_active")}),
        (
            "What it applies to",
            {"fields": ("dev_account", "root_component_id", "folder", "environment")},
        ),
        ("Who approves", {"fields": ("peers", "admins")}),
        ("Who does not", {"fields": ("excluded_groups", "excluded_people")}),
    )

    def save_related(
        self, request: HttpRequest, form: ModelForm[Any], formsets: Any, change: bool
    ) -> None:
        policy = form.instance
        with transaction.atomic():
            before = policy.people()
            super().save_related(request, form, formsets, change)
            if note := changes(before, ReviewPolicy.objects.get(pk=policy.pk).people()):
                self._record(request, policy, "changed", note)


@admin.register(Identity)
class IdentityAdmin(RecordedAdmin):
    """Links an account to a person at the identity provider; only for superusers, like accounts."""

    list_display = ("user", "issuer", "subject", "signed_in_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "subject")
    raw_id_fields = ("user",)


@admin.register(Deputy)
class DeputyAdmin(RecordedAdmin):
    """Admins name their own deputies."""

    list_display = ("admin", "deputy", "starts_at", "ends_at")
    list_select_related = ("admin", "deputy")
    fields = ("deputy", "starts_at", "ends_at")

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "deputy":
            kwargs["queryset"] = User.objects.filter(is_active=True).exclude(
                pk=request.user.pk or 0
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Model, form: ModelForm[Any], change: bool
    ) -> None:
        if not change:
            assert isinstance(obj, Deputy) and isinstance(request.user, User)  # noqa: S101, PT018
            obj.admin = request.user
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_own(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_own(request, obj)

    def _is_own(self, request: HttpRequest, obj: Deputy | None) -> bool:
        return obj is None or obj.admin_id == request.user.pk


@admin.register(Environment)
class EnvironmentAdmin(UsedAdmin):
    platform_id = "environment_id"
    used_by = ("deployments",)
    list_display = ("name", "environment_id", "classification", "is_active")
    list_filter = ("classification", "is_active")
    search_fields = ("name", "environment_id")


@admin.register(IntegrationPack)
class IntegrationPackAdmin(UsedAdmin):
    platform_id = "pack_id"
    used_by = ("promotionrequests", "promotionpackages", "releases")
    list_display = ("name", "pack_id", "purpose", "is_active", "synchronised_at")
    list_filter = ("purpose", "is_active")
    search_fields = ("name", "pack_id")
    readonly_fields = ("synchronised_at",)


# --- The records -----------------------------------------------------------------------------


class ReadOnlyAdmin(AnyAdmin):
    """To read and search: only services and workers write these records."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(AnyTabularInline):
    template = "admin/readonly_inline.html"
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StepRunInline(ReadOnlyInline):
    model = StepRun
    fields = ("step", "attempt", "state", "started_at", "finished_at", "error_code", "error")


class ApprovalInline(ReadOnlyInline):
    model = Approval
    fields = ("person", "role", "at", "until", "approved_hash", "comment")


class PromotionPackageInline(ReadOnlyInline):
    model = PromotionPackage
    fields = (
        "planned",
        "package_version",
        "pack",
        "new_pack_name",
        "prod_package_id",
        "release_id",
    )


class PromotionBranchInline(ReadOnlyInline):
    model = PromotionBranch
    fields = ("name", "remote_id", "created_at", "delete_due", "deleted_at", "delete_error")


@admin.register(PromotionRequest)
class PromotionRequestAdmin(LongListAdmin, ReadOnlyAdmin):
    list_display = ("id", "plan", "dev_account", "requester", "status", "submitted_at")
    list_filter = ("status", "dev_account", "submitted_at")
    list_select_related = ("plan", "dev_account", "requester")
    search_fields = ("plan__root_name", "package_version")
    inlines = (ApprovalInline, PromotionPackageInline, StepRunInline, PromotionBranchInline)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (
            queryset.filter(pk__in=PromotionRequest.objects.named(term)) if term else queryset
        ), False


class PlannedComponentInline(ReadOnlyInline):
    model = PlannedComponent
    fields = ("position", "name", "component_type", "action", "dev_version", "prod_version")


class PlanPackageInline(ReadOnlyInline):
    model = PlanPackage
    fields = ("package_id", "root_name", "package_version", "root_component_id")


@admin.register(Plan)
class PlanAdmin(LongListAdmin, ReadOnlyAdmin):
    list_display = ("id", "root_name", "package_version", "dev_account", "requested_by", "state")
    list_filter = ("state", "dev_account", "created_at")
    list_select_related = ("dev_account", "requested_by")
    search_fields = ("root_name", "=package_id")
    inlines = (PlanPackageInline, PlannedComponentInline)


@admin.register(Event)
class EventAdmin(LongListAdmin, ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "subject", "promotion", "from_status", "to_status")
    list_filter = (among("action", "action", EVENT_WORDS.items()), "at")
    list_select_related = ("actor",)
    search_fields = ("subject", "note")
    ordering = ("-at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        # A join would read the promotion of every event that is found, for the fifty that are shown.
        return super().get_queryset(request).prefetch_related("promotion__plan")


@admin.register(ApiCall)
class ApiCallAdmin(LongListAdmin, ReadOnlyAdmin):
    list_display = ("at", "operation", "name", "account", "status", "attempt", "duration_ms")
    list_filter = (
        among("operation", "name", ((name, name) for name in OPERATION_NAMES)),
        "at",
    )
    search_fields = ("path",)
    ordering = ("-at", "-pk")


@admin.register(PromotionBranch)
class PromotionBranchAdmin(LongListAdmin, ReadOnlyAdmin):
    list_display = ("name", "promotion", "remote_id", "created_at", "delete_due", "deleted_at")
    list_filter = ("created_at",)
    list_select_related = ("promotion__plan",)
    search_fields = ("name", "remote_id")


@admin.register(StepRun)
class StepRunAdmin(LongListAdmin, ReadOnlyAdmin):
    list_display = ("promotion", "step", "attempt", "state", "started_at", "finished_at")
    list_filter = ("state", among("step", "step", StepName.choices))
    list_select_related = ("promotion__plan",)
    search_fields = ("=promotion__id",)
    ordering = ("-pk",)
