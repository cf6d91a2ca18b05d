"""The Partner API, one method for each operation, and no policy.

The client is what the dialects share; each dialect is a subclass of it in :mod:`partnerapi.dialects`
that says how its requests differ. What a dialect cannot do is in its ``capabilities``, which are
the only thing that other code may ask about: nobody asks for a dialect's name to decide something.

Everything is about the primary account unless ``account`` names a dev account to read from, which
is sent as ``overrideAccount`` (guide, step 2.2.1). Only reads can have one.

Every method raises :class:`partnerapi.errors.PartnerApiError`, sorted by whether waiting helps,
and :class:`ValueError` for arguments that make no call (an empty id). Queries fetch all pages.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar, cast

from partnerapi import answers, componentxml, wire
from partnerapi.componentxml import Document
from partnerapi.concurrency import DEFAULT_THREADS, as_they_come, concurrently
from partnerapi.errors import (
    AuthFailed,
    BadRequest,
    BadResponse,
    BranchIgnored,
    FolderIgnored,
    Forbidden,
    NeedsPerson,
    NotFound,
    PartnerApiError,
)
from partnerapi.operations import OPERATIONS, SUPPORTING, Operation
from partnerapi.records import (
    Account,
    Branch,
    Component,
    ComponentMetadata,
    DeployedPackage,
    Environment,
    Folder,
    IntegrationPack,
    MergeRequest,
    PackagedComponent,
    PinnedComponent,
    Reference,
    Release,
)
from partnerapi.transport import Answer, Request, Transport
from partnerapi.wire import Condition, Fields, Term

_Record = TypeVar("_Record")
_Result = TypeVar("_Result")
_Other = TypeVar("_Other")
_Key = TypeVar("_Key", bound=Hashable)

#: Ids or names in one grouped query: as many results as one page holds, or a few.
TERMS = 50

#: What a proof costs that the server looks at every term of a group.
_PROOF_CALLS = 2

_CURRENT: Sequence[Term] = (Condition("deleted", "false"), Condition("currentVersion", "true"))

#: 100 results a page: far more than any account has, and an end to a server that never ends.
MAX_PAGES = 1000


@dataclass(frozen=True)
class Capabilities:
    """What a dialect can do that the other cannot."""

    #: a package names the versions that it holds (manifest), so those are read and not the newest.
    pins_versions: bool
    #: a merge request says what it would do to each component.
    reports_merge_details: bool
    #: it can be asked which components use a component.
    reports_parents: bool
    #: a release goes on after the call and has to be polled.
    releases_asynchronously: bool
    #: operation 8 takes the package that a release answers, not the one of operation 7.
    deploys_released_package: bool


@dataclass(frozen=True)
class Wanted:
    """A component to be read among many.

    :param version: this one; without it the newest on main, or as it is on ``branch_id``.
    """

    component_id: str
    account: str | None = None
    version: int | None = None
    branch_id: str | None = None


def _by_id(found: Mapping[str, _Result]) -> dict[str, _Result]:
    return {id_.lower(): item for id_, item in found.items()}


def _known_of(
    keys: Iterable[_Key], found: Mapping[str, _Result], id_of: Callable[[_Key], str]
) -> dict[_Key, _Result]:
    """What an answer has of the keys; ids are written in any letter case."""
    return {key: found[id_of(key).lower()] for key in keys if id_of(key).lower() in found}


@dataclass
class ServerFacts:
    """What a server has shown of itself, for all clients of it in a process."""

    #: it looks at every term of a grouped query.
    groups_are_whole: bool = False


def as_document(xml: Document | bytes) -> Document:
    """Bytes that are to be written, read once; a document as it is."""
    return Document.parse(xml) if isinstance(xml, bytes) else xml


class PartnerApiClient(ABC):
    """Speaks to one primary account in one dialect: choose a subclass with ``dialect_named``.

    :param transport: knows the address, the credentials and the pace.
    :param threads: at most so many calls at once, in the methods that take many ids.
    :param facts: what is known of this server already, and is learnt.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    operations: ClassVar[Mapping[int, Operation]] = OPERATIONS

    def __init__(
        self,
        transport: Transport,
        *,
        threads: int = DEFAULT_THREADS,
        facts: ServerFacts | None = None,
    ) -> None:
        self._transport = transport
        self._facts = facts or ServerFacts()
        self._send = transport.send
        self._threads = threads
        self._proof = threading.Lock()
        self._main_branch: Branch | None = None

    def concurrently(
        self, calls: Sequence[Callable[[], _Result]]
    ) -> list[_Result | PartnerApiError]:
        """Make several calls of this client at once; see :func:`concurrency.concurrently`.

        :param calls: such as ``lambda: client.get_component(id)``; they must not use a database.
        :returns: results in the order of the calls; a failed one's place holds its error.
        """
        return concurrently(self._transport, calls, threads=self._threads)

    def both(
        self, first: Callable[[], _Result], second: Callable[[], _Other]
    ) -> tuple[_Result, _Other]:
        """Two looks at once, each of one call or several; see ``concurrently``.

        :raises PartnerApiError: when one of them fails.
        """
        one, other = self.concurrently([first, second])
        for result in (one, other):
            if isinstance(result, PartnerApiError):
                raise result
        return cast("_Result", one), cast("_Other", other)

    def as_they_come(
        self,
        calls: Sequence[Callable[[], _Result]],
        more: Callable[[], Sequence[Callable[[], _Result]]] | None = None,
    ) -> Generator[tuple[int, _Result | PartnerApiError]]:
        """The same, one by one as they end; see :func:`concurrency.as_they_come`."""
        return as_they_come(self._transport, calls, threads=self._threads, more=more)

    # -- components --------------------------------------------------------

    def get_component(
        self,
        component_id: str,
        *,
        account: str | None = None,
        version: int | None = None,
        branch_id: str | None = None,
    ) -> Component:
        """Operation 1: a component with its XML.

        :param version: this version; without it the newest on main, which may be newer than what
            was packaged (published).
        :param branch_id: as it is on this branch; what the branch did not change comes from main.
        """
        if version is not None and branch_id is not None:
            raise ValueError("A component is read at a version or on a branch, not both.")
        suffix = version if version is not None else branch_id
        name = component_id if suffix is None else f"{component_id}~{suffix}"
        answer = self._send(Request(self.operations[1], {"component": name}, account=account))
        with answers.reading(answer):
            found = answers.component(answer)
        if found.component_id.lower() != component_id.lower():
            raise answers.bad_response(answer, "is another component than the one asked for")
        return found

    #: Whether a write names the branch in its document, or in its address.
    _branch_in_body: ClassVar[bool]

    def create_component(self, xml: Document | bytes, *, branch_id: str) -> Component:
        """Operation 2: make a new component on a branch.

        :param xml: the whole component; an id in it is taken out, for the API assigns one.
        :raises BranchIgnored: the answer says that another branch was written to, as happens on
            an account without branching.
        :raises FolderIgnored: the answer says that it lies in another folder.
        """
        document = as_document(xml)
        answer = self._write(2, document, {}, branch_id)
        return self._created(answer, branch_id, document)

    def update_component(
        self, component_id: str, xml: Document | bytes, *, branch_id: str
    ) -> Component:
        """Operation 3: replace a component on a branch. What the XML leaves out is removed.

        :raises ImmaterialUpdate: the XML says what the component says already.
        :raises ComponentLocked: somebody has it open in the Boomi editor.
        :raises BranchIgnored: the answer says that another branch was written to.
        """
        document = as_document(xml)
        answer = self._write(3, document, {"component": component_id}, branch_id)
        return self._written(answer, branch_id, component_id)

    def _write(
        self, number: int, document: Document, values: Mapping[str, str], branch_id: str
    ) -> Answer:
        """Send a document under the id in ``values`` (none to create), in the folder that it says."""
        said = componentxml.read_envelope(document)
        addressed = componentxml.set_envelope(
            document,
            component_id=values.get("component", ""),
            folder_full_path=said.folder_full_path or None,
            folder_id=said.folder_id or None,
            branch_id=branch_id if self._branch_in_body else None,
        )
        address = values if self._branch_in_body else {**values, "branch": branch_id}
        return self._send(Request(self.operations[number], address, addressed.to_bytes()))

    def _written(self, answer: Answer, branch_id: str, component_id: str = "") -> Component:
        """The component that a write answers, which has to be where it was meant to be."""
        with answers.reading(answer):
            written = answers.component(answer)
        if component_id and written.component_id.lower() != component_id.lower():
            raise answers.bad_response(answer, "is another component than the one written")
        # On an account without branching the branch is silently ignored and main is written.
        if written.branch_id and written.branch_id != branch_id:
            raise BranchIgnored(
                f"The component was written to branch {written.branch_id[:100]} and not to "
                f"{branch_id[:100]}: look at main before anything else.",
                operation=answer.operation.key,
                status=answer.status,
            )
        return written

    def _created(self, answer: Answer, branch_id: str, document: Document) -> Component:
        """A new component, which has to be in the folder that was asked for as well.

        It lands in the root folder when the folder is ignored. Paths are answered with the
        account's name before them.
        """
        written = self._written(answer, branch_id)
        said = componentxml.read_envelope(document)
        if said.folder_id and written.folder_id:
            is_there = written.folder_id.strip('"') == said.folder_id
        else:
            wanted = said.folder_full_path.strip("/").casefold()
            path = written.folder_full_path.strip("/").casefold()
            is_there = not path or f"/{path}".endswith(f"/{wanted}")
        if not is_there:
            raise FolderIgnored(
                f"The component was made in the folder “{written.folder_full_path[:200]}” and not "
                f"in “{said.folder_full_path[:200]}”.",
                operation=answer.operation.key,
                status=answer.status,
            )
        return written

    @abstractmethod
    def get_component_references(
        self, component_id: str, *, version: int, account: str | None = None, alive: bool = False
    ) -> tuple[Reference, ...]:
        """Operation 4: what a component uses, one level; nothing is an empty tuple.

        :param version: the component's own (the guide's dialect always answers for the newest).
        :param alive: operation 5 has just shown the component, and need not be asked whether it is there.
        :raises BadResponse: also when the answer lists what uses the component instead: the
            server speaks the other dialect.
        """

    def get_component_metadata(
        self, component_id: str, *, account: str | None = None
    ) -> ComponentMetadata:
        """Operation 5: a component without its content."""
        answer = self._send(
            Request(self.operations[5], {"component": component_id}, account=account)
        )
        with answers.reading(answer):
            return answers.component_metadata(answers.fields_of(answer, "ComponentMetadata"))

    # -- many at once ------------------------------------------------------

    def get_many_metadata(
        self, component_ids: Iterable[str], *, account: str | None = None
    ) -> dict[str, ComponentMetadata | PartnerApiError]:
        """Operation 5 for many components, in as few calls as the dialect allows.

        An id that the answers leave out is asked for alone.

        :returns: for each id as it was given, its metadata (that may say ``deleted``), or what
            went wrong with this one.
        """
        return self._many(
            component_ids,
            self._metadata_in_a_call,
            lambda ids: self._metadata_of(ids, account),
            lambda id_: self.get_component_metadata(id_, account=account),
        )

    def find_metadata(
        self, component_ids: Iterable[str], *, account: str | None = None
    ) -> dict[str, ComponentMetadata]:
        """Operation 5 for ids that may be no component's, as far as a few calls tell.

        :returns: by id in lower case; what is left out may be there all the same, and nothing is asked for alone.
        """
        ids, size = list(dict.fromkeys(component_ids)), self._metadata_in_a_call
        groups = [ids[start : start + size] for start in range(0, len(ids), size)]
        found: dict[str, ComponentMetadata] = {}
        for result in self.concurrently(
            [partial(self._metadata_of, group, account) for group in groups]
        ):
            if isinstance(result, PartnerApiError):
                raise result
            found |= _by_id(result)
        return found

    _metadata_in_a_call: ClassVar[int] = TERMS

    def _metadata_of(self, ids: Sequence[str], account: str | None) -> dict[str, ComponentMetadata]:
        """The current metadata of several components, as far as one answer has it."""
        conditions: list[Term] = [
            Condition("currentVersion", "true"),
            wire.any_of(Condition("componentId", id_) for id_ in ids),
        ]
        request = self._query("QUERY ComponentMetadata", conditions, account=account)
        records = self._records(request, answers.component_metadata)
        found = {item.component_id: item for item in records if item.current_version}
        self._facts.groups_are_whole |= len(found) > 1
        return found

    def get_many_components(
        self,
        component_ids: Iterable[str],
        *,
        account: str | None = None,
        versions: Mapping[str, int] | None = None,
        branch_id: str | None = None,
    ) -> dict[str, Component | PartnerApiError]:
        """Operation 1 for many components, in as few calls as the dialect allows.

        :param versions: the version to read, by id; the others are read as they are now.
        :param branch_id: as they are on this branch.
        :returns: for each id as it was given, its component, or what went wrong with this one.
        """
        if versions and branch_id is not None:
            raise ValueError("Components are read at versions or on a branch, not both.")
        version_of = (versions or {}).get
        wanted = {
            id_: Wanted(id_, account, version_of(id_), branch_id)
            for id_ in dict.fromkeys(component_ids)
        }
        came = dict(self.each_component(wanted.values()))
        return {id_: came[one] for id_, one in wanted.items()}

    def each_component(
        self, wanted: Iterable[Wanted]
    ) -> Generator[tuple[Wanted, Component | PartnerApiError]]:
        """Operation 1 for many components of several places, each as soon as it has come.

        Close the iterator when it is not read to its end.

        :returns: what was wanted and its component, or what went wrong with this one.
        """
        keys = list(dict.fromkeys(wanted))
        groups: dict[tuple[str | None, str | None], list[list[Wanted]]] = {}
        for key in keys if self._components_in_bulk else ():
            of_place = groups.setdefault((key.account, key.branch_id), [[]])
            if len(of_place[-1]) == self._components_in_bulk:
                of_place.append([])
            of_place[-1].append(key)
        # What was wanted first is read first, whatever its place.
        place = {key: number for number, key in enumerate(keys)}
        in_order = sorted(
            (group for of_place in groups.values() for group in of_place),
            key=lambda group: place[group[0]],
        )
        return self._each(
            keys,
            in_order,
            self._components_of_group,
            lambda key: self.get_component(
                key.component_id,
                account=key.account,
                version=key.version,
                branch_id=key.branch_id,
            ),
        )

    def _components_of_group(self, group: Sequence[Wanted]) -> dict[Wanted, Component]:
        """Several components of one place, as far as one answer has them."""
        versions = {key.component_id: key.version for key in group if key.version is not None}
        ids = [key.component_id for key in group]
        first = group[0]
        found = _by_id(self._components_of(ids, first.account, versions, first.branch_id))
        return _known_of(group, found, lambda key: key.component_id)

    #: How many components one call may read; 0 where each is read alone.
    _components_in_bulk: ClassVar[int] = 0

    def _components_of(
        self,
        ids: Sequence[str],
        account: str | None,
        versions: Mapping[str, int],
        branch_id: str | None,
    ) -> dict[str, Component]:
        """Several components, as far as one answer has them."""
        return {}

    def get_many_references(
        self, versions: Mapping[str, int], *, account: str | None = None, alive: bool = False
    ) -> dict[str, tuple[Reference, ...] | PartnerApiError]:
        """Operation 4 for many components, in as few calls as the dialect allows.

        :param versions: each component's own version, by id.
        :param alive: operation 5 has just shown them.
        :returns: for each id as it was given, what it uses, or what went wrong with this one.
        """
        return self._many(
            versions,
            self._references_in_a_query,
            lambda ids: self._references_of({id_: versions[id_] for id_ in ids}, account),
            lambda id_: self.get_component_references(
                id_, version=versions[id_], account=account, alive=alive
            ),
        )

    #: How many components' references one query may ask for; 0 where each is asked for alone.
    _references_in_a_query: ClassVar[int] = 0

    def _references_of(
        self, versions: Mapping[str, int], account: str | None
    ) -> dict[str, tuple[Reference, ...]]:
        """What several components use, as far as one answer has it."""
        return {}

    def get_many_parents(
        self, component_ids: Iterable[str], *, alive: bool = False
    ) -> dict[str, tuple[Reference, ...] | PartnerApiError]:
        """What uses each of many components; see :meth:`query_component_parents`.

        :returns: for each id as it was given, what uses it, or what went wrong with this one.
        """
        return self._many(
            component_ids,
            self._parents_in_a_query,
            self._parents_of,
            partial(self.query_component_parents, alive=alive),
        )

    #: How many components' users one query may ask for; 0 where each is asked for alone.
    _parents_in_a_query: ClassVar[int] = 0

    def _parents_of(self, ids: Sequence[str]) -> dict[str, tuple[Reference, ...]]:
        """What uses several components, as far as one answer has it."""
        return {}

    def _many(
        self,
        component_ids: Iterable[str],
        size: int,
        together: Callable[[Sequence[str]], Mapping[str, _Result]],
        alone: Callable[[str], _Result],
    ) -> dict[str, _Result | PartnerApiError]:
        """Ask in groups of ``size``, and for what the groups leave out one by one."""
        ids = list(dict.fromkeys(component_ids))
        groups = [ids[start : start + size] for start in range(0, len(ids), size)] if size else []

        def known(group: Sequence[str]) -> dict[str, _Result]:
            return _known_of(group, _by_id(together(group)), str)

        done = dict(self._each(ids, groups, known, alone))
        return {id_: done[id_] for id_ in ids}

    def _each(
        self,
        keys: Sequence[_Key],
        groups: Sequence[Sequence[_Key]],
        together: Callable[[Sequence[_Key]], Mapping[_Key, _Result]],
        alone: Callable[[_Key], _Result],
    ) -> Generator[tuple[_Key, _Result | PartnerApiError]]:
        """Ask in groups, and for what the groups leave out one by one; each as soon as it has come."""
        rest = dict.fromkeys(keys)
        groups = [group for group in groups if len(group) > 1]
        calls = [partial(together, group) for group in groups]
        with closing(as_they_come(self._transport, calls, threads=self._threads)) as came:
            for number, result in came:
                found: Mapping[_Key, _Result | PartnerApiError]
                if not isinstance(result, PartnerApiError):
                    found = result
                # What concerns the group as such, and not one id of it, is not asked again.
                elif not isinstance(result, NeedsPerson) or isinstance(
                    result, AuthFailed | Forbidden
                ):
                    found = dict.fromkeys(groups[number], result)
                else:
                    continue
                for key in found:
                    del rest[key]
                yield from found.items()
        singly = list(rest)
        singles = [partial(alone, key) for key in singly]
        with closing(as_they_come(self._transport, singles, threads=self._threads)) as came_alone:
            for number, one in came_alone:
                yield singly[number], one

    def _references_or_none(
        self,
        request: Request,
        component_id: str,
        read: Callable[[Answer], tuple[Reference, ...]],
        *,
        alive: bool = False,
    ) -> tuple[Reference, ...]:
        """GET ComponentReference, which answers 400 when there is nothing to list.

        A missing component is 400 too in the published API, so an empty list is believed only
        if operation 5 shows the component alive, or has done so already (``alive``).
        """
        try:
            answer = self._send(request)
        except (BadRequest, NotFound) as error:
            if error.status != 400:
                raise
            refused = error
        else:
            with answers.reading(answer):
                return read(answer)
        if not alive and self.get_component_metadata(component_id, account=request.account).deleted:
            raise refused
        return ()

    def query_component_metadata(
        self,
        *,
        name: str | None = None,
        names: Iterable[str] = (),
        component_type: str | None = None,
        copied_from_component_id: str | None = None,
        copied_from: Iterable[str] = (),
        branch_id: str | None = None,
        account: str | None = None,
    ) -> Iterator[ComponentMetadata]:
        """The current version of components that are not deleted and meet every condition.

        :param branch_id: every version that was made on this branch instead.
        :param names: one of these names, or ``copied_from``, a copy of one of these: asked for
            together in as few calls as possible. What the grouped answers leave out is asked for
            alone, unless the server is known to look at every term of a group.
        """
        ask = partial(
            self._query_metadata,
            component_type=component_type,
            copied_from=copied_from_component_id is not None,
            branch_id=branch_id,
            account=account,
        )
        terms: list[Term] = []
        if name is not None:
            terms.append(Condition("name", name))
        if copied_from_component_id is not None:
            terms.append(Condition("copiedFromComponentId", copied_from_component_id))
        if names := list(dict.fromkeys(names)):
            yield from self._in_groups(
                names,
                lambda few: list(
                    ask([*terms, wire.any_of(Condition("name", name) for name in few)])
                ),
                lambda found: found.name,
            )
        elif copied_from := list(dict.fromkeys(id_.lower() for id_ in copied_from)):
            yield from self._in_groups(
                copied_from,
                lambda few: list(
                    ask(
                        [*terms, wire.any_of(Condition("copiedFromComponentId", i) for i in few)],
                        copied_from=True,
                    )
                ),
                lambda found: found.copied_from_component_id.lower(),
            )
        else:
            yield from ask(terms)

    def query_branch_versions(self, branch_id: str) -> dict[str, int]:
        """What a branch itself holds: component id in lower case -> the newest version that was made there.

        Version numbers are never given twice, so what has the same version has the same content.

        :returns: deletions on the branch included; nothing where the answer is not about this branch alone.
        """
        newest: dict[str, int] = {}
        request = self._query("QUERY ComponentMetadata", [Condition("branchId", branch_id)])
        for answer, results in self._pages(request):
            if any(wire.text(row, "branchId") != branch_id for row in results):
                return {}
            with answers.reading(answer):
                for found in map(answers.component_metadata, results):
                    key = found.component_id.lower()
                    newest[key] = max(newest.get(key, 0), found.version)
        return newest

    def _in_groups(
        self,
        values: Sequence[str],
        ask: Callable[[Sequence[str]], list[ComponentMetadata]],
        value_of: Callable[[ComponentMetadata], str],
    ) -> Iterator[ComponentMetadata]:
        """What is found for some of many values, asked for in groups."""
        groups = [values[start : start + TERMS] for start in range(0, len(values), TERMS)]
        rest: list[str] = []
        for group, result in zip(
            groups, self.concurrently([partial(ask, group) for group in groups]), strict=True
        ):
            if isinstance(result, PartnerApiError):
                raise result
            yield from result
            found = {value_of(item) for item in result}
            # A server that looks at one term of a group only would find one value.
            self._facts.groups_are_whole |= len(found & set(group)) > 1
            if len(group) > 1:
                rest += [value for value in group if value not in found]
        if len(rest) > _PROOF_CALLS:
            with self._proof:
                self._facts.groups_are_whole = self._facts.groups_are_whole or self._prove_groups()
        if self._facts.groups_are_whole:
            return
        for result in self.concurrently([partial(ask, [value]) for value in rest]):
            if isinstance(result, PartnerApiError):
                raise result
            yield from result

    def _prove_groups(self) -> bool:
        """Ask for two components, of which it is known that they are there, in one group."""
        _, rows = next(self._pages(self._query("QUERY ComponentMetadata", _CURRENT)))
        known = {wire.text(row, "componentId").lower() for row in rows} - {""}
        if len(known) < 2:
            return False
        first, *_, last = sorted(known)
        asked = wire.any_of(Condition("componentId", id_) for id_ in (first, last))
        request = self._query("QUERY ComponentMetadata", [*_CURRENT, asked])
        found = {
            item.component_id.lower() for item in self._records(request, answers.component_metadata)
        }
        return {first, last} <= found

    def _query_metadata(
        self,
        terms: Sequence[Term],
        *,
        component_type: str | None,
        copied_from: bool,
        branch_id: str | None,
        account: str | None,
    ) -> Iterator[ComponentMetadata]:
        # Published: the current version is the one on main.
        place = ("currentVersion", "true") if branch_id is None else ("branchId", branch_id)
        conditions: list[Term] = [Condition("deleted", "false"), Condition(*place), *terms]
        if component_type is not None:
            conditions.append(Condition("type", component_type))
        if copied_from:
            # Published: this property has to accompany the id of what was copied.
            conditions.append(Condition("copiedFromComponentVersion", "0", "GREATER_THAN_OR_EQUAL"))
        request = self._query("QUERY ComponentMetadata", conditions, account=account)
        for found in self._records(request, answers.component_metadata):
            if (found.current_version or branch_id is not None) and not found.deleted:
                yield found

    @abstractmethod
    def query_component_parents(
        self, component_id: str, *, alive: bool = False
    ) -> tuple[Reference, ...]:
        """What uses a component; empty also where it cannot be asked (``reports_parents``).

        :param alive: operation 5 has just shown the component.
        """

    @abstractmethod
    def ensure_folders(
        self, full_paths: Iterable[str]
    ) -> dict[str, Folder | PartnerApiError | None]:
        """Find the folders of paths, making what is missing of them, once for all of them.

        :param full_paths: below the account's root folder, such as ``/Promoted/Orders``.
        :returns: for each path, its folder, or what went wrong with this one; None where a
            component's ``folderFullPath`` is honoured, or the path is empty.
        """

    # -- packages ----------------------------------------------------------

    #: Whether an XML query stands in an element of its own.
    _wraps_queries: ClassVar[bool]
    #: Whether a query without a condition is refused.
    _needs_a_condition: ClassVar[bool]

    def _terms(self, conditions: Sequence[Condition], key: str) -> Sequence[Condition]:
        """The conditions of a query; ``key`` is a field that everything has."""
        if conditions or not self._needs_a_condition:
            return conditions
        return [wire.present(key)]

    def query_packaged_components(
        self,
        *,
        account: str | None = None,
        component_id: str | None = None,
        package_version: str | None = None,
        with_deleted: bool = False,
    ) -> Iterator[PackagedComponent]:
        """Operation 6: packages of all branches. Pages are fetched as the iterator reaches them.

        :param with_deleted: deleted packages as well, whose versions stay taken.
        """
        conditions = []
        if component_id is not None:
            conditions.append(Condition("componentId", component_id))
        if package_version is not None:
            conditions.append(Condition("packageVersion", package_version))
        body = wire.xml_query(self._terms(conditions, "componentId"), wrapped=self._wraps_queries)
        request = Request(self.operations[6], body=body, account=account)
        for found in self._records(request, answers.packaged_component):
            if with_deleted or not found.deleted:
                yield found

    def create_packaged_component(
        self, component_id: str, *, package_version: str, notes: str, branch_name: str = "main"
    ) -> PackagedComponent:
        """Operation 7: make a shareable package.

        :param branch_name: a branch's name as operation 10 answered it, or main.
        :raises AlreadyExists: the component has a package of that version, maybe a deleted one.
        """
        answer = self._send(
            Request(
                self.operations[7],
                body=wire.json_body(
                    {
                        "componentId": component_id,
                        "packageVersion": package_version,
                        "notes": notes,
                        "shareable": True,
                        # Sources differ on what is packaged without it (the token user's working
                        # branch, or main), so it is always said.
                        "branchName": branch_name,
                    }
                ),
            )
        )
        with answers.reading(answer):
            return answers.packaged_component(answers.fields_of(answer, "PackagedComponent"))

    @abstractmethod
    def get_package_manifest(
        self, package_id: str, *, account: str | None = None
    ) -> tuple[PinnedComponent, ...] | None:
        """The components that a package holds and their versions; None if it cannot be known."""

    # -- branches and merges -----------------------------------------------

    def create_branch(
        self,
        name: str,
        description: str,
        *,
        package_id: str | None = None,
        parent_id: str | None = None,
    ) -> Branch:
        """Operation 10: start a branch, which is not ready at once.

        :param package_id: begin with what this package holds, not with main.
        :param parent_id: main's id; where it is needed and not given it is looked up.
        :returns: the branch with the name that Boomi made of it (``/`` becomes ``-``).
        :raises BranchLimitReached: the account has as many branches as it may have.
        :raises AlreadyExists: the name is taken.
        """
        origin = self._branch_origin(package_id, parent_id)
        body = wire.json_body({"name": name, "description": description, **origin})
        answer = self._send(Request(self.operations[10], body=body))
        with answers.reading(answer):
            return answers.branch(answers.fields_of(answer, "Branch"))

    @abstractmethod
    def _branch_origin(self, package_id: str | None, parent_id: str | None) -> dict[str, str]:
        """What a new branch begins with, as operation 10 takes it."""

    def query_branches(self, *, name: str | None = None) -> tuple[Branch, ...]:
        """Operation 11: the branches that are there, main among them."""
        conditions = self._terms([] if name is None else [Condition("name", name)], "id")
        request = Request(self.operations[11], body=wire.json_query(conditions))
        found = self._records(request, answers.branch)
        branches = tuple(branch for branch in found if not branch.deleted)
        self._main_branch = next((one for one in branches if one.is_main), self._main_branch)
        return branches

    def get_main_branch(self) -> Branch:
        """The account's own main line (operation 11), asked for once.

        :raises BadResponse: there is none: branching is not enabled.
        """
        if self._main_branch is None:
            self.query_branches(name="main")
        if self._main_branch is None:
            raise BadResponse(
                "The primary account lists no branch named main: is branching enabled?",
                operation=11,
            )
        return self._main_branch

    def get_branch(self, branch_id: str) -> Branch:
        """Operation 14: one branch, to see whether it is ready.

        :raises NotFound: there is none; AlreadyGone where Boomi says that it was deleted.
        """
        answer = self._send(Request(self.operations[14], {"branch": branch_id}))
        with answers.reading(answer):
            return answers.branch(answers.fields_of(answer, "Branch"))

    @abstractmethod
    def delete_branch(self, branch_id: str) -> None:
        """Operation 15: delete a branch. One that is gone already is success."""

    def _check_deleted(self, answer: Answer) -> None:
        """The answer to a deletion is ``true``, ``{true}`` (which is no JSON) or nothing."""
        if answer.body.strip().lower() in {b"", b"true", b"{true}", b"{}"}:
            return
        with answers.reading(answer):
            answers.fields_of(answer)

    def create_merge_request(self, source_branch_id: str, *, target_branch_id: str) -> MergeRequest:
        """Operation 12: ask for a merge in which the source branch wins (OVERRIDE).

        :raises Conflict: it cannot be made now.
        """
        branches = self._merge_body(source_branch_id, target_branch_id)
        body = {"sourceBranchId": source_branch_id, "strategy": "OVERRIDE", **branches}
        answer = self._send(Request(self.operations[12], body=wire.json_body(body)))
        return self._merge_request(answer)

    @abstractmethod
    def _merge_body(self, source: str, target: str) -> dict[str, str]:
        """The target of a merge and the branch that wins, as operation 12 takes them."""

    def execute_merge_request(self, merge_request_id: str) -> MergeRequest:
        """Operation 13: carry a merge request out; allowed while ``can_be_executed``.

        :raises Conflict: it cannot be executed now.
        """
        values = {"merge_request": merge_request_id}
        body = wire.json_body(self._execution_body(merge_request_id))
        return self._merge_request(self._send(Request(self.operations[13], values, body)))

    @abstractmethod
    def _execution_body(self, merge_request_id: str) -> dict[str, str]:
        """The body of operation 13."""

    def get_merge_request(self, merge_request_id: str) -> MergeRequest:
        """Operation 19: how far a merge request is."""
        answer = self._send(Request(self.operations[19], {"merge_request": merge_request_id}))
        return self._merge_request(answer)

    def _merge_request(self, answer: Answer) -> MergeRequest:
        with answers.reading(answer):
            fields = answers.fields_of(answer, "MergeRequest")
            return answers.merge_request(
                fields, with_details=self.capabilities.reports_merge_details
            )

    # -- packs -------------------------------------------------------------

    #: What the answers call a pack, and what a description is called in the body.
    _pack_type: ClassVar[str]
    _pack_description: ClassVar[str]

    @abstractmethod
    def _pack_of(self, fields: Fields) -> IntegrationPack:
        """A pack as the answers tell it."""

    def create_integration_pack(self, name: str, description: str) -> IntegrationPack:
        """Operation 9: make a pack that can be installed several times (MULTI).

        :raises AlreadyExists: the name is taken.
        """
        body = {"name": name, self._pack_description: description, "installationType": "MULTI"}
        answer = self._send(Request(self.operations[9], body=wire.json_body(body)))
        with answers.reading(answer):
            return self._pack_of(answers.fields_of(answer, self._pack_type))

    def query_integration_packs(self) -> tuple[IntegrationPack, ...]:
        """Operation 16: the primary account's own MULTI packs and what is in them."""
        conditions = [Condition("installationType", "MULTI")]
        body = wire.xml_query(conditions, wrapped=self._wraps_queries)
        return tuple(self._records(Request(self.operations[16], body=body), self._pack_of))

    @abstractmethod
    def add_to_integration_pack(self, pack_id: str, package: PackagedComponent) -> None:
        """Operation 17: put a package into a pack; everything that is in it stays.

        Published: the pack is read first and every component sent again. Two of these at once
        on one pack would undo one another.
        """

    @abstractmethod
    def release_integration_pack(
        self, pack_id: str, *, packages: Sequence[PackagedComponent], version: str, notes: str
    ) -> Release:
        """Operation 18: release a pack at once, with the new packages and nothing else changed.

        :param packages: the packages that are new in this release.
        :param version: the release's (guide); a published release has none of its own.
        :raises AlreadyExists: the pack has a release of that version (guide).
        """

    def get_release(self, release_id: str) -> Release:
        """How far a release is, where the capabilities say ``releases_asynchronously``."""
        operation = SUPPORTING["GET ReleaseIntegrationPackStatus"]
        answer = self._send(Request(operation, {"release": release_id}))
        if answer.status == 202 and not answer.body.strip():
            return Release(release_id, "IN_PROGRESS")
        with answers.reading(answer):
            fields = answers.fields_of(answer, "ReleaseIntegrationPackStatus")
            fields.setdefault("requestId", release_id)
            if answer.status == 200:
                wire.required(fields, "releaseStatus")
            return answers.release(fields, "requestId")

    @abstractmethod
    def query_pack_environments(self, pack_id: str) -> tuple[str, ...]:
        """The environments of our own that an instance of a pack is attached to.

        A release reaches those by itself, so nothing of the pack is deployed there.
        """

    @abstractmethod
    def query_all_pack_environments(self) -> Mapping[str, tuple[str, ...]] | None:
        """Pack id -> the environments of our own that an instance of it is attached to; a pack without is left out.

        :returns: None where the platform does not tell.
        """

    # -- deployment --------------------------------------------------------

    def create_deployed_package(
        self,
        environment_id: str,
        package_id: str,
        *,
        notes: str = "",
        listener_status: str | None = None,
    ) -> DeployedPackage:
        """Operation 8: deploy a package to an environment.

        :param package_id: a release's where the capabilities say ``deploys_released_package``,
            otherwise operation 7's.
        :param listener_status: RUNNING or PAUSED; listeners start unless they are paused.
        :raises AlreadyExists: it is deployed there.
        """
        if listener_status not in {None, "RUNNING", "PAUSED"}:
            raise ValueError("A listener is RUNNING or PAUSED.")
        body = {"environmentId": environment_id, "packageId": package_id}
        if notes:
            body["notes"] = notes
        if listener_status:
            body["listenerStatus"] = listener_status
        answer = self._send(Request(self.operations[8], body=wire.json_body(body)))
        with answers.reading(answer):
            return answers.deployed_package(answers.fields_of(answer, "DeployedPackage"))

    def query_deployed_packages(
        self, *, environment_id: str, package_id: str
    ) -> tuple[DeployedPackage, ...]:
        """Deployments of a package in an environment, undone ones included (``active``)."""
        conditions = [
            Condition("environmentId", environment_id),
            Condition("packageId", package_id),
        ]
        request = self._query("QUERY DeployedPackage", conditions)
        return tuple(self._records(request, answers.deployed_package))

    # -- the account -------------------------------------------------------

    def query_environments(self) -> tuple[Environment, ...]:
        """The primary account's environments."""
        request = self._query("QUERY Environment", [wire.present("id")])
        return tuple(self._records(request, answers.environment))

    def query_accounts(self) -> tuple[Account, ...]:
        """The accounts that belong to the primary account, without deleted ones."""
        request = self._query("QUERY Account", [Condition("status", "deleted", "NOT_EQUALS")])
        found = self._records(request, answers.account)
        return tuple(account for account in found if account.status != "deleted")

    # -- helpers -----------------------------------------------------------

    def _query(
        self, name: str, conditions: Sequence[Term], *, account: str | None = None
    ) -> Request:
        return Request(SUPPORTING[name], body=wire.json_query(conditions), account=account)

    def _pages(self, request: Request) -> Iterator[tuple[Answer, list[Fields]]]:
        """Every page of a query."""
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            answer = self._send(request)
            with answers.reading(answer):
                results, token = wire.read_page(answer.body)
            yield answer, results
            if not token:
                return
            if token in seen:
                raise answers.bad_response(answer, "gives the same next page again")
            seen.add(token)
            request = request.more(token)
        raise BadResponse(
            f"{request.operation.name} has more than {MAX_PAGES} pages.",
            operation=request.operation.key,
        )

    def _records(self, request: Request, read: Callable[[Fields], _Record]) -> Iterator[_Record]:
        """Every result of a query, read."""
        for answer, results in self._pages(request):
            with answers.reading(answer):
                found = [read(result) for result in results]
            yield from found
