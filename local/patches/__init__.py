"""Patches of ministack, applied in process: one module for each difference from AWS, each with a contract test.

Each module says what the emulator does, what AWS does, and when the patch can be removed.
"""

from local.patches import (
    api_gateway,
    api_resource_policies,
    bedrock_models,
    cloudformation_buckets,
    cognito_attributes,
    dynamodb_leading_keys,
    embedded_metrics,
    executions,
    iam_policy_variables,
    kms_requests,
    lambda_runtime,
    resource_account,
    s3_bodies,
    s3_conditional_writes,
    s3_events,
    s3_kms,
    s3_missing_keys,
    s3_vectors,
    s3_vectors_kms,
    s3_version_ids,
    sam_parameters,
    secure_transport,
    session_tags,
    snapshots,
    stack_roles,
    stack_tags,
    state_machine_yaml,
    step_functions,
    sts_sessions,
)
from local.s3vectors import service
from local.settings import EMULATOR_VERSION, CloudSettings
from local.snapshots.store import SnapshotStore


def apply_all(settings: CloudSettings) -> None:
    """Patches the emulator in this process before it serves, and loads the state of the last run.

    Raises:
        StateError: what it held cannot be read.
    """
    store = SnapshotStore(settings.data, EMULATOR_VERSION)
    iam_policy_variables.apply()
    dynamodb_leading_keys.apply()
    session_tags.apply()
    sts_sessions.apply()
    stack_tags.apply()
    stack_roles.apply()
    secure_transport.apply()
    resource_account.apply()
    sam_parameters.apply()
    lambda_runtime.apply(settings)
    embedded_metrics.apply()
    step_functions.apply()
    executions.apply()
    state_machine_yaml.apply()
    s3_events.apply()
    s3_bodies.apply(store.blobs)
    s3_kms.apply()
    s3_missing_keys.apply()
    s3_conditional_writes.apply()
    s3_version_ids.apply()
    kms_requests.apply()
    cloudformation_buckets.apply()
    api_gateway.apply()
    api_resource_policies.apply()
    cognito_attributes.apply()
    bedrock_models.apply()
    s3_vectors.apply(settings)
    s3_vectors_kms.apply()
    snapshots.apply(store, service.engine().database, settings.port)
