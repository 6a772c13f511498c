"""Attacks over HTTP: every route and every parameter that could name another tenant."""

import base64
import http.client
import json
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from tests.integration.product import Json, Reply
from tests.isolation.attacks import REFUSED, Attack, Scene, Walls, granted
from tests.isolation.jars import QUESTION

type Act = Callable[[Scene], Any]
type Headers = Sequence[tuple[str, str]]

WALLS: Final = (Walls.BOTH, Walls.APPLICATION)
"""Whoever calls the API meets the application."""

SIGNED: Final = (Walls.BOTH, Walls.IAM)
"""A form's signature is verified by S3, which the application is not asked about."""


def bearer(key: str) -> Headers:
    return [("Authorization", f"Bearer {key}")]


def sent(scene: Scene, method: str, path: str, headers: Headers, body: Any = None) -> Reply:
    """Sends exactly this path and these headers, which better clients would correct."""
    base = urlsplit(scene.own.product["ApiUrl"])
    data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    connection = http.client.HTTPConnection(str(base.hostname), base.port, timeout=60)
    try:
        connection.putrequest(method, base.path + path, skip_accept_encoding=True)
        for name, value in (*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(data)))):
            connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace"))
    finally:
        connection.close()


def called(method: str, path: str, body: Callable[[Scene], Any] | None = None, headers: Headers = ()) -> Act:
    """A call with the attacker's own key; path and headers may name the target."""

    def act(scene: Scene) -> Any:
        named = [(name, _filled(value, scene)) for name, value in headers]
        own = bearer(scene.own.tenant.api_key)
        return sent(scene, method, _filled(path, scene), [*own, *named], body(scene) if body else None)

    return act


def _filled(text: str, scene: Scene) -> str:
    target = scene.target
    values = {
        "{id}": target.document["document_id"],
        "{tenant}": target.tenant_id,
        "{own_id}": scene.own.document["document_id"],
        "{cursor}": quote(target.cursor),
        "{key}": quote(target.document["key"], safe=""),
        "{wide_id}": quote("".join(chr(ord(letter) + 0xFEE0) for letter in target.document["document_id"])),
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def cursor_of(scene: Scene, *more: str) -> list[str]:
    document = scene.target.documents[0]
    return [*more, f"DOCUMENT#{document['document_id']}", document["uploaded_at"]]


def at_forged_cursor(forge: Callable[[Scene], Any]) -> Act:
    def act(scene: Scene) -> Any:
        cursor = base64.urlsafe_b64encode(json.dumps(forge(scene)).encode()).decode()
        return called("GET", f"/v1/documents?cursor={quote(cursor)}")(scene)

    return act


FORGED_CURSORS: Final[dict[str, Callable[[Scene], Any]]] = {
    "forged cursor of a document": cursor_of,
    "forged cursor with a partition": lambda scene: cursor_of(scene, scene.target.tenant_id),
    "forged cursor as a key": lambda scene: {"pk": scene.target.tenant_id, "sk": cursor_of(scene)[0]},
    "forged cursor as a typed key": lambda scene: {
        "pk": {"S": scene.target.tenant_id},
        "sk": {"S": cursor_of(scene)[0]},
        "uploaded_at": {"S": cursor_of(scene)[1]},
    },
    "forged cursor of nested keys": lambda scene: [{"pk": scene.target.tenant_id}, cursor_of(scene)],
    "forged cursor beyond all": lambda _: ["DOCUMENT#g", "9999-12-31T23:59:59Z"],
}


def question(_: Scene, **more: Any) -> Json:
    return {"question": QUESTION, **more}


def filtered(clause: Callable[[Scene], Json]) -> Callable[[Scene], Json]:
    return lambda scene: question(scene, filter=clause(scene))


def by_document(scene: Scene) -> Json:
    return {"document_id": {"$eq": scene.target.document["document_id"]}}


FILTERS: Final[dict[str, Callable[[Scene], Json]]] = {
    "document id": by_document,
    "several document ids": lambda scene: {
        "document_id": {"$in": [document["document_id"] for document in scene.target.documents]}
    },
    "anything or a document id": lambda scene: {"$or": [{"page": {"$gte": 0}}, by_document(scene)]},
    "seal": lambda scene: {"seal": {"$eq": scene.target.seal}},
}
TENANT_FILTERS: Final[dict[str, Callable[[Scene], Json]]] = {
    "tenant id": lambda scene: {"tenant_id": {"$eq": scene.target.tenant_id}},
    "partition": lambda scene: {"pk": {"$eq": scene.target.tenant_id}},
    "index": lambda scene: {"indexName": {"$eq": scene.target.tenant_id}},
}
FIELDS: Final[dict[str, Callable[[Scene], Any]]] = {
    "tenant_id": lambda scene: scene.target.tenant_id,
    "tenant": lambda scene: scene.target.context,
    "index": lambda scene: scene.target.tenant_id,
    "indexName": lambda scene: scene.target.tenant_id,
    "placement": lambda scene: scene.target.placement,
    "document_id": lambda scene: scene.target.document["document_id"],
    "key": lambda scene: scene.target.document["key"],
    "prefix": lambda scene: scene.target.tenant.prefix,
    "bucket": lambda scene: scene.target.placement["documents_bucket"],
}
"""Fields that the contract does not know."""


def with_field(name: str) -> Callable[[Scene], Json]:
    return lambda scene: question(scene, **{name: FIELDS[name](scene)})


HEADERS: Final = (
    ("x-tenant-id", "{tenant}"),
    ("x-amz-tenant-id", "{tenant}"),
    ("tenant", "{tenant}"),
    ("x-onggi-tenant", "{tenant}"),
    ("x-api-key", "onggi_{tenant}_x"),
    ("x-forwarded-user", "{tenant}"),
    ("x-forwarded-prefix", "/tenants/{tenant}"),
    ("x-original-url", "/v1/documents/{id}"),
    ("x-rewrite-url", "/v1/documents/{id}"),
    ("x-amzn-authorizer-tenant", '{"tenant_id": "{tenant}"}'),
    ("x-amz-security-token", "{tenant}"),
    ("cookie", "tenant_id={tenant}; tenant={tenant}"),
    ("forwarded", "for=127.0.0.1;host={tenant}"),
)
PATHS: Final = (
    "/v1/documents/../documents/{id}",
    "/v1/documents/{own_id}/../{id}",
    "/v1/documents/%2e%2e/documents/{id}",
    "/v1/documents/{own_id}%2F..%2F{id}",
    "/v1/documents/{own_id}%2f%2e%2e%2f{id}",
    "/v1//documents//{id}",
    "//v1/documents/{id}",
    "/v1/documents/{id}/",
    "/v1/documents/{id}%00",
    "/v1/documents/{id};tenant={tenant}",
    "/v1/documents/{id}?tenant_id={tenant}",
    "/v1/documents/{id}#",
    "/v1/documents/%20{id}",
    "/v1/documents/{wide_id}",
    "/v1/documents/DOCUMENT%23{id}",
    "/v1/documents/{tenant}%2FDOCUMENT%23{id}",
    "/v1/documents/{key}",
    "/v1/documents/%7B%22S%22%3A%22{id}%22%7D",
    "/v1/./documents/{id}",
    "/../live/v1/documents/{id}",
    "/v1/me/../documents/{id}",
    "/v1/tenants/{tenant}/documents/{id}",
    "/v1/{tenant}/documents/{id}",
)
METHODS: Final = ("PUT", "PATCH", "POST", "HEAD", "OPTIONS")
UPLOADS: Final = (
    "../{tenant}/planted.txt",
    "../../tenants/{tenant}/planted.txt",
    "/tenants/{tenant}/planted.txt",
    "tenants/{tenant}/planted.txt",
    "..%2f{tenant}%2fplanted.txt",
    "..\\{tenant}\\planted.txt",
    "\uff0e\uff0e/{tenant}/planted.txt",
    "..\uff0f{tenant}\uff0fplanted.txt",
    "a/\u2025/{tenant}/planted.txt",
)


def uploading(name: str, metadata: Callable[[Scene], Json] | None = None) -> Act:
    """Asks for a form and sends it."""

    def act(scene: Scene) -> Any:
        body = {"name": _filled(name, scene), "content_type": "text/plain", "size": 7}
        reply = scene.own.tenant.call("POST", "/documents", body | ({"metadata": metadata(scene)} if metadata else {}))
        return reply if reply.status != 201 else (reply, scene.own.tenant.send_form(reply.body["upload"], b"planted"))

    return act


def form_with(change: Callable[[Scene, dict[str, str]], dict[str, str]], url: str = "") -> Act:
    """Sends the form that was permitted for the attacker's own key, changed."""

    def act(scene: Scene) -> Any:
        body = {"name": "planted.txt", "content_type": "text/plain", "size": 7}
        form = scene.own.tenant.call("POST", "/documents", body).body["upload"]
        changed = {"url": form["url"] + _filled(url, scene), "fields": form["fields"] | change(scene, form["fields"])}
        reply = scene.own.tenant.send_form(changed, b"planted")
        if reply.status >= REFUSED:
            scene.own.put_back()  # what was permitted was noted
        return granted(reply)

    return act


def unchanged(*_: Any) -> dict[str, str]:
    return {}


def rewritten_policy(scene: Scene, fields: dict[str, str]) -> dict[str, str]:
    own, target = scene.own.tenant.prefix, scene.target.tenant.prefix
    policy = base64.b64decode(fields["policy"]).decode().replace(own, target)
    return {"key": target + "planted.txt", "policy": base64.b64encode(policy.encode()).decode()}


FORMS: Final[dict[str, Act]] = {
    "key of the target": form_with(lambda scene, _: {"key": scene.target.tenant.prefix + "planted.txt"}),
    "key above the own prefix": form_with(
        lambda scene, _: {"key": f"{scene.own.tenant.prefix}../{scene.target.tenant_id}/planted.txt"}
    ),
    "key with a file name": form_with(lambda scene, _: {"key": scene.target.tenant.prefix + "${filename}"}),
    "policy of the target, unsigned": form_with(rewritten_policy),
    "address of the target": form_with(unchanged, url="/tenants/{tenant}/"),
}


def with_key(forge: Callable[[Scene], str], scheme: str = "Bearer") -> Act:
    """A listing with a credential that names the target."""
    return lambda scene: sent(scene, "GET", "/v1/documents", [("Authorization", f"{scheme} {forge(scene)}".strip())])


def real_key(scene: Scene) -> Any:
    return sent(scene, "GET", "/v1/documents", bearer(scene.target.tenant.api_key))


def secret_of(key: str) -> str:
    return key[-55:]


def token(scene: Scene, header: Json, expires: int) -> str:
    claims = {"custom:tenant_id": scene.target.tenant_id, "token_use": "id", "exp": expires, "sub": "x"}
    parts = [json.dumps(header), json.dumps(claims)]
    coded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "" if header["alg"] == "none" else "c2lnbmVk"])


def mangled(change: Callable[[str], str]) -> Callable[[Scene], str]:
    return lambda scene: change(scene.target.tenant.api_key)


def flipped(key: str, place: int) -> str:
    letters = list(key)
    letters[place] = "A" if letters[place] != "A" else "B"
    return "".join(letters)


KEYS: Final[dict[str, Callable[[Scene], str]]] = {
    "own secret under the target's id": lambda scene: (
        f"onggi_{scene.target.tenant_id}_{secret_of(scene.own.tenant.api_key)}"
    ),
    "target's key id and own secret": lambda scene: (
        f"onggi_{scene.target.tenant_id}_{secret_of(scene.target.tenant.api_key)[:12]}"
        f"{secret_of(scene.own.tenant.api_key)[12:]}"
    ),
    "own key id and target's secret under the own id": lambda scene: (
        f"onggi_{scene.own.tenant_id}_{secret_of(scene.own.tenant.api_key)[:12]}"
        f"{secret_of(scene.target.tenant.api_key)[12:]}"
    ),
    "last letter changed": mangled(lambda key: flipped(key, -2)),
    "first letter of the secret changed": mangled(lambda key: flipped(key, -43)),
    "key id changed": mangled(lambda key: flipped(key, -50)),
    "cut off": mangled(lambda key: key[:-1]),
    "one letter more": mangled(lambda key: key + "A"),
    "upper case": mangled(lambda key: key.upper()),
    "without a secret": mangled(lambda key: key[:-55]),
    "only a key id": mangled(lambda key: key[:-43]),
    "NUL at its end": mangled(lambda key: key + "%00"),
    "path in the id": lambda scene: (
        f"onggi_{scene.own.tenant_id}/../{scene.target.tenant_id}_{secret_of(scene.own.tenant.api_key)}"
    ),
    "partition in the id": lambda scene: f"onggi_{scene.target.tenant_id}#_{secret_of(scene.own.tenant.api_key)}",
    "two keys": lambda scene: f"{scene.own.tenant.api_key},onggi_{scene.target.tenant_id}_x",
    "two ids": lambda scene: (
        f"onggi_{scene.target.tenant_id}_{scene.own.tenant_id}_{secret_of(scene.own.tenant.api_key)}"
    ),
    "never issued": lambda scene: f"onggi_{scene.target.tenant_id}_" + "0" * 12 + "A" * 43,
    "token without a signature": lambda scene: token(scene, {"alg": "none"}, 4102444800),
    "token with a signature of nobody": lambda scene: token(scene, {"alg": "RS256", "kid": "x"}, 4102444800),
    "token signed by a word": lambda scene: token(scene, {"alg": "HS256"}, 4102444800),
    "expired token": lambda scene: token(scene, {"alg": "RS256", "kid": "x"}, 1),
    "nothing": lambda _: "",
    "star": lambda _: "*",
}


def with_two_keys(*forge: Callable[[Scene], str]) -> Act:
    return lambda scene: sent(scene, "GET", "/v1/documents", [pair for key in forge for pair in bearer(key(scene))])


def own_key(scene: Scene) -> str:
    return scene.own.tenant.api_key


def as_operator(method: str, route: str) -> Act:
    """An operator's route by its real signature."""
    return lambda scene: scene.own.product.as_operator(method, _filled(route, scene), {} if method == "POST" else None)


def by_nobody(method: str, path: str) -> Act:
    return lambda scene: sent(scene, method, _filled(path, scene), [])


OPERATORS: Final = (
    ("GET", "/admin/tenants"),
    ("GET", "/admin/tenants/{tenant}"),
    ("POST", "/admin/tenants/{tenant}/keys"),
)


show = called("GET", "/v1/documents/{id}")
listing = called("GET", "/v1/documents")
retrieving = called("POST", "/v1/retrieve", question)


def _attack(name: str, act: Act, own: Act | None = None, *, reads: bool = True) -> Attack:
    return Attack("HTTP", name, act, WALLS, strict=False, own=own or act, reads=reads)


BY_A_TENANT: Final = [
    _attack("show a document", show),
    _attack("delete a document", called("DELETE", "/v1/documents/{id}"), reads=False),
    _attack("list at a cursor of the target", called("GET", "/v1/documents?cursor={cursor}")),
    *(_attack(f"list at a {name}", at_forged_cursor(forge), listing) for name, forge in FORGED_CURSORS.items()),
    *(
        _attack(f"list with the parameter {name}", called("GET", f"/v1/documents?{name}={{tenant}}"), listing)
        for name in ("tenant_id", "tenant", "pk", "prefix", "status")
    ),
    _attack("who am I, of the target", called("GET", "/v1/me?tenant_id={tenant}")),
    *(
        _attack(f"{route} with a filter by {name}", called("POST", f"/v1/{route}", filtered(clause)))
        for route in ("query", "retrieve")
        for name, clause in FILTERS.items()
    ),
    *(
        _attack(
            f"{route} with a filter by {name}",
            called("POST", f"/v1/{route}", filtered(clause)),
            retrieving,
        )
        for route in ("query", "retrieve")
        for name, clause in TENANT_FILTERS.items()
    ),
    _attack(
        "retrieve by a word of the target",
        called("POST", "/v1/retrieve", lambda scene: {"question": f"Who says {scene.target.seal}?"}),
    ),
    _attack(
        "query in a session of the target",
        called("POST", "/v1/query", lambda scene: question(scene, session_id=scene.target.session_id)),
    ),
    *(
        _attack(f"{route} with the field {name}", called("POST", f"/v1/{route}", with_field(name)), retrieving)
        for route in ("query", "retrieve")
        for name in FIELDS
    ),
    *(_attack(f"header {name}", called("GET", "/v1/documents", headers=[(name, value)])) for name, value in HEADERS),
    _attack(
        "header x-http-method-override",
        called("GET", "/v1/documents/{id}", headers=[("x-http-method-override", "DELETE")]),
        reads=False,
    ),
    *(_attack(f"path {path}", called("GET", path), show) for path in PATHS),
    *(
        _attack(f"{method} on a document", called(method, "/v1/documents/{id}"), show, reads=False)
        for method in METHODS
    ),
    *(_attack(f"upload named {name!a}", uploading(name), uploading("planted.txt"), reads=False) for name in UPLOADS),
    *(
        _attack(f"operator: {method} {route} by a key", called(method, f"/v1{route}"), as_operator(method, route))
        for method, route in OPERATORS
    ),
]
"""By a credential that is good; whoever has one may try all of them."""

HTTP_ATTACKS: Final = [
    *BY_A_TENANT,
    *(
        Attack("HTTP", f"form with {name}", act, SIGNED, strict=False, own=form_with(unchanged))
        for name, act in FORMS.items()
    ),
    *(_attack(f"key: {name}", with_key(forge), real_key) for name, forge in KEYS.items()),
    *(
        _attack(f"key as {scheme or 'nothing'}", with_key(lambda scene: scene.target.tenant_id, scheme), real_key)
        for scheme in ("", "Basic", "Negotiate", "AWS4-HMAC-SHA256")
    ),
    _attack("two credentials, the own first", with_two_keys(own_key, KEYS["never issued"]), real_key),
    _attack("two credentials, the forged first", with_two_keys(KEYS["never issued"], own_key), real_key),
    _attack("no credential", by_nobody("GET", "/v1/documents/{id}"), show),
    *(
        _attack(f"operator: {method} {route} by nothing", by_nobody(method, f"/v1{route}"), as_operator(method, route))
        for method, route in OPERATORS
    ),
    *(
        _attack(
            f"operator: {method} {route} by a claim",
            called(method, f"/v1{route}", headers=[("x-amzn-iam-user-arn", "arn:aws:iam::000000000000:root")]),
            as_operator(method, route),
        )
        for method, route in OPERATORS
    ),
]
