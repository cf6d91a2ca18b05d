"""Seeds that teams write themselves: component XML and a manifest."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from partnerapi.simulator import components, seed
from partnerapi.simulator.planting import SeedError, plant, uid
from tests.partnerapi.simulators import PROJECT, running

MANIFEST = """
primary = "acme-PRIMARY"

[[account]]
id = "acme-PRIMARY"
name = "Acme"
environments = [{ key = "prod", name = "Production", classification = "PROD" }]

[[account]]
id = "acmedev-TEAM1"
name = "Acme Dev"
packages = [
  { component = "hello", version = "{n}", count = 3, created = 2025-06-01T08:00:00Z },
  { component = "hello", version = "final", created = 2025-06-02T08:00:00Z },
]

[[pack]]
key = "starter"
name = "Starter"
"""

HELLO = """<?xml version="1.0" encoding="UTF-8"?>
<bns:Component xmlns:bns="http://api.platform.boomi.com/" name="Hello" type="process"
    folderFullPath="Acme Dev/Greetings" modifiedDate="{date}">
  <bns:object>
    <process xmlns="">
      <shapes><?repeat {times} <shape name="shape{{n}}"/>?></shapes>
    </process>
  </bns:object>
</bns:Component>
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "seed.toml").write_text(MANIFEST)
    dev = tmp_path / "acmedev-TEAM1"
    dev.mkdir()
    (dev / "hello.xml").write_text(HELLO.format(date="2025-05-01T08:00:00Z", times=2))
    (dev / "hello.2.xml").write_text(HELLO.format(date="2025-06-01T12:00:00Z", times=3))
    return tmp_path


def test_a_past_is_planted_in_the_order_of_its_dates(directory: Path) -> None:
    account = plant(directory).accounts["acmedev-TEAM1"]
    component = account.components[uid("acmedev-TEAM1", "hello")]
    assert [v.body.count(b"<shape ") for v in component.versions.values()] == [2, 3]
    assert [(p.version, p.component_version) for p in account.packages.values()] == [
        ("1", 1),
        ("2", 1),
        ("3", 1),
        ("final", 2),
    ]
    assert account.folders[component.versions[1].folder_id].full_path == "Acme Dev/Greetings"


def test_the_simulator_starts_with_a_seed_of_ones_own(directory: Path) -> None:
    with running("--seed", str(directory)) as simulator:
        for _ in range(2):
            state = simulator.state()
            assert state["primary"] == "acme-PRIMARY"
            assert [pack["name"] for pack in state["packs"]] == ["Starter"]
            simulator.control("reset")
        prefix = "/partner/api/rest/v1/acme-PRIMARY/"
        hello = f"Component/{uid('acmedev-TEAM1', 'hello')}"
        answer = simulator.call("GET", hello, prefix=prefix, account="acmedev-TEAM1")
        assert answer.status_code == 200
        assert b'name="Hello" type="process"' in answer.content


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("seed.toml", "primary = ", "seed.toml: Invalid value"),
        ("seed.toml", MANIFEST.replace("name", "label"), "seed.toml: name is missing."),
        ("seed.toml", MANIFEST.replace('"hello"', '"bye"'), "is not found"),
        ("acmedev-TEAM1/hello.xml", "<Component/>", "hello.xml: Unable to read"),
    ],
)
def test_what_is_wrong_with_a_seed_is_said(
    directory: Path, file: str, text: str, said: str
) -> None:
    (directory / file).write_text(text)
    with pytest.raises(SeedError, match=said):
        plant(directory)


def test_a_directory_without_a_manifest_is_refused_at_the_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "partnerapi.simulator", "--port", "0", "--seed", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 1
    assert str(tmp_path / "seed.toml") in done.stderr
    assert "Traceback" not in done.stderr


def test_exports_are_seeds(directory: Path) -> None:
    """What operation 1 answers can be saved as a file as it is."""
    account = seed.build("default", 1.0).accounts[seed.ORDERS_ACCOUNT]
    component = account.components[seed.DEMO_COMPONENT_ID]
    exported = components.document(account, component, components.newest(account, component))
    (directory / "acmedev-TEAM1" / "order.xml").write_bytes(exported)
    planted = plant(directory).accounts["acmedev-TEAM1"].components[seed.DEMO_COMPONENT_ID]
    again = planted.versions[1]
    assert again.body == components.newest(account, component).body
    assert again.modified_date == component.versions[1].modified_date


def test_a_reset_takes_milliseconds() -> None:
    seed.build("default", 1.0)
    started = time.process_time()
    for _ in range(5):
        seed.build("default", 1.0)
    assert (time.process_time() - started) / 5 < 0.1
