"""What the simulator does with secrets: masked on the way out, and masks that come back noticed."""

import re
from collections.abc import Iterator

import pytest

from partnerapi.simulator import seed
from partnerapi.simulator.seed import uid
from tests.partnerapi.simulators import Controls, running

PRIMARY = seed.PRIMARY_ACCOUNT
COMMERCE = uid(PRIMARY, "commerce-api")
BANK = uid(PRIMARY, "bank-gateway")
MASK = re.compile("(?<![0-9a-f])[0-9a-f]{128}(?![0-9a-f])")


@pytest.fixture(scope="module")
def process() -> Iterator[Controls]:
    with running("--dialect", "published", "--speed", "50") as controls:
        yield controls


@pytest.fixture
def api(process: Controls) -> Controls:
    process.control("reset")
    return process


def read(api: Controls, component_id: str, account: str = "") -> str:
    return api.call("GET", f"Component/{component_id}", account=account).content.decode()


def write(api: Controls, component_id: str, xml: str) -> str:
    """Write to main, which the platform allows: the rule is the same on a branch."""
    answer = api.call("POST", f"Component/{component_id}", xml)
    assert answer.ok, answer.text
    return answer.content.decode()


def test_a_secret_is_masked_and_listed(api: Controls) -> None:
    text = read(api, COMMERCE)
    assert len(MASK.findall(text)) == 1
    assert '<bns:encryptedValue path="//HttpSettings/AuthSettings/@password" isSet="true"/>' in text
    assert "prod-violet-anchor-1" not in text
    assert "prod-violet-anchor-1" in api.raw(COMMERCE)


def test_element_text_and_fields_are_masked_too(api: Controls) -> None:
    finance = seed.FINANCE_ACCOUNT
    text = read(api, uid(finance, "payment-provider"), finance)
    assert MASK.search(re.search("<awsSecret>(.*)</awsSecret>", text)[1])  # type: ignore[index]
    assert "<accessKeyId>SAMPLEKEYID0001</accessKeyId>" in text
    text = read(api, uid(finance, "bank-gateway"), finance)
    assert len(MASK.findall(text)) == 3
    assert text.count("<bns:encryptedValue ") == 3
    assert '<field id="proxyPassword" type="password"/>' in text


def test_what_the_platform_does_not_list_comes_in_plain_text(api: Controls) -> None:
    orders = seed.ORDERS_ACCOUNT
    assert "amber-falcon-19" in read(api, uid(orders, "order-settings"), orders)
    text = read(api, uid(orders, "partner-returns"), orders)
    assert "<bns:encryptedValues/>" in text
    assert 'id="auth_platformApiKey" type="password" value="c2Ft' in text


def test_the_same_secret_again_is_no_change(api: Controls) -> None:
    text = MASK.sub("prod-violet-anchor-1", read(api, COMMERCE))
    assert api.call("POST", f"Component/{COMMERCE}", text).status_code == 400


def test_a_new_secret_is_kept(api: Controls) -> None:
    before = read(api, COMMERCE)
    after = write(api, COMMERCE, MASK.sub("prod-new-9", before))
    assert MASK.findall(after) != MASK.findall(before)
    assert 'password="prod-new-9"' in api.raw(COMMERCE)
    assert api.state()["mask_stored"] == []


def test_a_mask_that_is_sent_back_becomes_the_password_and_is_noticed(api: Controls) -> None:
    text = read(api, COMMERCE)
    mask = MASK.findall(text)[0]
    write(api, COMMERCE, text.replace("svc_orders", "svc_other"))
    assert f'password="{mask}"' in api.raw(COMMERCE)
    stored = api.state()["mask_stored"]
    assert [s["path"] for s in stored] == ["//HttpSettings/AuthSettings/@password"]
    assert stored[0]["componentId"] == COMMERCE


def test_a_mask_in_another_kind_of_component_is_noticed(api: Controls) -> None:
    mask = MASK.findall(read(api, COMMERCE))[0]
    settings = seed.PROD_STOCK_SETTINGS_ID
    write(api, settings, read(api, settings).replace("prod-steady-heron-7", mask))
    assert [s["componentId"] for s in api.state()["mask_stored"]] == [settings]


def test_a_secret_that_is_left_out_keeps_its_value(api: Controls) -> None:
    text = re.sub(' password="[0-9a-f]{128}"', "", read(api, COMMERCE))
    text = text.replace("https://commerce.example.com/v2", "https://commerce.example.com/v3")
    after = write(api, COMMERCE, text)
    assert MASK.search(after)
    assert 'password="prod-violet-anchor-1"' in api.raw(COMMERCE)
    assert api.state()["secrets_cleared"] == []


def test_by_the_other_source_leaving_it_out_deletes_it(api: Controls) -> None:
    api.edit(omitted_secret="delete")
    text = re.sub(' password="[0-9a-f]{128}"', "", read(api, COMMERCE))
    assert not MASK.search(write(api, COMMERCE, text))


def test_an_empty_secret_is_cleared_and_noticed(api: Controls) -> None:
    text = MASK.sub("", read(api, COMMERCE))
    after = write(api, COMMERCE, text)
    assert "<bns:encryptedValues/>" in after
    assert [c["componentId"] for c in api.state()["secrets_cleared"]] == [COMMERCE]


def test_fields_are_told_apart_by_their_id(api: Controls) -> None:
    text = read(api, BANK)
    password = re.compile('(<field id="password" type="password") value="[0-9a-f]{128}"')
    without = password.sub(r"\1", text).replace(
        '<field id="proxyPassword" type="password"/>',
        '<field id="proxyPassword" type="password" value="prod-proxy-8"/>',
    )
    # The mask of the other secret goes back as it is everywhere but where it must not.
    client_secret = re.search('clientSecret="([0-9a-f]{128})"', without)
    assert client_secret
    write(api, BANK, without.replace(client_secret[1], "prod-woven-lark-5"))
    raw = api.raw(BANK)
    assert 'id="password" type="password" value="prod-northern-quay-4"' in raw
    assert 'id="proxyPassword" type="password" value="prod-proxy-8"' in raw
    assert 'clientSecret="prod-woven-lark-5"' in raw
    assert api.state()["mask_stored"] == []


def test_the_type_of_a_process_property_cannot_change(api: Controls) -> None:
    settings = seed.PROD_STOCK_SETTINGS_ID
    text = read(api, settings).replace("<type>number</type>", "<type>string</type>")
    answer = api.call("POST", f"Component/{settings}", text)
    assert answer.status_code == 400
    assert "data type" in answer.text
