"""The only reader of the environment."""

import json
import os
from collections.abc import Mapping
from decimal import Decimal

from onggi.domain.money import Model, ModelPrice


class Settings:
    """The configuration that the template gives to a function; each function has those variables that it needs.

    A property raises KeyError with the variable's name where the template has left it out.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    @property
    def control_table(self) -> str:
        """The table of tenants and keys."""
        return self._environment["CONTROL_TABLE"]

    @property
    def tenant_table(self) -> str:
        """The table of what tenants own."""
        return self._environment["TENANT_TABLE"]

    @property
    def documents_bucket(self) -> str:
        """The pooled bucket of uploads."""
        return self._environment["DOCUMENTS_BUCKET"]

    @property
    def artifacts_bucket(self) -> str:
        """The pooled bucket of what ingestion makes."""
        return self._environment["ARTIFACTS_BUCKET"]

    @property
    def audit_bucket(self) -> str:
        """The bucket of what was changed about tenants."""
        return self._environment["AUDIT_BUCKET"]

    @property
    def vector_buckets(self) -> tuple[str, ...]:
        """The pooled vector buckets in which new tenants are placed, in the order in which they are filled."""
        return tuple(name for name in self._environment["VECTOR_BUCKETS"].split(",") if name)

    @property
    def onboarding_state_machine_arn(self) -> str:
        """The workflow that takes tenants in."""
        return self._environment["ONBOARDING_STATE_MACHINE_ARN"]

    @property
    def resumption_state_machine_arn(self) -> str:
        """The workflow that starts what has waited while a tenant was suspended."""
        return self._environment["RESUMPTION_STATE_MACHINE_ARN"]

    @property
    def offboarding_state_machine_arn(self) -> str:
        """The workflow that removes tenants."""
        return self._environment["OFFBOARDING_STATE_MACHINE_ARN"]

    @property
    def removal_grace_seconds(self) -> int:
        """How long after a tenant was shut out its data is removed."""
        return int(self._environment["REMOVAL_GRACE_SECONDS"])

    @property
    def authorization_cache_seconds(self) -> int:
        """How long a credential that was verified is trusted without looking again."""
        return int(self._environment["AUTHORIZATION_CACHE_SECONDS"])

    @property
    def offboarding_role_arn(self) -> str:
        """The role that counts and removes tenants' data."""
        return self._environment["OFFBOARDING_ROLE_ARN"]

    @property
    def relocation_state_machine_arn(self) -> str:
        """The workflow that moves tenants."""
        return self._environment["RELOCATION_STATE_MACHINE_ARN"]

    @property
    def silo_prefix(self) -> str:
        """What the names of stacks and buckets begin with that tenants have for themselves."""
        return self._environment["SILO_PREFIX"]

    @property
    def silo_role_arn(self) -> str:
        """The role by which CloudFormation makes those."""
        return self._environment["SILO_ROLE_ARN"]

    @property
    def retention_days(self) -> str:
        """How many days replaced or deleted uploads are kept."""
        return self._environment["RETENTION_DAYS"]

    @property
    def ingestion_state_machine_arn(self) -> str:
        """The ingestion workflow."""
        return self._environment["INGESTION_STATE_MACHINE_ARN"]

    @property
    def tenant_data_role_arn(self) -> str:
        """The role that every access to tenants' data assumes."""
        return self._environment["TENANT_DATA_ROLE_ARN"]

    @property
    def reading_key(self) -> str:
        """The KMS key that grants to read a document are encrypted under."""
        return self._environment["READING_KEY"]

    @property
    def tenant_keys_role_arn(self) -> str:
        """The role by whose session a tenant's owners manage their keys."""
        return self._environment["TENANT_KEYS_ROLE_ARN"]

    @property
    def user_pool_issuer(self) -> str:
        """What the user pool's tokens say has issued them."""
        return self._environment["USER_POOL_ISSUER"]

    @property
    def user_pool_keys_url(self) -> str:
        """Where the user pool publishes the keys that its tokens are signed with."""
        return self._environment["USER_POOL_KEYS_URL"]

    @property
    def user_pool_id(self) -> str:
        """The pool of tenants' users."""
        return self._environment["USER_POOL_ID"]

    @property
    def user_pool_client_id(self) -> str:
        """The client that the user pool issues this API's tokens for."""
        return self._environment["USER_POOL_CLIENT_ID"]

    @property
    def embedding_model_id(self) -> str:
        """Bedrock's id of the embedding model of new tenants."""
        return self._environment["EMBEDDING_MODEL_ID"]

    @property
    def embedding_dimensions(self) -> int:
        """How many numbers a vector of new tenants has: 256, 512 or 1024."""
        return int(self._environment["EMBEDDING_DIMENSIONS"])

    @property
    def generation_model_id(self) -> str:
        """Bedrock's id of the model, or inference profile, that answers."""
        return self._environment["GENERATION_MODEL_ID"]

    @property
    def allowed_origin(self) -> str:
        """The origin whose browsers may call the API, `*` for all, or `none`."""
        return self._environment.get("ALLOWED_ORIGIN", "none")

    @property
    def log_questions(self) -> bool:
        """Whether the text of questions is logged."""
        return self._environment["LOG_QUESTIONS"] == "true"

    @property
    def max_document_bytes(self) -> int:
        """The largest upload that is processed."""
        return int(self._environment["MAX_DOCUMENT_BYTES"])

    @property
    def models(self) -> dict[str, Model]:
        """The models by id: `{"<model id>": {"input": "1.00", "output": "5.00", "parameters": {}, "fields": {}}}`.

        Prices are in USD per million tokens.
        """
        return {
            model_id: Model(
                ModelPrice(Decimal(facts["input"]), Decimal(facts.get("output", "0"))),
                facts.get("parameters", {}),
                facts.get("fields", {}),
            )
            for model_id, facts in json.loads(self._environment["MODELS"]).items()
        }
