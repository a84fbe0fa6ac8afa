#!/usr/bin/env python3
"""Made sealing-v1.json, once, by the independent implementation in tests/clients/open_record.py.

It refuses to write over a file: a vector that was published is kept for ever, a changed format gets a new file.
"""

import hashlib
import json
import pathlib
import sys
from dataclasses import asdict

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "clients"))

from cryptography.cobblestone import Cobblestone256Encryptor  # noqa: E402
from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: E402
from open_record import (  # noqa: E402
    BlobContext, RecordContext, WrapContext, derive_key, hchacha20, hkdf_expand, hmac_sha256, key_check_value,
    xchacha20poly1305,
)

P = 2**130 - 5


def pick(name, length=32):
    """Bytes with no meaning that anybody can make again."""
    return hashlib.shake_256(b"subrosa golden " + name.encode()).digest(length)


def fields(context):
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(context).items()}


def seal(key, context, salt, plaintext):
    okm = hkdf_expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context, 76)
    aead, base_nonce, commitment = AESGCM(okm[:32]), int.from_bytes(okm[32:44], "big"), okm[44:]
    sealed = salt + commitment
    for index in range(len(plaintext) // 16384 + 1):
        chunk = plaintext[index * 16384:(index + 1) * 16384]
        sealed += aead.encrypt((base_nonce ^ index).to_bytes(12, "big"), chunk, None)
    return sealed


def sealed_vector(name, key, context, plaintext=None, plaintext_len=None, by_pyca=False):
    text = plaintext if plaintext is not None else bytes((i * 31 + 7) & 0xFF for i in range(plaintext_len))
    if by_pyca:
        encryptor = Cobblestone256Encryptor(key, context.encode())
        sealed = encryptor.update(text) + encryptor.finalize()
    else:
        sealed = seal(key, context.encode(), pick("salt " + name, 24), text)
    shown = {"plaintext": plaintext.hex()} if plaintext is not None else {"plaintext_len": plaintext_len}
    return {"name": name, "key": key.hex(), "context": fields(context), "encoded_context": context.encode().hex(),
            **shown, "sealed": sealed.hex()}


def wrap(kek, context, nonce, key):
    cipher, nonce12 = xchacha20poly1305(derive_key(kek, "wrap key"), nonce)
    return b"\x01" + key_check_value(kek) + nonce + cipher.encrypt(nonce12, key, context.encode())


def wrap_vector(name, kek, context, key, wrapped=None, refused=None):
    wrapped = wrapped or wrap(kek, context, pick("nonce " + name, 24), key)
    outcome = {"refused": refused} if refused else {"key": key.hex()}
    return {"name": name, "kek": kek.hex(), "context": fields(context), "encoded_context": context.encode().hex(),
            "wrapped": wrapped.hex(), **outcome}


def poly1305_key(kek, nonce):
    """r and s of the Poly1305 key that a wrap under `kek` uses."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    subkey = hchacha20(derive_key(kek, "wrap key"), nonce[:16])
    stream = Cipher(algorithms.ChaCha20(subkey, bytes(8) + nonce[16:]), mode=None).encryptor().update(bytes(32))
    # ChaCha20's 16-byte nonce is a 32-bit counter, then 12 bytes: 4 zeros and the nonce's last 8.
    clamp = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    return int.from_bytes(stream[:16], "little") & clamp, int.from_bytes(stream[16:], "little")


def two_key_ciphertext(kek_a, kek_b, nonce, aad):
    """32 bytes and a tag that XChaCha20-Poly1305 opens under both keys: two linear equations in two blocks."""
    def blocks(data):
        data += bytes(-len(data) % 16)
        return [int.from_bytes(data[i:i + 16], "little") + 2**128 for i in range(0, len(data), 16)]

    lengths = int.from_bytes(len(aad).to_bytes(8, "little") + (32).to_bytes(8, "little"), "little") + 2**128
    keys = [poly1305_key(kek, nonce) for kek in (kek_a, kek_b)]
    for attempt in range(100_000):
        tag = int.from_bytes(pick(f"tag {attempt}", 16), "little")
        rows = []
        for r, s in keys:
            fixed = 0
            for block in blocks(aad):
                fixed = (fixed + block) * r % P
            # (((fixed + x) * r + y) * r + lengths) * r = tag - s, where x and y are the two ciphertext blocks
            rows.append((pow(r, 3, P), pow(r, 2, P), ((tag - s) % 2**128 - fixed * pow(r, 3, P) - lengths * r) % P))
        (a, b, e), (c, d, f) = rows
        inverse = pow(a * d - b * c, -1, P)
        x, y = (e * d - b * f) * inverse % P, (a * f - e * c) * inverse % P
        if x >> 128 == 1 and y >> 128 == 1:
            return b"".join(part.to_bytes(17, "little")[:16] for part in (x, y)) + tag.to_bytes(16, "little")
    raise SystemExit("no two-key ciphertext was found")


VAULT, CONVERSATION, SEGMENT = pick("vault", 16), pick("conversation", 16), pick("segment", 16)
RECORD = RecordContext(VAULT, 0, "acme", CONVERSATION, 1, 1, 20800 * 65536, 1)
EXTREME = RecordContext(b"\xff" * 16, 2**32 - 1, "", bytes(16), 2**64 - 1, 255, 2**64 - 1, 2**32 - 1)
BLOB = BlobContext(VAULT, 0, "acme", CONVERSATION, "metadata", 1)
WRAPS = [
    ("epoch under root", WrapContext(VAULT, "", "epoch", b"1", "root", b"passphrase", 0)),
    ("tenant KEK under epoch", WrapContext(VAULT, "acme", "tenant_kek", (1).to_bytes(8, "big"), "epoch", b"", 1)),
    ("bucket KEK under tenant KEK", WrapContext(VAULT, "acme", "bucket_kek", b"2027-01-31", "tenant_kek", b"acme", 1)),
    ("segment DEK under bucket KEK", WrapContext(VAULT, "acme", "segment_dek", SEGMENT, "bucket_kek", b"2027-01-31", 1)),
]
OTHER_WRAPS = [
    ("conversation key", WrapContext(VAULT, "acme", "conversation_key", CONVERSATION, "bucket_kek", b"hold", 7)),
    ("index key", WrapContext(VAULT, "acme", "index_key", b"", "tenant_kek", b"acme", 2)),
    ("originals KEK", WrapContext(VAULT, "acme", "originals_kek", b"", "tenant_kek", b"acme", 2)),
    ("originals DEK", WrapContext(VAULT, "acme", "originals_dek", SEGMENT, "originals_kek", b"", 1)),
    ("log key", WrapContext(VAULT, "", "log_key", b"1", "epoch", b"", 2**64 - 1)),
]


def wrap_vectors():
    vectors = [wrap_vector(name, pick("kek " + name), context, pick("wrapped " + name)) for name, context in WRAPS + OTHER_WRAPS]
    name, context = WRAPS[3]
    kek, key = pick("kek " + name), pick("wrapped " + name)
    good = wrap(kek, context, pick("nonce " + name, 24), key)
    vectors += [
        wrap_vector("under another key", pick("another"), context, key, good, "wrong key"),
        wrap_vector("another version", kek, context, key, b"\x02" + good[1:], "unknown version"),
        wrap_vector("one byte short", kek, context, key, good[:-1], "malformed"),
        wrap_vector("one bit changed", kek, context, key, good[:-1] + bytes([good[-1] ^ 1]), "tampered"),
        wrap_vector("in another place", kek, OTHER_WRAPS[0][1], key, good, "tampered"),
    ]
    return vectors


def two_keys():
    context, nonce = WRAPS[3][1], pick("two-key nonce", 24)
    kek_a, kek_b = pick("kek a"), pick("kek b")
    return {"comment": "ciphertext and tag that the bare AEAD opens under the wrap keys of both: only the commitment tells",
            "kek_a": kek_a.hex(), "kek_b": kek_b.hex(), "context": fields(context), "nonce": nonce.hex(),
            "ciphertext_and_tag": two_key_ciphertext(kek_a, kek_b, nonce, context.encode()).hex()}


def chain():
    root = key = pick("root")
    steps = []
    for name, context in WRAPS:
        inner = pick("chain " + name)
        steps.append({"name": name, "context": fields(context), "wrapped": wrap(key, context, pick("chain nonce " + name, 24), inner).hex()})
        key = inner
    return {"root": root.hex(), "wraps": steps, "record": sealed_vector("chain record", key, RECORD, b"hello from the far end")}


def main():
    key = pick("dek")
    labels = ["wrap commitment", "wrap key", "pseudonym", "metadata", "redaction state", "handle", "idempotency", "page token", "actor"]
    golden = {
        "comment": "Golden vectors of docs/format.md, sealing format version 1. Byte strings in hexadecimal; plaintext_len N means byte i is (31 i + 7) mod 256.",
        "derived_keys": [{"key": key.hex(), "label": label, "context": context.hex(), "derived": derive_key(key, label, context).hex()}
                         for label in labels for context in (b"", b"2027-01-31")],
        "hmac_sha256": [{"key": key.hex(), "parts": [part.hex() for part in parts], "tag": hmac_sha256(key, parts).hex()}
                        for parts in ([], [b""], [b"abc"], [b"ab", b"c"], [b"a", b"bc"])],
        "records": [
            sealed_vector("empty record", key, RECORD, b""),
            sealed_vector("short record", key, RECORD, "Grüße, this is turn one.".encode()),
            sealed_vector("extreme context", key, EXTREME, b"x"),
            sealed_vector("one chunk less a byte", key, RECORD, plaintext_len=16383),
            sealed_vector("one chunk", key, RECORD, plaintext_len=16384),
            sealed_vector("one chunk and a byte", key, RECORD, plaintext_len=16385),
            sealed_vector("short record by PyCA cryptography", key, RECORD, b"sealed by Cobblestone256Encryptor", by_pyca=True),
            sealed_vector("two chunks by PyCA cryptography", key, RECORD, plaintext_len=20000, by_pyca=True),
        ],
        "blobs": [sealed_vector("metadata", key, BLOB, b'{"language":"de"}'),
                  sealed_vector("redaction state", key, BlobContext(VAULT, 1, "acme", CONVERSATION, "redaction state", 2**64 - 1), b"")],
        "wraps": wrap_vectors(),
        "two_keys": two_keys(),
        "chain": chain(),
    }
    with open(HERE / "sealing-v1.json", "x", encoding="utf-8") as file:
        json.dump(golden, file, indent=1, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
