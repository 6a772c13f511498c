"""What users may do about themselves: SignUp and UpdateUserAttributes.

The emulator lets everybody sign up and every user write every attribute. AWS lets nobody sign up where only
administrators make users, and refuses attributes that the pool's schema calls immutable, and those that the client is
not allowed to write (developer guide, "Attribute permissions and scopes").

Remove when ministack enforces `AllowAdminCreateUserOnly`, immutable attributes and the client's write attributes.
"""

from typing import Any

from ministack.services import cognito

type Json = dict[str, Any]


def apply() -> None:
    """Refuse what a user may not write."""
    update, sign_up = cognito._update_user_attributes, cognito._sign_up  # the emulator has no public hooks

    def update_permitted(data: Json) -> Any:
        return refusal(data) or update(data)

    def sign_up_permitted(data: Json) -> Any:
        return sign_up_refusal(data) or sign_up(data)

    cognito._update_user_attributes = update_permitted
    cognito._sign_up = sign_up_permitted


def sign_up_refusal(data: Json) -> Any:
    """The error that AWS answers to who signs up, or None where the request may go on."""
    client_id = data.get("ClientId")
    pool = next((each for each in cognito._user_pools.values() if client_id in each["_clients"]), None)
    if pool is None or not pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly"):
        return None
    return cognito.error_response_json("NotAuthorizedException", "SignUp is not permitted for this user pool", 400)


def refusal(data: Json) -> Any:
    """The error that AWS answers, or None where the request may go on."""
    token = str(data.get("AccessToken", ""))
    user, pool = cognito._user_pool_for_access_token(token)
    if not user:
        return None  # the service refuses it
    names = [str(attribute.get("Name")) for attribute in data.get("UserAttributes") or []]
    client = (pool.get("_clients") or {}).get(cognito._token_claims(token).get("client_id")) or {}
    writable = client.get("WriteAttributes") or names
    if set(names) - set(writable):
        message = "A client attempted to write unauthorized attribute"
        return cognito.error_response_json("NotAuthorizedException", message, 400)
    fixed = {each["Name"] for each in pool["SchemaAttributes"] if not each["Mutable"]}
    for name in names:
        if name in fixed:
            message = f"user.{name}: Attribute cannot be updated."
            return cognito.error_response_json("InvalidParameterException", message, 400)
    return None
