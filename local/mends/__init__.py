"""What the emulator gets wrong or lacks, mended in process: one module a gap, each with a contract test."""

from local.mends import (
    api_gateway,
    bedrock_models,
    cloudformation_buckets,
    cognito_attributes,
    dynamodb_leading_keys,
    embedded_metrics,
    iam_policy_variables,
    lambda_runtime,
    s3_events,
    s3_kms,
    s3_missing_keys,
    s3_vectors,
    s3_vectors_kms,
    sam_parameters,
    secure_transport,
    session_tags,
    stack_roles,
    stack_tags,
    state_machine_yaml,
    step_functions,
)
from local.settings import CloudSettings


def apply_all(settings: CloudSettings) -> None:
    """Mend the emulator in this process, before it serves."""
    iam_policy_variables.apply()
    dynamodb_leading_keys.apply()
    session_tags.apply()
    stack_tags.apply()
    stack_roles.apply()
    secure_transport.apply()
    sam_parameters.apply()
    lambda_runtime.apply(settings)
    embedded_metrics.apply()
    step_functions.apply()
    state_machine_yaml.apply()
    s3_events.apply()
    s3_kms.apply()
    s3_missing_keys.apply()
    cloudformation_buckets.apply()
    api_gateway.apply()
    cognito_attributes.apply()
    bedrock_models.apply()
    s3_vectors.apply(settings)
    s3_vectors_kms.apply()
