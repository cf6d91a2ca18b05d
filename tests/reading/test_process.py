"""What changes in a process: shapes, ways, moves, and what stands outside the picture."""

from __future__ import annotations

from dataclasses import replace

from promotions.reading import Reading, from_json, read
from tests.reading import samples
from tests.reading.samples import Box

NAMES = {samples.uid(1): "Shop API", samples.uid(2): "Fetch orders", samples.uid(3): "To invoice"}


def reading(old: list[Box] | None, new: list[Box]) -> Reading:
    return read(samples.process(old) if old is not None else None, samples.process(new), NAMES)


def marks(found: Reading) -> list[tuple[str, str, str]]:
    return [(entry.mark, entry.kind, entry.title) for entry in found.entries]


def test_the_same_process_says_so() -> None:
    found = reading(samples.small(), samples.small())
    assert (found.state, found.entries, found.notes) == ("same", [], [])
    assert found.sentence == "Says the same as in production."


def test_a_changed_text_is_told_in_words_and_by_its_lines() -> None:
    boxes = samples.small()
    boxes[2] = replace(boxes[2], configuration=samples.message("Received {1}\nThank you"))
    found = reading(samples.small(), boxes)
    assert marks(found) == [("changed", "Message", "Ack")]
    [change] = found.entries[0].changes
    assert change.label == "text"
    assert change.rows is not None
    assert [row[0] for row in change.rows] == ["equal", "add"]
    assert found.sentence == "Changes Message “Ack” (text)."


def test_an_inserted_shape_moves_nobody() -> None:
    boxes = samples.small()
    boxes[2] = replace(boxes[2], ways=(("", "shape9"),))
    boxes[3:] = [replace(box, at=(box.at[0] + 176, 96)) for box in boxes[3:]]
    boxes.append(Box("shape9", "notify", "<notify/>", (624, 96), "Tell", (("", "shape4"),)))
    found = reading(samples.small(), boxes)
    assert marks(found) == [("added", "Notify", "Tell")]
    assert found.picture is not None
    ways = {(way.source, way.target, way.mark) for way in found.picture.ways if way.mark != "same"}
    assert ways == {("s2", "s5", "added"), ("s5", "s3", "added"), ("s2", "s3", "removed")}


def test_a_shape_that_only_moved_is_no_change_of_meaning() -> None:
    boxes = samples.small()
    boxes[2] = replace(boxes[2], at=(448, 300))
    found = reading(samples.small(), boxes)
    assert marks(found) == [("moved", "Message", "Ack")]
    assert found.sentence == "1 shape only moved."


def test_labels_come_from_what_a_shape_does_where_nobody_wrote_one() -> None:
    found = reading(None, samples.small())
    assert [(e.kind, e.title) for e in found.entries] == [
        ("Start", "No data"),
        ("Connector", "Get Fetch orders"),
        ("Message", "Ack"),
        ("Map", "To invoice"),
        ("Stop", ""),
    ]
    assert found.sentence == "New process of 5 shapes: 1 connector call and 1 map."


def test_ids_become_names() -> None:
    boxes = samples.small()
    boxes[3] = replace(boxes[3], configuration=f'<map mapId="{samples.uid(77)}"/>')
    [change] = reading(samples.small(), boxes).entries[0].changes
    assert (change.label, change.old) == ("map", "“To invoice”")


def test_another_component_of_the_same_name_is_a_change_to_see() -> None:
    old, new = samples.process(samples.small()), samples.small()
    new[3] = replace(new[3], configuration=f'<map mapId="{samples.uid(8)}"/>')
    found = read(old, samples.process(new), NAMES | {samples.uid(8): "To invoice"})
    [change] = found.entries[0].changes
    assert change.old == "“To invoice” (00000003)"
    assert change.new == "“To invoice” (00000008)"


def test_shapes_with_new_names_are_known_by_content_and_flow() -> None:
    """As after a copy of a whole process."""
    names = {box.name: f"shape{number}" for number, box in enumerate(samples.small(), 101)}
    boxes = [
        replace(box, name=names[box.name], ways=tuple((m, names[t]) for m, t in box.ways))
        for box in samples.small()
    ]
    boxes[2] = replace(boxes[2], label="", configuration=samples.message("Thank you"))
    found = reading(samples.small(), boxes)
    assert marks(found) == [("changed", "Message", "Thank you")]
    assert found.notes == ["5 shapes have new internal names."]


def test_a_way_that_leads_elsewhere_is_a_change_of_its_shape() -> None:
    boxes = samples.small()
    boxes[1] = replace(boxes[1], ways=(("", "shape4"),))
    found = reading(samples.small(), boxes)
    assert marks(found)[0][:2] == ("changed", "Connector")
    [change] = found.entries[0].changes
    assert (change.label, change.old, change.new) == (
        "way",
        "to Message “Ack”",
        "to Map “To invoice”",
    )
    assert found.notes == ["Not connected to the start: Message “Ack”."]


def test_a_way_that_is_not_connected_leads_nowhere() -> None:
    boxes = samples.small()
    boxes[1] = replace(boxes[1], ways=(("", "unset"),))
    [change] = reading(samples.small(), boxes).entries[0].changes
    assert change.new == "leads nowhere"


def test_what_stands_outside_the_picture_is_said() -> None:
    old = samples.process(samples.small(), overrides="<Overrides/>")
    new = samples.process(
        samples.small(), overrides='<Overrides><ConnectionOverride id="1"/></Overrides>'
    )
    found = read(old, samples.changed(new, 'workload="general"', 'workload="low_latency"'), {})
    assert found.sections[0].title == "Also changed outside the picture"
    assert found.sentence == "2 values changed outside the picture."


def test_connections_that_only_the_new_version_uses_are_told() -> None:
    boxes = samples.small()
    boxes[1] = replace(
        boxes[1], configuration=boxes[1].configuration.replace(samples.uid(1), samples.uid(50))
    )
    assert reading(samples.small(), boxes).connections == [samples.uid(50)]


def test_nothing_hidden_is_told() -> None:
    mask = "0123456789abcdef" * 8
    boxes = samples.small()
    boxes[2] = replace(boxes[2], configuration=samples.message("{promotion-desk:hidden}" + mask))
    stored = reading(samples.small(), boxes).to_json().decode()
    assert mask not in stored
    assert "promotion-desk" not in stored
    assert "(hidden)" in stored


def test_a_reading_comes_back_from_its_storage() -> None:
    for boxes in (samples.small(), samples.large(60)):
        for old in (None, samples.large(40, 2)):
            found = reading(old, boxes)
            assert from_json(found.to_json()) == found
