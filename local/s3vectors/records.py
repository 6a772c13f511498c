"""What S3 Vectors stores: buckets, indexes and vectors."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bucket:
    """A vector bucket. `created` is in seconds since 1970; `owner` is the account and region it belongs to."""

    arn: str
    name: str
    owner: str
    created: float
    encryption: dict[str, str]
    policy: str | None = None


@dataclass(frozen=True)
class Index:
    """A vector index. `searchable` gives the language (None: standard analyser) of each full-text searchable key."""

    id: int
    arn: str
    name: str
    bucket: str
    created: float
    dimension: int
    metric: str
    encryption: dict[str, str]
    non_filterable: tuple[str, ...]
    searchable: dict[str, str | None]


@dataclass(frozen=True)
class Vector:
    """One vector as stored: `data` are little-endian float32 values, `metadata` is JSON; `id` tells the age."""

    key: str
    metadata: str | None
    data: bytes
    id: int = 0
