"""CloudFormation's `AWS::S3::Bucket`: its default encryption, and that a bucket which holds something stays.

The emulator leaves `BucketEncryption` out, and deletes a bucket together with its objects. On AWS the deletion of the
stack fails and names the bucket, for old versions and delete markers alone, too (CloudFormation user guide, "Delete
stack fails").

Remove when ministack applies `BucketEncryption` and refuses to delete a bucket that is not empty.
"""

from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from ministack.services import s3
from ministack.services.cloudformation import provisioners

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

_NOT_FOUND = 404
_REFUSED = 400
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def apply() -> None:
    """Encrypt buckets as their templates say, and delete none that is not empty."""
    configurations = provisioners._S3_BUCKET_CONFIGURATIONS  # the emulator has no public hooks
    encryption = ("BucketEncryption", encryption_xml, _put_encryption, s3._delete_bucket_encryption)
    provisioners._S3_BUCKET_CONFIGURATIONS = (*configurations, encryption)
    provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]["delete"] = _delete


def encryption_xml(properties: Json) -> bytes:
    """What PutBucketEncryption takes, from the property `BucketEncryption`."""
    root = Element("ServerSideEncryptionConfiguration", xmlns=_NAMESPACE)
    for given in properties["ServerSideEncryptionConfiguration"]:
        rule = SubElement(root, "Rule")
        default = given.get("ServerSideEncryptionByDefault")
        if default:
            applied = SubElement(rule, "ApplyServerSideEncryptionByDefault")
            for name, value in default.items():
                SubElement(applied, name).text = str(value)
        # Templates write a truth value as one, or as text.
        SubElement(rule, "BucketKeyEnabled").text = str(given.get("BucketKeyEnabled", False)).lower()
    return tostring(root)


def _put_encryption(bucket: str, xml: bytes) -> None:
    _demand(s3._put_bucket_encryption(bucket, xml))


def _delete(physical_id: str, _properties: Json) -> None:
    reply = s3._delete_bucket(physical_id)
    if reply[0] != _NOT_FOUND:  # one that is gone already is no failure
        _demand(reply)


def _demand(reply: Reply) -> None:
    """Fail the resource with what S3 says, unless S3 has done it."""
    status, _, body = reply
    if status >= _REFUSED:
        error = fromstring(body)  # noqa: S314  # written by this process
        message = f"{error.findtext('Message')} (Service: S3, Status Code: {status}; {error.findtext('Code')})"
        raise ValueError(message)
