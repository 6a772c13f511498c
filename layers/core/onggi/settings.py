"""The only reader of the environment."""

import json
import os
from collections.abc import Mapping
from decimal import Decimal

from onggi.domain.money import ModelPrice


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
    def vector_bucket(self) -> str:
        """The pooled vector bucket in which new tenants are placed."""
        return self._environment["VECTOR_BUCKET"]

    @property
    def tenant_data_role_arn(self) -> str:
        """The role that every access to tenants' data assumes."""
        return self._environment["TENANT_DATA_ROLE_ARN"]

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
    def user_pool_client_id(self) -> str:
        """The client that the user pool issues this API's tokens for."""
        return self._environment["USER_POOL_CLIENT_ID"]

    @property
    def embedding_model_id(self) -> str:
        """Bedrock's id of the embedding model."""
        return self._environment["EMBEDDING_MODEL_ID"]

    @property
    def embedding_dimensions(self) -> int:
        """How many numbers a vector has: 256, 512 or 1024."""
        return int(self._environment["EMBEDDING_DIMENSIONS"])

    @property
    def generation_model_id(self) -> str:
        """Bedrock's id of the model, or inference profile, that answers."""
        return self._environment["GENERATION_MODEL_ID"]

    @property
    def max_document_bytes(self) -> int:
        """The largest upload that is processed."""
        return int(self._environment["MAX_DOCUMENT_BYTES"])

    @property
    def model_prices(self) -> dict[str, ModelPrice]:
        """USD per million tokens by model id: `{"<model id>": {"input": "0.02", "output": "0"}}`."""
        prices = json.loads(self._environment["MODEL_PRICES"])
        return {
            model: ModelPrice(Decimal(price["input"]), Decimal(price.get("output", "0")))
            for model, price in prices.items()
        }
