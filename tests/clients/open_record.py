#!/usr/bin/env python3
"""Opens what Subrosa sealed, written from docs/format.md alone: no line of it is shared with the Rust program.

    pip install 'cryptography>=50'
    python3 tests/clients/open_record.py tests/golden/sealing-v1.json tests/golden/records-v1.json

reads files of golden vectors, opens every wrap, record and blob in them, checks that what must be refused is refused, and
ends with exit code 0, or 1 at the first disagreement.

    python3 tests/clients/open_record.py --vault DIR [--conversation UUID] [--key-file F | --passphrase-file F]

opens every record in the folder of a stopped vault, or in a copy of it, with `DIR/root.key` where nothing else is given
(`open_vault.py`, beside this file). As a module it offers `unwrap`, `open_record` and the contexts, which is all that is
needed for that walk.
"""

import argparse
import hashlib
import hmac
import json
import pathlib
import struct
import sys
import uuid
from dataclasses import astuple, dataclass

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

FORMAT_VERSION = 1
RECORD, BLOB, WRAP = 1, 2, 3
KEY_KINDS = {
    "root": 1, "epoch": 2, "tenant_kek": 3, "bucket_kek": 4, "segment_dek": 5,
    "conversation_key": 6, "index_key": 7, "originals_kek": 8, "originals_dek": 9, "log_key": 10,
}


class Refused(Exception):
    """What was given does not open; the argument says why, in the words of docs/format.md."""


# Contexts: field order is the order of the encoding.


def u8(value):
    return struct.pack(">B", value)


def u32(value):
    return struct.pack(">I", value)


def u64(value):
    return struct.pack(">Q", value)


def encode(context_type, fields):
    encoded = bytes([FORMAT_VERSION, context_type])
    for field in fields:
        encoded += u64(len(field)) + field
    return encoded


@dataclass
class RecordContext:
    vault_id: bytes
    generation: int
    tenant: str
    conversation: bytes
    sequence: int
    kind: int
    dek_id: int
    policy_version: int

    def encode(self):
        vault, generation, tenant, conversation, sequence, kind, dek, policy = astuple(self)
        return encode(RECORD, [vault, u32(generation), tenant.encode(), conversation, u64(sequence), u8(kind), u64(dek), u32(policy)])


@dataclass
class BlobContext:
    vault_id: bytes
    generation: int
    tenant: str
    conversation: bytes
    purpose: str
    version: int

    def encode(self):
        vault, generation, tenant, conversation, purpose, version = astuple(self)
        return encode(BLOB, [vault, u32(generation), tenant.encode(), conversation, purpose.encode(), u64(version)])


@dataclass
class WrapContext:
    vault_id: bytes
    tenant: str
    what: str
    subject: bytes
    wrapping_kind: str
    wrapping_id: bytes
    wrapping_version: int

    def encode(self):
        vault, tenant, what, subject, kind, wrapping_id, version = astuple(self)
        return encode(WRAP, [vault, tenant.encode(), u8(KEY_KINDS[what]), subject, u8(KEY_KINDS[kind]), wrapping_id, u64(version)])


# Derivation.


def hkdf_expand(key, info, length=32):
    return HKDFExpand(hashes.SHA512(), length, info).derive(key)


def derive_key(key, label, context=b""):
    return hkdf_expand(key, b"subrosa/v1/" + label.encode() + b"\0" + context)


def key_check_value(key):
    return derive_key(key, "wrap commitment")


def hmac_sha256(key, parts):
    return hmac.new(key, b"".join(u64(len(part)) + part for part in parts), hashlib.sha256).digest()


# Records and blobs.


def open_record(dek, context, sealed):
    """Opens a sealed record (or a blob: give its own context and key); returns the plaintext."""
    decryptor = Cobblestone256Decryptor(dek, context.encode())
    try:
        return decryptor.update(sealed) + decryptor.finalize()
    except (InvalidTag, ValueError) as error:
        raise Refused("record") from error


# Wraps: XChaCha20-Poly1305, draft-irtf-cfrg-xchacha.


def quarter_round(s, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        mixed = s[z] ^ s[x]
        s[z] = (mixed << turn | mixed >> (32 - turn)) & 0xFFFFFFFF


def hchacha20(key, nonce16):
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce16))
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter_round(s, a, b, c, d)
    return struct.pack("<8I", *s[:4], *s[12:])


def xchacha20poly1305(key, nonce24):
    return ChaCha20Poly1305(hchacha20(key, nonce24[:16])), bytes(4) + nonce24[16:]


def unwrap(kek, context, wrapped):
    """Opens a wrapped key; returns its 32 bytes."""
    if wrapped[:1] not in (b"", b"\x01"):
        raise Refused("unknown version")
    if len(wrapped) != 105:
        raise Refused("malformed")
    commitment, nonce, ciphertext = wrapped[1:33], wrapped[33:57], wrapped[57:]
    if not hmac.compare_digest(commitment, key_check_value(kek)):
        raise Refused("wrong key")
    cipher, nonce12 = xchacha20poly1305(derive_key(kek, "wrap key"), nonce)
    try:
        return cipher.decrypt(nonce12, ciphertext, context.encode())
    except InvalidTag as error:
        raise Refused("tampered") from error


# The golden vectors.


def context_of(kind, fields):
    """Builds a context from its JSON fields: byte strings stand there in hexadecimal."""
    types = kind.__dataclass_fields__
    return kind(**{name: bytes.fromhex(value) if types[name].type is bytes else value for name, value in fields.items()})


def plaintext_of(vector):
    if "plaintext_len" in vector:
        return bytes((i * 31 + 7) & 0xFF for i in range(vector["plaintext_len"]))
    return bytes.fromhex(vector["plaintext"])


def check(condition, name):
    if not condition:
        sys.exit(f"FAILED: {name}")
    print(f"ok  {name}")


def refusal(work, *arguments):
    try:
        work(*arguments)
    except Refused as refused:
        return str(refused)
    return None


def check_sealed(vectors, context_type):
    for vector in vectors:
        context = context_of(context_type, vector["context"])
        check(context.encode().hex() == vector["encoded_context"], f"{vector['name']}: context")
        opened = open_record(bytes.fromhex(vector["key"]), context, bytes.fromhex(vector["sealed"]))
        check(opened == plaintext_of(vector), f"{vector['name']}: opens")


def check_wraps(vectors):
    for vector in vectors:
        context = context_of(WrapContext, vector["context"])
        kek, wrapped = bytes.fromhex(vector["kek"]), bytes.fromhex(vector["wrapped"])
        check(context.encode().hex() == vector["encoded_context"], f"{vector['name']}: context")
        if "refused" in vector:
            check(refusal(unwrap, kek, context, wrapped) == vector["refused"], f"{vector['name']}: {vector['refused']}")
        else:
            check(unwrap(kek, context, wrapped).hex() == vector["key"], f"{vector['name']}: opens")


def check_chain(chain):
    """Walks from the root key to a record, each key unwrapped with the one before."""
    key = bytes.fromhex(chain["root"])
    for step in chain["wraps"]:
        key = unwrap(key, context_of(WrapContext, step["context"]), bytes.fromhex(step["wrapped"]))
    record = chain["record"]
    opened = open_record(key, context_of(RecordContext, record["context"]), bytes.fromhex(record["sealed"]))
    check(opened == plaintext_of(record), "chain: from the root key to the record")


def check_records(vectors):
    """What records say, and what the audit log commits to."""
    import open_vault  # which imports this file: not before it is whole

    for vector in vectors:
        text = bytes.fromhex(vector["canonical"])
        record = json.loads(text)
        check(open_vault.canonical(record) == text, f"{vector['name']}: canonical")
        committed = open_vault.committed_form(record)
        check(committed.hex() == vector["committed"], f"{vector['name']}: what is committed to")
        commitment = hashlib.sha256(bytes.fromhex(vector["opening"]) + committed).hexdigest()
        check(commitment == vector["commitment"], f"{vector['name']}: commitment")


def check_golden(path):
    golden = json.loads(path.read_text(encoding="utf-8"))
    if "canonical_records" in golden:
        return check_records(golden["canonical_records"])
    for vector in golden["derived_keys"]:
        derived = derive_key(bytes.fromhex(vector["key"]), vector["label"], bytes.fromhex(vector["context"]))
        check(derived.hex() == vector["derived"], f"derived key: {vector['label']}")
    for vector in golden["hmac_sha256"]:
        tag = hmac_sha256(bytes.fromhex(vector["key"]), [bytes.fromhex(part) for part in vector["parts"]])
        check(tag.hex() == vector["tag"], f"hmac: {len(vector['parts'])} parts")
    check_sealed(golden["records"], RecordContext)
    check_sealed(golden["blobs"], BlobContext)
    check_wraps(golden["wraps"])
    check_chain(golden["chain"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("golden", nargs="*", default=[], type=pathlib.Path, help="files of golden vectors")
    what.add_argument("--vault", type=pathlib.Path, metavar="DIR", help="folder of a stopped vault")
    parser.add_argument("--conversation", type=uuid.UUID, metavar="UUID", help="open this one only")
    root = parser.add_mutually_exclusive_group()
    root.add_argument("--key-file", type=pathlib.Path, metavar="F", help="root key (default: DIR/root.key)")
    root.add_argument("--passphrase-file", type=pathlib.Path, metavar="F", help="its first line is the passphrase")
    arguments = parser.parse_args()
    if arguments.golden:
        for path in arguments.golden:
            check_golden(path)
        return None
    import open_vault  # which imports this file: not before it is whole

    return open_vault.main(arguments.vault, arguments.conversation, arguments.key_file, arguments.passphrase_file)


if __name__ == "__main__":
    sys.exit(main())
