"""`s3:VersionId`, by which policies open one version of an object.

A request that names a version has the key in its context (Service authorization reference, S3). The emulator knows the
actions on versions, but never fills the key, so that a statement with it matches nothing.

Remove when ministack fills `s3:VersionId`.
"""

from typing import Any

from ministack.core import iam_actions

type Json = dict[str, Any]


def apply() -> None:
    """Fill the key where a request names a version."""
    context_of = iam_actions.s3_service_context  # the emulator has no public hooks

    def context_with_version(iam_action: str, query: Json | None, path: str = "", headers: Json | None = None) -> Json:
        context: Json = context_of(iam_action, query, path, headers)
        version = iam_actions._query_param(query or {}, "versionId")
        return context | ({"s3:VersionId": version} if version else {})

    iam_actions.s3_service_context = context_with_version
