"""Component mappings as CSV and XLSX in the admin pages: exported as a backup, imported after a preview."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from import_export.admin import ImportExportMixin
from import_export.fields import Field
from import_export.forms import ExportForm, ImportForm
from import_export.resources import ModelResource
from import_export.widgets import IntegerWidget, Widget

from ..models import ComponentMapping, DevAccount
from ..transitions import record_event
from .described import changes, described
from .uploads import BoundedCSV, BoundedXLSX, UploadRefused, check_size

# Its types do not fit those of Django's own admin.
Exchange: Any = ImportExportMixin

# A spreadsheet program runs a cell that begins with one of these as a formula. The apostrophe is among them so that
# one that was added can be told from one that was there before.
FORMULA_STARTS = tuple("=+-@\t\r\n'")


class TextWidget(Widget):
    """Text that no spreadsheet program takes for a formula: an apostrophe is put before it, and removed again."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = "" if value is None else str(value)
        return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA_STARTS) else text

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        text = "" if value is None else str(value)
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text


class IdWidget(TextWidget):
    """An id without surrounding white space from copying."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return super().clean(value, row, **kwargs).strip()


class DevIdWidget(IdWidget):
    """A dev component's id in the spelling in which it is stored."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return super().clean(value, row, **kwargs).lower()


class AccountWidget(IdWidget):
    """A dev account by its account id."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        account_id = super().clean(value, row, **kwargs)
        account = DevAccount.objects.filter(account_id=account_id).first()
        if account is None:
            raise ValueError(
                f"The dev account {account_id or '(none)'} is not known here. Synchronise the accounts first."
            )
        return account

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return super().render(value.account_id if value else "")


class MomentWidget(Widget):
    """A time with its zone, the same in both formats."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> datetime | None:
        if not value:
            return None
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            raise ValueError("Write the time as in 2026-05-31T14:30:00+00:00.") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return value.astimezone(UTC).isoformat() if value else ""


class PersonWidget(TextWidget):
    """A user by name; unknown names are left out, because a backup may come from elsewhere."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return User.objects.filter(username=super().clean(value, row, **kwargs)).first()

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return super().render(value.username if value else "")


class MappingResource(ModelResource):
    """One row per mapping, identified by account and dev component."""

    dev_account = Field("dev_account", column_name="dev_account", widget=AccountWidget())
    dev_component_id = Field("dev_component_id", "dev_component_id", widget=DevIdWidget())
    prod_component_id = Field("prod_component_id", "prod_component_id", widget=IdWidget())
    name = Field("name", column_name="name", widget=TextWidget())
    component_type = Field("component_type", column_name="type", widget=IdWidget())
    prod_version = Field("prod_version", column_name="prod_version", widget=IntegerWidget())
    last_promoted_at = Field("last_promoted_at", "last_promoted_at", widget=MomentWidget())
    last_promoted_by = Field("last_promoted_by", "last_promoted_by", widget=PersonWidget())
    source = Field(
        "source",
        column_name="source",
        widget=TextWidget(),
        default=ComponentMapping.Source.ADMIN_SEEDING.value,
    )

    class Meta:
        model = ComponentMapping
        import_id_fields = ("dev_account", "dev_component_id")
        fields = (
            "dev_account",
            "dev_component_id",
            "prod_component_id",
            "name",
            "component_type",
            "prod_version",
            "last_promoted_at",
            "last_promoted_by",
            "source",
        )
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True
        use_transactions = True

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        self._met: dict[tuple[Any, str], int] = {}

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Refuse with a sentence what would otherwise raise a traceback, or do harm quietly."""
        errors = {}
        try:
            account = self.fields["dev_account"].clean(row)
        except ValueError as error:
            account = None
            errors["dev_account"] = str(error)
        dev_id = self.fields["dev_component_id"].clean(row)
        if not dev_id:
            errors["dev_component_id"] = "The id of the dev component is missing."
        if errors:
            raise ValidationError(errors)
        number = kwargs["row_number"]
        first = self._met.setdefault((account, dev_id), number)
        if first != number:
            raise ValidationError(
                {"dev_component_id": f"Row {first} already maps the same dev component."}
            )

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        old = ComponentMapping.objects.filter(pk=instance.pk).first() if instance.pk else None
        instance.described_before = described(old) if old else {}

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Record each change as an event; the events of a preview are rolled back with it."""
        before = instance.described_before
        record_event(
            f"componentmapping_{'changed' if before else 'added'}",
            actor=kwargs.get("user"),
            subject=f"component mapping {instance.pk}: {instance}",
            note=f"Imported from {kwargs.get('file_name') or 'a file'}\n"
            f"{changes(before, described(instance))}",
        )


class UploadForm(ImportForm):
    """The library's form, for files of a limited size."""

    def clean_import_file(self) -> Any:
        found = self.cleaned_data["import_file"]
        try:
            check_size(found.size)
        except UploadRefused as error:
            raise ValidationError(str(error)) from error
        return found


# Session key for the name of the upload that the session may confirm.
_PREVIEWED = "previewed_import"


class MappingExchange(Exchange):
    """Import and export on the mappings' admin page, for those who may change or see mappings."""

    resource_classes = (MappingResource,)
    formats = (BoundedCSV, BoundedXLSX)
    import_form_class = UploadForm
    import_template_name = "admin/mapping_import.html"
    # Always all columns: a backup with columns missing is no backup.
    export_form_class = ExportForm
    # Without this mark, a spreadsheet program guesses another encoding.
    to_encoding = "utf-8-sig"

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_import_data_kwargs(**kwargs),
            "rollback_on_validation_errors": True,
        }

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        if isinstance(e, UploadRefused):
            form.add_error("import_file", str(e))
        else:
            super().add_data_read_fail_error_to_form(form, e)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show what a file would do, and remember that this session may confirm it."""
        shown: Any = super().import_action(request, **kwargs)
        request.session.pop(_PREVIEWED, None)
        confirm_form = getattr(shown, "context_data", {}).get("confirm_form")
        if confirm_form is not None:
            request.session[_PREVIEWED] = confirm_form.initial["import_file_name"]
        return shown

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Import once what this session last previewed, and nothing that somebody else has uploaded."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        previewed = request.session.pop(_PREVIEWED, None)
        if previewed is None or request.POST.get("import_file_name") != previewed:
            messages.error(request, "Nothing was imported: preview your own file first.")
            return HttpResponseRedirect("../import/#import")
        try:
            return super().process_import(request, **kwargs)
        except UploadRefused as error:
            messages.error(request, f"Nothing was imported. {error}")
            return HttpResponseRedirect("../import/#import")

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """If anything has changed between the preview and its confirmation, nothing is imported."""
        if result.has_errors() or result.has_validation_errors():
            messages.error(
                request, "Nothing was imported: the file no longer matches. Preview it again."
            )
            return HttpResponseRedirect("../import/#import")
        done: HttpResponse = super().process_result(result, request)
        return done
