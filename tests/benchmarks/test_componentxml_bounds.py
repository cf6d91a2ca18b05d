"""What a document may cost: linear in everything that can grow, and bounded where nothing real grows.

Times are the processor's, the best of several runs, and compared with each other: a slow machine is slow at both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from partnerapi import componentxml
from partnerapi.componentxml import Document, secrets
from partnerapi.componentxml.document import MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_PREFIXES
from tests.benchmarks import componentxml as benchmark
from tests.partnerapi.component_samples import component

PROJECT = Path(__file__).parents[2]
# Four times as much may take this many times as long: four, and as much again for a busy machine.
FOUR_TIMES = 8.0


def depth(count: int) -> bytes:
    """Elements in each other, the innermost with values."""
    values = '<field id="url" type="string" value="https://{}.example.org"/>' * 20
    return component("<a>" * count + values.format(*range(20)) + "</a>" * count)


def attributes(count: int) -> bytes:
    """A few elements with many attributes."""
    said = " ".join(f'name{number}="value {number}"' for number in range(count))
    return component(f"<a {said}/>" * 20)


def prefixes(count: int) -> bytes:
    """Many prefixes at one element, used by those in it and declared once more where they are used."""
    declared = " ".join(f'xmlns:p{number}="urn:p{number}"' for number in range(count))
    used = "".join(f'<p{number}:a p{number}:b="{number}"/>' for number in range(count))
    return component(f"<a {declared}>{used}</a>")


def properties(count: int) -> bytes:
    """Process properties, with a password among every ten."""
    one = (
        '<definedProcessProperty key="{0}"><label>{1} {0}</label><type>string</type>'
        "<defaultValue>value {0}</defaultValue><allowedValues/></definedProcessProperty>"
    )
    rows = "".join(
        one.format(number, "Password" if number % 10 == 0 else "Batch") for number in range(count)
    )
    return component(
        f"<DefinedProcessProperties>{rows}</DefinedProcessProperties>", type="processproperty"
    )


def choices(count: int) -> bytes:
    """One property with many allowed values."""
    rows = "".join(
        f"<allowedValue><label>Choice {number}</label><value>https://h{number}.example.org</value></allowedValue>"
        for number in range(count)
    )
    return component(
        '<DefinedProcessProperties><definedProcessProperty key="a"><label>Service URL</label>'
        f"<type>string</type><allowedValues>{rows}</allowedValues></definedProcessProperty></DefinedProcessProperties>",
        type="processproperty",
    )


def headers(count: int) -> bytes:
    """Headers, some of them credentials, all of them numbered alike."""
    rows = "".join(
        f'<header key="1000000" headerName="X-{number}-{"Token" if number % 7 == 0 else "Kind"}" '
        f'headerValue="v4lue{number}" isVariable="false"/>'
        for number in range(count)
    )
    return component(f"<requestHeaders>{rows}</requestHeaders>")


def scripts(count: int) -> bytes:
    """One long script."""
    lines = "".join(
        f"def value{number} = props.get('document.dynamic.{number}') // token of the page\n"
        for number in range(count)
    )
    return component(
        f"<ProcessingScript><script>{lines}</script></ProcessingScript>", type="script.processing"
    )


def identifiers(count: int) -> bytes:
    """References to as many components."""
    rows = "".join(f'<map mapId="{UUID(int=number + 2**100)}"/>' for number in range(count))
    return component(f"<process>{rows}</process>", type="process")


def update(data: bytes) -> None:
    """Everything that happens to a component that exists in production, too."""
    dev, production = Document.parse(data), Document.parse(data)
    planned = componentxml.strip(dev, production=production, key=b"k").document
    planned = componentxml.rewrite(planned, {}).document
    componentxml.digest(planned)
    componentxml.digest(componentxml.mask(production))
    componentxml.pretty_lines(componentxml.hide(planned))
    componentxml.fill(planned, production=production, ids={})


@pytest.mark.parametrize(
    ("make", "smallest"),
    [
        (benchmark.profile, 400),
        (benchmark.inputs, 400),
        (properties, 60),
        (choices, 60),
        (headers, 100),
        (scripts, 60),
        (identifiers, 200),
        (depth, 60),
        (attributes, 60),
        (prefixes, 12),
    ],
)
def test_time_grows_as_the_document_does(make: Callable[[int], bytes], smallest: int) -> None:
    small, middle, large = (make(smallest * times) for times in (1, 4, 16))
    seconds = [benchmark.best(lambda data=data: update(data), 5) for data in (small, middle, large)]  # type: ignore[misc]
    assert seconds[1] < FOUR_TIMES * seconds[0]
    assert seconds[2] < FOUR_TIMES * seconds[1]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH, "levels"),
        ("<a " + " ".join(f'b{n}="1"' for n in range(MAX_ATTRIBUTES + 1)) + "/>", "attributes"),
        (
            "".join(f'<a xmlns:p{n}="urn:{n}"/>' for n in range(MAX_PREFIXES + 1)),
            "prefixes",
        ),
    ],
)
def test_more_than_any_component_has_is_refused_with_a_sentence(body: str, what: str) -> None:
    with pytest.raises(componentxml.TooLarge) as caught:
        Document.parse(component(body))
    assert caught.value.code == "COMPONENT_TOO_LARGE"
    assert what in caught.value.message


LARGEST = """
import json, resource, sys, time
from partnerapi import componentxml
from tests.benchmarks import componentxml as benchmark
data = benchmark.profile(int(sys.argv[1]))
began = time.process_time()
benchmark.way(data)
seconds = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"bytes": len(data), "seconds": seconds, "peak": peak}))
"""


def test_the_largest_document_fits_in_time_and_memory() -> None:
    one = (len(benchmark.profile(2_000)) - len(benchmark.profile(1_000))) / 1_000
    count = int(0.98 * MAX_BYTES / one)
    done = subprocess.run(
        [sys.executable, "-c", LARGEST, str(count)], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    unit = 1 if sys.platform == "darwin" else 1024
    assert 0.95 * MAX_BYTES < measured["bytes"] <= MAX_BYTES
    assert measured["seconds"] < 20
    assert measured["peak"] * unit < 400_000_000


def test_a_small_document_costs_next_to_nothing() -> None:
    """20 kB in 10 ms, in parses of as many bytes as a machine does in the same time."""
    small = benchmark.profile(100)
    assert 18_000 < len(small) < 21_000
    # A machine that parses 1.9 MB in 10 ms is an ordinary one.
    assert benchmark.best(lambda: benchmark.way(small), 9) < benchmark.bare(
        benchmark.profile(10_000)
    )


def dense(count: int) -> bytes:
    """Messages that each give a secret away, among some that do not."""
    said = "password = {0}r33dlake{0} and token: &quot;tok{0}abc99&quot;"
    rows = "".join(
        f'<shape name="shape{number}" userlabel="Send the orders to the shop" x="48.0" y="{number}.0">'
        f"<message><msgTxt>{said.format(number)}</msgTxt></message><note>{'as they come ' * 12}</note></shape>"
        for number in range(count)
    )
    return component(f"<process>{rows}</process>", type="process")


@pytest.mark.parametrize(
    ("make", "count"), [(headers, 215), (properties, 117), (scripts, 255), (dense, 50)]
)
def test_a_small_document_full_of_secrets_costs_little(
    make: Callable[[int], bytes], count: int
) -> None:
    """20 kB in 10 ms, counted as in the test before."""
    small = make(count)
    assert 18_000 < len(small) < 22_500
    assert benchmark.best(lambda: benchmark.way(small), 9) < benchmark.bare(
        benchmark.profile(10_000)
    )


BAITS = [
    *('"', "(a, b) = [ xx ", "-pass ", "password = ", 'name="a" b="', "://a/hook/", "a.b.c."),
    *("password = ['a', ", '\\"', "<password>", "password  ", "password=[1,2,3,", "'password', "),
    *("-----BEGIN PRIVATE KEY-----", "aB3dE5fG7", "://h.example/incoming/" + "a" * 40, "x == "),
    *("(a)=[" + "a          ," * 10, "getPassword() { ", '{"name":"password",', "eyJ0eXBlIjoi"),
]


@pytest.mark.parametrize("bait", BAITS)
def test_a_script_of_nothing_but_bait_is_read_in_linear_time(bait: str) -> None:
    small, large = ("password " + bait * (size // len(bait)) for size in (16_000, 256_000))
    once = benchmark.best(lambda: secrets.search(small, random_strings=True), 5)
    # Sixteen times as much; a square would be 256 times.
    assert benchmark.best(lambda: secrets.search(large, random_strings=True), 2) < 64 * once


def test_ids_that_are_all_used_are_replaced_and_named_in_one_pass() -> None:
    """Five thousand references in a megabyte: each of them is found, named by its path and replaced."""
    ids = {
        str(UUID(int=number + 2**100)): str(UUID(int=number + 2**101)) for number in range(5_000)
    }
    note = f"<note>{'Map the orders as they come. ' * 4}</note>"
    rows = "".join(f'<map mapId="{one}"/>{note}' for one in ids)
    document = Document.parse(component(f"<process>{rows}</process>", type="process"))
    data = document.to_bytes()

    def one_after_the_other() -> bytes:
        changed = data
        for old, new in ids.items():
            changed = changed.replace(old.encode(), new.encode())
        return changed

    rewritten = componentxml.rewrite(document, ids)
    assert rewritten.document.to_bytes() == one_after_the_other()
    assert len({one.path for one in rewritten.rewrites}) == len(ids)
    together = benchmark.best(lambda: componentxml.rewrite(document, ids), 5)
    assert 4 * together < benchmark.best(one_after_the_other, 1)


def test_many_known_ids_are_replaced_in_one_pass() -> None:
    """A large component refers to some hundreds of the thousands that are known."""
    ids = {
        str(UUID(int=number + 2**100)): str(UUID(int=number + 2**101)) for number in range(5_000)
    }
    used = list(ids)[::10]
    rows = "".join(
        f'<map mapId="{one}" name="shape{number}"/>' + '<note userlabel="Map the orders"/>' * 60
        for number, one in enumerate(used)
    )
    document = Document.parse(component(f"<process>{rows}</process>", type="process"))
    assert len(document.to_bytes()) > 1_000_000
    rewritten = componentxml.rewrite(document, ids)
    assert rewritten.count == len(used)

    def one_after_the_other() -> bytes:
        data = document.to_bytes()
        for old, new in ids.items():
            data = data.replace(old.encode(), new.encode())
        return data

    assert rewritten.document.to_bytes() == one_after_the_other()
    together = benchmark.best(lambda: componentxml.rewrite(document, ids), 5)
    assert 20 * together < benchmark.best(one_after_the_other, 1)
