"""Reads the records of a Kinesis stream that a delivery stream has as its source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from practice.local_cloud.firehose.transform import Record
from practice.local_cloud.loopback import client


class KinesisSource:
    """Reads each shard on from where it stopped, starting where the delivery stream was created."""

    def __init__(self, stream_arn: str, start: float) -> None:
        self._stream = stream_arn.rpartition("/")[2]
        self._start = start
        self._read: dict[str, str] = {}

    def records(self) -> Iterator[Record]:
        """All records that have not been read yet."""
        for shard in client("kinesis").list_shards(StreamName=self._stream)["Shards"]:
            yield from self._shard_records(shard["ShardId"])

    def _shard_records(self, shard: str) -> Iterator[Record]:
        kinesis = client("kinesis")
        position: dict[str, Any] = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self._start}
        if shard in self._read:
            position = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": self._read[shard],
            }
        iterator = kinesis.get_shard_iterator(StreamName=self._stream, ShardId=shard, **position)["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
            for found in answer["Records"]:
                self._read[shard] = found["SequenceNumber"]
                yield _record(shard, found)
            iterator = answer.get("NextShardIterator") if answer["Records"] else None


def _record(shard: str, found: dict[str, Any]) -> Record:
    arrived = int(found["ApproximateArrivalTimestamp"].timestamp() * 1000)
    metadata = {
        "shardId": shard,
        "partitionKey": found["PartitionKey"],
        "approximateArrivalTimestamp": arrived,
        "sequenceNumber": found["SequenceNumber"],
        "subsequenceNumber": 0,
    }
    return Record(f"{found['SequenceNumber']}0000", found["Data"], arrived, metadata)
