"""S3 objects: each body in a file of its own that never changes, everything else in the snapshots.

The emulator writes each object to the path of its key while it answers, so that after a sudden end the disk holds newer
objects than the services that speak of them, or older ones; and it keeps all versions in memory.

Remove when ministack stores objects apart from its state, each written once.
"""

from typing import Any

from ministack.services import s3

from local.snapshots.blobs import BlobStore

type Json = dict[str, Any]

_STORES = (
    "_buckets",
    "_completed_multipart_uploads",
    "_multipart_uploads",
    "_object_acl",
    "_object_annotations",
    "_object_legal_hold",
    "_object_retention",
    "_object_tags",
    "_object_versions",
)
"""What the emulator's own state of S3 leaves out."""

BLOB = "blob"
"""The field of an object, and of a version of one, that names the file of its body."""


def apply(blobs: BlobStore) -> None:
    """Keep bodies in `blobs`, and everything about them in the state of S3."""
    for name in (
        "_delete_persisted_bucket",
        "_delete_persisted_object",
        "_delete_version_file",
        "_persist_delete_marker",
        "_persist_displaced_version",
    ):
        setattr(s3, name, _do_nothing)  # the emulator has no public hooks
    _keep_bodies(blobs)
    _read_bodies(blobs)
    _keep_the_rest()


def used_blobs() -> set[str]:
    """The names of the files that objects and their versions have."""
    objects = [found for bucket in s3._buckets._data.values() for found in bucket["objects"].values()]
    versions = [version for found in s3._object_versions._data.values() for version in found]
    return {found[BLOB] for found in objects + versions if BLOB in found}


def _do_nothing(*_arguments: Any) -> None:
    """The snapshots know what was deleted."""


def _keep_bodies(blobs: BlobStore) -> None:
    def persist(bucket: str, key: str, found: Json) -> None:
        body, found["body"] = found["body"], None
        if body is None:
            return  # only something about the object has changed
        found[BLOB] = blobs.add(body)
        version_id = found.get("version_id") or "null"
        for version in s3._object_versions.get((bucket, key), []):
            if version["version_id"] == version_id and not version.get("is_delete_marker"):
                version["data"], version[BLOB] = None, found[BLOB]

    s3._persist_object = persist


def _read_bodies(blobs: BlobStore) -> None:
    version_body = s3._version_body

    def read_object(_bucket: str, _key: str, found: Json) -> bytes:
        body: bytes | None = found.get("body")
        return blobs.read(found[BLOB]) if body is None else body

    def read_version(bucket: Json, bucket_name: str, key: str, version: Json) -> bytes | None:
        if version.get("data") is None and BLOB in version:
            return blobs.read(version[BLOB])
        body: bytes | None = version_body(bucket, bucket_name, key, version)
        return body

    s3._read_body = read_object
    s3._version_body = read_version


def _keep_the_rest() -> None:
    get_state, load_state = s3.get_state, s3.load_persisted_state

    def state() -> Json:
        return {**get_state(), "stores": {name: getattr(s3, name) for name in _STORES}}

    def load(saved: Json) -> None:
        stores = saved.pop("stores")
        load_state(saved)
        for name, store in stores.items():
            getattr(s3, name)._data.update(store._data)

    s3.get_state = state
    s3.load_persisted_state = load
