"""Calls of DynamoDB under a tenant's session that reach for another tenant's rows, and for the control table."""

from typing import Final

from tests.integration.product import Json
from tests.isolation.attacks import Scene, SessionAct


def tenants(scene: Scene) -> Json:
    return {"TableName": scene.target.product["TenantTableName"]}


def control(scene: Scene) -> Json:
    return {"TableName": scene.target.product["ControlTableName"]}


def row(scene: Scene) -> Json:
    return {"pk": {"S": scene.target.tenant_id}, "sk": {"S": f"DOCUMENT#{scene.target.document['document_id']}"}}


def new_row(tenant_id: str, sort_key: str = "PLANTED") -> Json:
    return {"pk": {"S": tenant_id}, "sk": {"S": sort_key}}


def partition(value: str) -> Json:
    return {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": value}}}


def updated(scene: Scene) -> Json:
    values = {":planted": {"BOOL": True}}
    return tenants(scene) | {
        "Key": row(scene),
        "UpdateExpression": "SET planted = :planted",
        "ExpressionAttributeValues": values,
    }


def mixed(scene: Scene) -> list[Json]:
    items = [new_row(scene.own.tenant_id), new_row(scene.target.tenant_id, "PLANTED TOO")]
    return [{"Put": tenants(scene) | {"Item": item}} for item in items]


def statement(scene: Scene, text: str) -> str:
    return text.format(table=tenants(scene)["TableName"], tenant=scene.target.tenant_id)


DYNAMODB: Final[dict[str, SessionAct]] = {
    "get": lambda clients, scene: clients["dynamodb"].get_item(**tenants(scene), Key=row(scene)),
    "batch get": lambda clients, scene: clients["dynamodb"].batch_get_item(
        RequestItems={tenants(scene)["TableName"]: {"Keys": [row(scene)]}}
    ),
    "query": lambda clients, scene: clients["dynamodb"].query(**tenants(scene), **partition(scene.target.tenant_id)),
    "query the index": lambda clients, scene: clients["dynamodb"].query(
        **tenants(scene), **partition(scene.target.tenant_id), IndexName="by_upload"
    ),
    "put": lambda clients, scene: clients["dynamodb"].put_item(**tenants(scene), Item=new_row(scene.target.tenant_id)),
    "update": lambda clients, scene: clients["dynamodb"].update_item(**updated(scene)),
    "transact get": lambda clients, scene: clients["dynamodb"].transact_get_items(
        TransactItems=[{"Get": tenants(scene) | {"Key": row(scene)}}]
    ),
    "transact put": lambda clients, scene: clients["dynamodb"].transact_write_items(
        TransactItems=[{"Put": tenants(scene) | {"Item": new_row(scene.target.tenant_id)}}]
    ),
    "transact update": lambda clients, scene: clients["dynamodb"].transact_write_items(
        TransactItems=[{"Update": updated(scene)}]
    ),
    "mixed transaction": lambda clients, scene: clients["dynamodb"].transact_write_items(TransactItems=mixed(scene)),
}
DYNAMODB_NEVER: Final[dict[str, SessionAct]] = {
    "delete": lambda clients, scene: clients["dynamodb"].delete_item(**tenants(scene), Key=row(scene)),
    "transact delete": lambda clients, scene: clients["dynamodb"].transact_write_items(
        TransactItems=[{"Delete": tenants(scene) | {"Key": row(scene)}}]
    ),
    "batch write": lambda clients, scene: clients["dynamodb"].batch_write_item(
        RequestItems={tenants(scene)["TableName"]: [{"PutRequest": {"Item": new_row(scene.target.tenant_id)}}]}
    ),
    "scan": lambda clients, scene: clients["dynamodb"].scan(**tenants(scene)),
    "scan for one": lambda clients, scene: clients["dynamodb"].scan(
        **tenants(scene),
        FilterExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": scene.target.tenant_id}},
    ),
    "scan the index": lambda clients, scene: clients["dynamodb"].scan(**tenants(scene), IndexName="by_upload"),
    "PartiQL": lambda clients, scene: clients["dynamodb"].execute_statement(
        Statement=statement(scene, "SELECT * FROM \"{table}\" WHERE pk = '{tenant}'")
    ),
    "PartiQL batch": lambda clients, scene: clients["dynamodb"].batch_execute_statement(
        Statements=[{"Statement": statement(scene, "SELECT * FROM \"{table}\" WHERE pk = '{tenant}' AND sk = 'x'")}]
    ),
    "describe table": lambda clients, scene: clients["dynamodb"].describe_table(**tenants(scene)),
    "control: get tenant": lambda clients, scene: clients["dynamodb"].get_item(
        **control(scene), Key=new_row("TENANTS", scene.target.tenant_id)
    ),
    "control: get own record": lambda clients, scene: clients["dynamodb"].get_item(
        **control(scene), Key=new_row("TENANTS", scene.own.tenant_id)
    ),
    "control: list tenants": lambda clients, scene: clients["dynamodb"].query(**control(scene), **partition("TENANTS")),
    "control: list keys": lambda clients, scene: clients["dynamodb"].query(
        **control(scene), **partition(f"KEYS#{scene.target.tenant_id}")
    ),
    "control: partition named as the tenant": lambda clients, scene: clients["dynamodb"].query(
        **control(scene), **partition(scene.own.tenant_id)
    ),
    "control: plant a key": lambda clients, scene: clients["dynamodb"].put_item(
        **control(scene), Item=new_row(f"KEYS#{scene.target.tenant_id}", "planted")
    ),
    "control: scan": lambda clients, scene: clients["dynamodb"].scan(**control(scene)),
}
