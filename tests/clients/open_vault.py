"""Walks a stopped vault's folder from its root key to every record, as docs/format.md describes it.

    python3 tests/clients/open_record.py --vault DIR [--conversation UUID] [--key-file F | --passphrase-file F]

prints one JSON object a line: what it opened, and what is gone because its key is destroyed. Every record is compared
with the columns beside it, and with its commitment in the audit log. What disagrees is told on standard error; the exit
code is then 1. It writes nothing into the folder; SQLite may leave an empty `-shm` and `-wal` beside a database, so give
it a copy where that matters. Like `open_record` it is written from the description alone.
"""

import base64
import datetime
import hashlib
import json
import sqlite3
import struct
import sys
import uuid

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from open_record import BlobContext, RecordContext, Refused, WrapContext, derive_key, key_check_value, open_record, u64, unwrap

ROLES = {1: "user", 2: "assistant", 3: "agent", 4: "system", 5: "tool"}
KINDS = {1: "text", 2: "tool_call", 3: "attachment", 4: "annotation"}
HOLD, LOCKED = 2, 3
ACTIVE, EXPIRED = 2, 3  # an epoch, a conversation
DESTROYED = 4
OPENING = 32
LEAST_KIB = 8 * 1024


class Gone(Exception):
    """The key was destroyed: its day ran out."""


def be32(value):
    return struct.pack(">I", value)


def rfc3339(unix_ms):
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=unix_ms)
    return at.isoformat(timespec="milliseconds") + "Z"


def day(number):
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=number)).isoformat()


def canonical(value):
    """RFC 8785 for what a record holds: all keys are ASCII and all numbers integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def committed_form(record):
    """What the audit log commits to: a file stands in it by its hash alone."""
    if "attachment" not in record["content"]:
        return canonical(record)
    file = dict(record["content"]["attachment"])
    data = base64.b64decode(file.pop("data"), validate=True)
    if hashlib.sha256(data).hexdigest() != file["sha256"] or len(data) != file["size"]:
        raise Refused("the file is not that of its hash")
    return canonical({**record, "content": {"attachment": file}})


def database(path):
    if not path.is_file():
        raise Refused(f"there is no {path.name} in the folder")
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def one(connection, sql, *parameters):
    return connection.execute(sql, parameters).fetchone()


# Roots: what turns a slot's parameters into the key that wraps the epoch key.


def key_file_root(text):
    key = bytes.fromhex(text.strip())
    return "key-file", lambda params: key


def passphrase_root(text):
    passphrase = text.splitlines()[0].encode()

    def stretch(params):
        if params["algorithm"] != "argon2id":
            raise Refused(f"the slot asks for {params['algorithm']}")
        cost, salt = params["cost"], bytes.fromhex(params["salt"])
        if cost["memory_kib"] < LEAST_KIB:
            raise Refused("the slot asks for less memory than any vault writes")
        argon = Argon2id(salt=salt, length=32, iterations=cost["passes"], lanes=cost["lanes"], memory_cost=cost["memory_kib"])
        return argon.derive(passphrase)

    return "passphrase", stretch


class Keys:
    """keys.db: every key, opened on the way to what is wanted and kept."""

    def __init__(self, folder, root):
        self.db = database(folder / "keys.db")
        self.vault_id = one(self.db, "SELECT value FROM meta WHERE key = 'vault_id'")[0]
        self.generation = int.from_bytes(one(self.db, "SELECT value FROM meta WHERE key = 'generation'")[0], "big")
        self.root = root
        self.epochs, self.keks, self.buckets = {}, {}, {}

    def open(self, kek, wrapped, check, tenant, what, subject, by, by_id, by_version):
        key = unwrap(kek, WrapContext(self.vault_id, tenant, what, subject, by, by_id, by_version), wrapped)
        if check is not None and key_check_value(key) != check:
            raise Refused(f"{what}: another key check value stands beside it")
        return key

    def epoch(self, number):
        if number not in self.epochs:
            kind, stretch = self.root
            sql = "SELECT params, wrapped FROM root_slots WHERE epoch = ? AND kind = ? ORDER BY slot"
            slots = self.db.execute(sql, (number, kind))
            check = one(self.db, "SELECT check_value FROM epochs WHERE epoch = ?", number)
            why = Refused(f"no root slot of the kind {kind}")
            for params, wrapped in slots:
                try:
                    root = stretch(json.loads(params))
                    self.epochs[number] = self.open(root, wrapped, check[0], "", "epoch", be32(number), "root", kind.encode(), 0)
                    break
                except Refused as refused:
                    why = Refused(f"the {kind} does not open the vault: {refused}")
            else:
                raise why
        return self.epochs[number]

    def tenant_kek(self, tenant, version):
        if (tenant, version) not in self.keks:
            sql = "SELECT epoch, state, wrapped, check_value FROM tenant_keks WHERE tenant = ? AND version = ?"
            row = one(self.db, sql, tenant, version)
            if row is None:
                raise Refused(f"there is no key version {version} of tenants/{tenant}")
            epoch, state, wrapped, check = row
            if state == DESTROYED:
                raise Gone
            kek = self.open(self.epoch(epoch), wrapped, check, tenant, "tenant_kek", be32(version), "epoch", b"", epoch)
            self.keks[tenant, version] = kek
        return self.keks[tenant, version]

    def bucket(self, number, tenant):
        if number not in self.buckets:
            sql = """SELECT b.tenant, b.kind, b.day, b.kek_version, b.live, b.check_value, w.wrapped
                     FROM buckets b JOIN bucket_wraps w ON w.id = b.wrap WHERE b.id = ?"""
            row = one(self.db, sql, number)
            if row is None:
                raise Refused(f"there is no bucket {number}")
            owner, kind, expiry, version, live, check, wrapped = row
            if not live and any(wrapped):
                raise Refused("the wrap of a destroyed bucket is still there")
            if not live:
                raise Gone
            name = {HOLD: "hold", LOCKED: "locked"}.get(kind) or day(expiry)
            kek, subject = self.tenant_kek(owner, version), u64(number) + name.encode()
            self.buckets[number] = self.open(kek, wrapped, check, owner, "bucket_kek", subject, "tenant_kek", b"", version)
        return self.buckets[number]

    def segment(self, tenant, conversation, dek_id):
        row = one(self.db, "SELECT bucket, wrapped FROM segments WHERE conversation = ? AND dek_id = ?", conversation, dek_id)
        if row is None:
            raise Gone
        bucket, wrapped = row
        kek, subject = self.bucket(bucket, tenant), conversation + u64(dek_id)
        return self.open(kek, wrapped, None, tenant, "segment_dek", subject, "bucket_kek", u64(bucket), 0)

    def conversation(self, tenant, conversation):
        row = one(self.db, "SELECT bucket, wrapped FROM conversation_keys WHERE conversation = ?", conversation)
        if row is None:
            raise Gone
        bucket, wrapped = row
        kek = self.bucket(bucket, tenant)
        return self.open(kek, wrapped, None, tenant, "conversation_key", conversation, "bucket_kek", u64(bucket), 0)


class Commitments:
    """The audit log's commitments, by conversation name and sequence."""

    def __init__(self, data, complain):
        self.stretches = {}
        for number, entry, commitments, leaf in data.execute("SELECT id, canonical, commitments, leaf FROM audit_entries"):
            place = f"audit entry {number & (1 << 40) - 1} of log {number >> 40}"
            if hashlib.sha256(b"\0" + entry + b"\n" + commitments).digest() != leaf:
                complain(place, "its leaf hash does not fit")
            fields = json.loads(entry)
            records = fields.get("counts", {}).get("records", 0)
            if len(commitments) != 32 * records:
                complain(place, "it has another number of commitments than it says")
            elif records:
                if fields["last"] - fields["first"] + 1 != records:
                    complain(place, "it has another number of records than sequences")
                self.stretches.setdefault(fields["object"], []).append((fields["first"], commitments, place))

    def of(self, name, complain):
        """Every commitment of a conversation: sequence -> 32 bytes."""
        found = {}
        for first, commitments, place in self.stretches.get(name, []):
            for offset in range(0, len(commitments), 32):
                sequence = first + offset // 32
                if sequence in found:
                    complain(place, f"sequence {sequence} of {name} was appended twice")
                found[sequence] = commitments[offset:offset + 32]
        return found


class Walk:
    """Opens every conversation and tells what it finds."""

    def __init__(self, folder, root):
        self.keys = Keys(folder, root)
        self.data = database(folder / "vault.db")
        self.records = self.conversations = self.gone = self.disagreements = 0

    def complain(self, place, problem):
        self.disagreements += 1
        print(json.dumps({"disagreement": str(problem), "at": place}), file=sys.stderr)

    def run(self, only=None):
        # The active epoch first: with a wrong root nothing is told at all.
        self.keys.epoch(one(self.keys.db, "SELECT max(epoch) FROM epochs WHERE state = ?", ACTIVE)[0])
        for log, note in self.data.execute("SELECT log, note FROM checkpoints"):
            if note.splitlines()[0] != f"subrosa.invalid/{self.keys.vault_id.hex()}/{log}":
                raise Refused("vault.db and keys.db are of two vaults")
        commitments = Commitments(self.data, self.complain)
        sql = """SELECT c.id, c.uuid, t.name, c.state, c.expired_through, c.meta_version, c.create_time, c.bot, c.channel,
                 c.labels, c.sealed_meta FROM conversations c JOIN tenants t ON t.id = c.tenant ORDER BY c.id"""
        seen = set()
        for number, identity, tenant, *columns in self.data.execute(sql):
            name = f"tenants/{tenant}/conversations/{uuid.UUID(bytes=identity)}"
            seen.add(name)
            if only is None or identity == only.bytes:
                self.conversations += 1
                self.conversation(number, identity, tenant, name, columns, commitments.of(name, self.complain))
        for name in commitments.stretches.keys() - seen:
            self.complain(name, "records were appended to it, and it is not in vault.db")
        if only is not None and self.conversations == 0:
            self.complain(str(only), "there is no such conversation")

    def conversation(self, number, identity, tenant, name, columns, commitments):
        state, expired_through, version, create_time, bot, channel, labels, sealed_meta = columns
        shown = {"conversation": name, "expired_through": expired_through, "meta_version": version}
        try:
            if state == EXPIRED:
                raise Gone
            key = derive_key(self.keys.conversation(tenant, identity), "metadata")
            context = BlobContext(self.keys.vault_id, self.keys.generation, tenant, identity, "metadata", version)
            meta = json.loads(open_record(key, context, sealed_meta))
            beside = (bot, channel, json.loads(labels), rfc3339(create_time))
            if (meta["bot"], meta.get("channel"), meta.get("labels", []), meta["create_time"]) != beside:
                self.complain(name, "the metadata says another thing inside than outside")
            print(json.dumps({**shown, "metadata": meta}))
        except Gone:
            print(json.dumps({**shown, "gone": "metadata"}))
        except Refused as refused:
            self.complain(name, f"metadata: {refused}")
        last = self.segments(number, identity, tenant, name, (bot, channel), commitments)
        missing = [sequence for sequence in commitments if sequence > expired_through and sequence not in last]
        if missing:
            self.complain(name, f"appended, not expired, and not in vault.db: {sorted(missing)[:10]}")

    def segments(self, number, identity, tenant, name, beside, commitments):
        """Opens every record of a conversation; returns the sequences that are in vault.db."""
        sql = """SELECT r.sequence, r.dek_id, b.received_at, b.author_role, b.kind, b.policy_version, b.size_class, b.sealed
                 FROM records r JOIN bodies b ON b.id = r.body WHERE r.conversation = ? ORDER BY r.sequence"""
        deks, gone, seen = {}, {}, set()
        for sequence, dek_id, *columns in self.data.execute(sql, (number,)):
            seen.add(sequence)
            try:
                if dek_id in gone:
                    raise Gone
                if dek_id not in deks:
                    deks[dek_id] = self.keys.segment(tenant, identity, dek_id)
                where = (identity, tenant, sequence, dek_id)
                self.record(deks[dek_id], where, beside, columns, name, commitments.get(sequence))
                self.records += 1
            except Gone:
                gone[dek_id] = gone.get(dek_id, 0) + 1
            except Refused as refused:
                self.complain(f"{name}, sequence {sequence}", refused)
        for dek_id, records in gone.items():
            self.gone += 1
            segment = {"dek_id": dek_id, "day": day(dek_id >> 16), "records": records}
            print(json.dumps({"conversation": name, "gone": "segment", **segment}))
        return seen

    def record(self, dek, where, beside, columns, name, committed):
        identity, tenant, sequence, dek_id = where
        received_at, role, kind, policy_version, size_class, sealed = columns
        vault = (self.keys.vault_id, self.keys.generation)
        context = RecordContext(*vault, tenant, identity, sequence, kind, dek_id, policy_version)
        plaintext = open_record(dek, context, sealed)
        opening, text = plaintext[:OPENING], plaintext[OPENING:]
        record = json.loads(text)
        if canonical(record) != text:
            raise Refused("it is not canonical JSON")
        bot, channel = beside
        outside = {
            "tenant": tenant, "conversation": str(uuid.UUID(bytes=identity)), "sequence": sequence,
            "received_at": rfc3339(received_at), "author_role": ROLES[role], "policy_version": policy_version,
            "bot": bot, "channel": channel,
        }
        inside = {field: record.get(field) for field in outside}
        if inside != outside or list(record["content"]) != [KINDS[kind]]:
            raise Refused("it says another thing inside than outside")
        if size_class != len(sealed).bit_length():
            raise Refused("its size class is another")
        commitment = hashlib.sha256(opening + committed_form(record)).digest()
        if committed is None:
            raise Refused("the audit log has no commitment to it")
        if commitment != committed:
            raise Refused("the audit log has a commitment to another content")
        print(json.dumps({"conversation": name, "dek_id": dek_id, "record": record, "commitment": commitment.hex()}))


def main(folder, conversation=None, key_file=None, passphrase_file=None):
    """Opens a vault; returns the exit code."""
    if passphrase_file:
        root = passphrase_root(passphrase_file.read_text(encoding="utf-8"))
    else:
        root = key_file_root((key_file or folder / "root.key").read_text(encoding="ascii"))
    walk = Walk(folder, root)
    try:
        walk.run(conversation)
    except (Refused, Gone) as refused:
        walk.complain(folder.name, refused)
    counts = f"{walk.records} records of {walk.conversations} conversations opened, {walk.gone} segments gone"
    print(f"{counts}, {walk.disagreements} disagreements", file=sys.stderr)
    return 1 if walk.disagreements else 0
