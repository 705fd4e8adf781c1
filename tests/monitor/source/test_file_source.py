"""Files as a source: predictions first, then labels, as two partitions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.config import Fields, LabelsFields
from monitor.source.base import Chunk, TopicPartition
from monitor.source.file import FileSource, topic_of

FIELDS = Fields()


def saved(folder: Path, name: str, rows: int) -> Path:
    file = folder / name
    file.write_text("".join(json.dumps({"id": f"{name}-{i}"}) + "\n" for i in range(rows)))
    return file


def source(paths: Sequence[Path], labels: Sequence[Path] = ()) -> FileSource:
    places = LabelsFields().resolved(FIELDS, "m")
    return FileSource(paths, FIELDS.resolved("m"), None, labels, places)


def begun(made: FileSource, at: int = 0) -> FileSource:
    assigned = made.poll(0.0, 10).assigned
    made.seek(dict.fromkeys(assigned, at))
    return made


def read(made: FileSource, at_once: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    while not made.is_exhausted:
        chunks.extend(made.poll(0.0, at_once).chunks)
    return chunks


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 100])
def test_predictions_come_before_labels_each_with_offsets_of_their_own(tmp_path: Path, at_once: int) -> None:
    files = [saved(tmp_path, "a.jsonl", 3), saved(tmp_path, "b.jsonl", 1)]
    made = begun(source(files, [saved(tmp_path, "l.jsonl", 3)]))
    assert made.labels_partition is not None
    rows = [
        (chunk.partition, record.offset, json.loads(record.value or b"")["id"])
        for chunk in read(made, at_once)
        for record in chunk.records
    ]
    ids = ["a.jsonl-0", "a.jsonl-1", "a.jsonl-2", "b.jsonl-0"]
    assert rows == [
        *((made.partition, i, name) for i, name in enumerate(ids)),
        *((made.labels_partition, i, f"l.jsonl-{i}") for i in range(3)),
    ]
    assert made.end_offsets([made.partition, made.labels_partition]) == {
        made.partition: 4,
        made.labels_partition: 3,
    }
    assert not made.poll(0.0, at_once).chunks


def test_without_labels_there_is_one_partition(tmp_path: Path) -> None:
    made = source([saved(tmp_path, "a.jsonl", 1)])
    assert made.labels_partition is None
    assert made.poll(0.0, 1).assigned == {made.partition}


def test_each_partition_is_sought_by_itself(tmp_path: Path) -> None:
    made = begun(source([saved(tmp_path, "a.jsonl", 3)], [saved(tmp_path, "l.jsonl", 3)]))
    assert made.labels_partition is not None
    assert len(read(made, 100)) == 2
    made.seek({made.labels_partition: 2})
    assert not made.is_exhausted
    assert made.end_offsets([made.partition, made.labels_partition]) == {made.partition: 3}
    (chunk,) = read(made, 100)
    assert (chunk.partition, [record.offset for record in chunk.records]) == (made.labels_partition, [2])


def test_nothing_is_read_before_its_partition_was_sought(tmp_path: Path) -> None:
    made = source([saved(tmp_path, "a.jsonl", 3)], [saved(tmp_path, "l.jsonl", 3)])
    made.poll(0.0, 10)
    assert not made.poll(0.0, 10).chunks
    assert not made.is_exhausted


def test_seeking_beyond_the_end_leaves_nothing(tmp_path: Path) -> None:
    assert read(begun(source([saved(tmp_path, "a.jsonl", 3)]), at=9), 10) == []


def test_the_topic_of_labels_has_another_name_than_that_of_predictions_in_the_same_file(
    tmp_path: Path,
) -> None:
    file = saved(tmp_path, "a.jsonl", 1)
    made = source([file], [file])
    assert made.labels_partition is not None
    assert made.partition == TopicPartition(topic_of([file]), 0)
    assert made.labels_partition == TopicPartition(topic_of([file], "labels"), 0)
    assert made.partition.topic.startswith("replay.")
    assert made.labels_partition.topic == made.partition.topic.replace("replay.", "labels.", 1)


def test_files_begin_at_their_first_row_whatever_the_time(tmp_path: Path) -> None:
    made = source([saved(tmp_path, "a.jsonl", 1)])
    assert made.offsets_at({made.partition: 5}) == {made.partition: 0}
    assert made.first_offsets([made.partition], "latest") == {made.partition: 0}


@pytest.mark.parametrize("most", [1, 30, 45, 46, 1_000])
def test_very_long_rows_come_few_at_a_time_and_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("monitor.source.file._POLL_BYTES", most)
    made = begun(source([saved(tmp_path, "a.jsonl", 7)]))
    chunks = read(made, 5)
    offsets = [record.offset for chunk in chunks for record in chunk.records]
    assert offsets == list(range(7))
    length = len(chunks[0].records[0].value or b"")
    assert all(len(chunk.records) <= 1 + most // length for chunk in chunks)
