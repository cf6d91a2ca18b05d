"""The history of everything, for admins: searchable, paged by key, exportable."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from ..audit.chain import last_seal
from ..audit.history import Search, as_csv, as_json_lines, people
from ..messages import PromotionError
from ..services import setup as setup_services
from .common import PAGE_SIZE, UserRequest, forbid, role_required
from .words import event_kinds, event_words, person

FORMATS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "jsonl": (as_json_lines, "application/jsonl; charset=utf-8"),
}
# How events name people.
PERSON = re.compile(r"\bperson (\d{1,18})\b")
# Larger than any key, smaller than what a database refuses.
NEWEST = 2**62


class SearchForm(forms.Form):
    """What to look for. Kinds are typed, or chosen from the list of known ones."""

    words = forms.CharField(label="Subject or note", required=False, max_length=200)
    kind = forms.CharField(
        label="Kind",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"list": "kinds"}),
    )
    who = forms.ModelChoiceField(
        label="Person", required=False, queryset=User.objects.none(), empty_label="Everybody"
    )
    promotion = forms.IntegerField(label="Promotion", required=False, min_value=1, max_value=NEWEST)
    start = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    end = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        who: Any = self.fields["who"]
        who.queryset = people()
        who.label_from_instance = person

    def search(self) -> Search:
        """:returns: what was asked for; only of a valid form."""
        said = self.cleaned_data
        return Search(
            person=said["who"].pk if said["who"] else None,
            action=said["kind"].strip(),
            promotion=said["promotion"],
            words=said["words"].strip(),
            start=said["start"],
            end=said["end"],
        )


@require_GET
@role_required
def history(request: UserRequest) -> HttpResponse:
    """A page of events, newest first. ``before`` is the key of the last event of the page before it."""
    _admins_only(request, "see the history")
    form = SearchForm(request.GET)
    rows: list[Any] = []
    if form.is_valid():
        found = form.search().events().filter(pk__lt=_key(request.GET.get("before", "")))
        found = (
            found.select_related("actor", "promotion__plan", "promotion__source__plan", "seal")
            .prefetch_related("promotion__further__planned")
            .order_by("-pk")
        )
        rows = list(found[: PAGE_SIZE + 1])
    events = rows[:PAGE_SIZE]
    names = {user.pk: person(user) for user in User.objects.filter(pk__in=_people_of(events))}
    context = {
        "form": form,
        "lines": [
            (event, _called(event.subject, names), _called(event.note, names)) for event in events
        ],
        "older": events[-1].pk if len(rows) > PAGE_SIZE else None,
        "is_newest": not request.GET.get("before"),
        "is_search": any(value for name, value in request.GET.items() if name in form.fields),
        "kinds": [(kind, event_words(kind)) for kind in event_kinds()],
        "last_seal": last_seal(),
    }
    return render(request, "history.html", context)


@require_GET
@role_required
def export_history(request: UserRequest) -> HttpResponse:
    """Stream what the search finds as CSV or JSON lines; the export is recorded as an event too."""
    form = SearchForm(request.GET)
    format_name = request.GET.get("format", "")
    if format_name not in FORMATS or not form.is_valid():
        return HttpResponseBadRequest("Export from the history page.", content_type="text/plain")
    try:
        search = setup_services.export_history(request.user, form.search(), format_name)
    except PromotionError as error:
        forbid(error)
    lines, content_type = FORMATS[format_name]
    response = StreamingHttpResponse(lines(search), content_type=content_type)
    name = f"history-{timezone.localdate():%Y-%m-%d}.{format_name}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)  # the two have one base, which decorators do not know


def _people_of(events: list[Any]) -> set[int]:
    """The keys of everybody whom these events name."""
    texts = (f"{event.subject}\n{event.note}" for event in events)
    return {int(key) for text in texts for key in PERSON.findall(text)}


def _called(text: str, names: dict[int, str]) -> str:
    """The text with a name after each person's key, for as long as the name is known."""

    def call(found: re.Match[str]) -> str:
        name = names.get(int(found[1]))
        return f"{name} ({found[0]})" if name else found[0]

    return PERSON.sub(call, text)


def _key(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else NEWEST


def _admins_only(request: UserRequest, what: str) -> None:
    try:
        setup_services.check_admin(request.user, what)
    except PromotionError as error:
        forbid(error)
