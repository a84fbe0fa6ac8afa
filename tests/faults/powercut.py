"""Cuts the power under a loaded vault at many points, and checks that what it had acknowledged is there.

usage: powercut.py PATH-TO-SUBROSA [--images N] [--seed S] [--keep FOLDER]

The vault runs on `shim.c`, which writes down every write, truncation, sync, creation, removal and rename in its folder, in
the order in which they were done. Clients append records, one call or one stream at a time, make conversations and tenants, rotate keys and let retention run
out, over a clean restart and a kill, and write into the same journal: before they send, and after an answer arrived. So an
answer that stands before a point of the journal was seen before that point, and the act must survive a cut there; what the
disk had done by then stands before it as well, for the vault did it before it answered.

Then the journal is replayed to a chosen point, and the disk that a power cut there could leave is made. What was synced is
on it. What was not is on it as luck has it: nothing, all, what came first, some of it, in another order, writes torn at
512-byte sectors (what lies there is then old, or rubbish), one database's and not the other's. Names are made durable
either by the sync of their folder alone (what POSIX promises) or by any later sync (what ext4 does). A file that was
removed, and the removal not durable, is back. The index of the log (`-shm`) is not part of a disk: it is left out, or
rubbish is put there. Each disk is started with the real program, and asked for everything: `ledger.py`.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import sys
import tempfile
import threading
import time


sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ledger  # noqa: E402
from ledger import Disk, Ledger, eventually, harness, outcome, read  # noqa: E402

WRITE, TRUNCATE, SYNC, SYNC_FOLDER, CREATE, UNLINK, RENAME, MKDIR, EVENT = range(1, 10)
LINE, MAGIC = struct.Struct("<IIQqII"), 0x6D696873
SECTOR = 512
DAY = 86_400
WORKERS = 2


# ---- the journal


class Journal:
    """The clients' side of the journal: one line per event, appended in one write."""

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, *event):
        data = json.dumps(event).encode()
        line = LINE.pack(MAGIC, EVENT, 0, 0, 0, len(data)) + data
        assert os.write(self.fd, line) == len(line)

    def lines(self):
        """Every line: (act, file number, offset, name, bytes)."""
        whole, at, lines = memoryview(self.path.read_bytes()), 0, []
        while at < len(whole):
            magic, act, number, offset, name_bytes, data_bytes = LINE.unpack_from(whole, at)
            assert magic == MAGIC, f"no line begins at byte {at} of the journal"
            at += LINE.size
            name = bytes(whole[at : at + name_bytes]).decode()
            at += name_bytes
            lines.append((act, number, offset, name, whole[at : at + data_bytes]))
            at += data_bytes
        return lines


# ---- the disk


class File:
    """What of a file is on the disk, and what was done to it since it was last synced."""

    def __init__(self):
        self.durable, self.pending = bytearray(), []

    def sync(self):
        for _, act, offset, data in self.pending:
            apply(self.durable, act, offset, data)
        self.pending = []


def apply(content, act, offset, data):
    if act == TRUNCATE:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
    else:
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data


class Names:
    """Which names are on the disk, and which acts on names are not yet."""

    def __init__(self, any_sync):
        self.any_sync = any_sync
        self.durable, self.pending = {}, []

    def sync(self, folder=None):
        """Makes acts on names durable: those in one folder, or all. Those in a folder that is not durable wait for it."""
        rest = []
        for act in self.pending:
            if folder is None or os.path.dirname(act[1]) == folder:
                act_on(self.durable, act)
            else:
                rest.append(act)
        self.pending = rest


def act_on(names, act):
    kind, name, what = act
    if kind == CREATE:
        names[name] = what
    elif kind == UNLINK:
        names.pop(name, None)
    elif kind == RENAME and name in names:
        names[what] = names.pop(name)


class Platter:
    """The disk as the journal tells of it."""

    def __init__(self):
        self.live, self.by_number = {}, {}
        self.names = [Names(any_sync=True), Names(any_sync=False)]
        self.step = 0

    def do(self, line):
        act, number, offset, name, data = line
        self.step += 1
        if act in (WRITE, TRUNCATE):
            # The number and not the name: a deleted file can still be written.
            self.by_number[number].pending.append((self.step, act, offset, data))
        elif act == SYNC:
            self.by_number[number].sync()
            for names in self.names:
                if names.any_sync:
                    names.sync()
        elif act == SYNC_FOLDER:
            for names in self.names:
                names.sync(None if names.any_sync else name)
        elif act == CREATE:
            self.live[name] = self.by_number[number] = File()
            self.name_act((CREATE, name, self.live[name]))
        elif act == UNLINK:
            self.live.pop(name, None)
            self.name_act((UNLINK, name, None))
        elif act == RENAME:
            next_name = bytes(data).decode()
            self.live[next_name] = self.live.pop(name)
            self.name_act((RENAME, name, next_name))

    def name_act(self, act):
        for names in self.names:
            names.pending.append(act)

    def cut(self, how, rng):
        """What a cut now may leave: name -> bytes."""
        names = self.names[how.names]
        left = dict(names.durable)
        for act in names.pending[: how.some_names(rng, len(names.pending))]:
            act_on(left, act)
        until = rng.randint(0, self.step)
        return {name: how.content(file, name, until, rng) for name, file in left.items()}


class Luck:
    """What happens to that which was not synced."""

    KINDS = ["nothing", "all", "first", "some", "some", "shuffled", "torn", "torn", "rubbish", "vault only", "keys only"]

    def __init__(self, kind, names):
        self.kind, self.names = kind, names

    def some_names(self, rng, count):
        return {"nothing": 0, "all": count}.get(self.kind, rng.randint(0, count))

    def content(self, file, name, until, rng):
        content, pending = bytearray(file.durable), list(file.pending)
        kind = self.kind
        if kind in ("vault only", "keys only"):
            kind = "all" if name.startswith(kind[:5].strip()) else "nothing"
        if kind == "nothing":
            pending = []
        elif kind == "first":
            pending = [one for one in pending if one[0] <= until]
        elif kind in ("some", "shuffled", "torn", "rubbish"):
            share = rng.random()
            pending = [one for one in pending if rng.random() < share or kind in ("torn", "rubbish")]
        if kind == "shuffled":
            rng.shuffle(pending)
        for _, act, offset, data in pending:
            if kind in ("torn", "rubbish") and act == WRITE:
                tear(content, offset, data, kind == "rubbish", rng)
            else:
                apply(content, act, offset, data)
        return content


def tear(content, offset, data, rubbish, rng):
    """Writes some sectors of `data`; the others keep what was there, or get rubbish."""
    share = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])
    at = offset
    while at < offset + len(data):
        end = min(offset + len(data), (at // SECTOR + 1) * SECTOR)
        if rng.random() < share:
            apply(content, WRITE, at, data[at - offset : end - offset])
        elif rubbish:
            apply(content, WRITE, at, rng.randbytes(end - at))
        at = end


# ---- what was promised


class Promises:
    """What the clients had been told, event by event."""

    def __init__(self):
        self.records, self.pending, self.tenants, self.versions, self.expired = {}, {}, [], {}, []
        self.dev, self.clock = None, None

    def hear(self, event):
        kind, *rest = event
        if kind == "kept":
            conversation, texts = rest
            self.records[conversation] = self.records.get(conversation, []) + texts
            self.pending.pop(conversation, None)
        elif kind == "sent":
            self.pending[rest[0]] = rest[1]
        elif kind == "tenant":
            self.tenants.append(rest[0])
        elif kind == "version":
            self.versions[rest[0]] = max(rest[1], self.versions.get(rest[0], 0))
        elif kind == "expires":
            # From now on it may be gone, so nobody may count on it.
            self.records.pop(rest[0], None)
        elif kind == "expired":
            self.expired.append(rest[0])
        elif kind == "started":
            self.dev = rest[0]

    def state(self):
        return {
            "records": dict(self.records),
            "pending": dict(self.pending),
            "tenants": list(self.tenants),
            "versions": dict(self.versions),
            "expired": list(self.expired),
        }


# ---- the load


class Load:
    """Three lives of one vault on the shim: ended cleanly, killed, and killed again."""

    def __init__(self, binary, shim, folder, rng):
        self.journal = Journal(folder / "journal")
        self.disk = Disk(binary, shim, folder)
        self.disk.extra = {"SHIM_JOURNAL": str(self.journal.path)}
        self.clock = folder / "clock"
        self.rng = rng
        self.ledgers = []

    def run(self):
        self.life(self.first_life, signal.SIGTERM)
        self.life(self.second_life, signal.SIGKILL)
        self.life(self.third_life, signal.SIGKILL)

    def life(self, acts, end):
        dev = self.disk.start("--clock-file", str(self.clock))
        self.journal.note("started", {"keys": dev.keys, "tenant": dev.tenant})
        self.bot = dev.bot(ledger.API)
        acts(dev)
        dev.process.send_signal(end)
        code = dev.process.wait(60)
        assert code in (0, -signal.SIGKILL), code

    def first_life(self, dev):
        with dev.channel() as channel:
            self.retention_class(dev, channel, "short", 1)
        self.append(dev, threads=2, acts=40)

    def second_life(self, dev):
        self.append(dev, threads=3, acts=110)
        self.expire(dev)
        self.append(dev, threads=1, acts=30)

    def third_life(self, dev):
        self.append(dev, threads=2, acts=50)
        self.expire(dev)
        self.append(dev, threads=2, acts=20)

    def append(self, dev, threads, acts):
        while len(self.ledgers) < threads:
            one = Ledger(f"source {harness.spell(len(self.ledgers))}", self.bot)
            one.note = self.journal.note
            self.ledgers.append(one)
        faults = []
        work = [
            threading.Thread(target=self.source, args=(dev, one, acts, random.Random(self.rng.random()), faults))
            for one in self.ledgers[:threads]
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        assert not faults, faults[0]

    def source(self, dev, account, acts, rng, faults):
        try:
            with dev.channel() as channel:
                for _ in range(acts):
                    if rng.random() < 0.08 or not account.records:
                        account.create(dev, channel)
                    if account is self.ledgers[0] and rng.random() < 0.05:
                        account.rotate(dev, channel)
                    if account is self.ledgers[0] and rng.random() < 0.04:
                        account.create_tenant(dev, channel)
                    conversation = rng.choice(list(account.records))
                    if rng.random() < 0.05:
                        account.append_by_stream(dev, channel, conversation, 5)
                    account.append(dev, channel, conversation, rng.randint(1, 4), rng.choice((0, 9, 90)))
        except Exception as error:  # whatever it is, the load is not what it should be
            faults.append(repr(error))

    def retention_class(self, dev, channel, name, days):
        stub = ledger.API.PolicyServiceStub(channel)
        request = ledger.API.GetPolicyRequest(name=f"{dev.tenant}/policies/retention")
        policy = stub.GetPolicy(request, timeout=30, metadata=dev.auth("compliance")).policy
        policy.retention.classes.add(name=name).retention.seconds = days * DAY
        request = ledger.API.ProposePolicyRequest(parent=dev.tenant, base_version=policy.version)
        request.policy.retention.CopyFrom(policy.retention)
        stub.ProposePolicy(request, timeout=30, metadata=dev.auth("compliance"))

    def expire(self, dev):
        """Makes a conversation that is kept for a day, and lets days pass until it is gone."""
        account = Ledger("short", self.bot)
        account.note = self.journal.note
        with dev.channel() as channel:
            name = account.create(dev, channel, "short")
            self.journal.note("expires", name)
            self.days = getattr(self, "days", 0) + 3
            text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.days * DAY))
            self.clock.with_suffix(".new").write_text(text)
            os.replace(self.clock.with_suffix(".new"), self.clock)
            gone = ("NOT_FOUND", "CONVERSATION_EXPIRED")
            eventually("expiry", lambda: outcome(lambda: read(dev, channel, name)) == gone)
            self.journal.note("expired", name)


# ---- the cuts


class Cuts:
    """Where to cut, and what comes of it."""

    def __init__(self, binary, lines, images, rng, folder, keep):
        self.binary, self.lines, self.images, self.rng = binary, lines, images, rng
        self.folder, self.keep = folder, keep
        self.tried = self.kept = 0
        self.faults, self.by_luck = [], {}

    def points(self):
        """Points of the journal, in order: most where there is something to lose."""
        first = next(i for i, line in enumerate(self.lines) if line[0] == EVENT) + 1
        events = [json.loads(bytes(line[4]))[0] if line[0] == EVENT else None for line in self.lines]
        at = lambda wanted: [i for i in range(first, len(self.lines)) if wanted(i)]  # noqa: E731
        kinds = [
            # Just after an answer; just after the answer to a key act; just before something becomes durable; in the
            # middle of a checkpoint; where the log starts over; wherever.
            (6, at(lambda i: events[i - 1] == "kept")),
            (3, at(lambda i: events[i - 1] in ("tenant", "version", "expired"))),
            (4, at(lambda i: self.lines[i][0] == SYNC)),
            (4, at(lambda i: self.lines[i][0] == WRITE and self.lines[i][3] in ("vault.db", "keys.db"))),
            (1, at(lambda i: self.lines[i][0] in (TRUNCATE, CREATE, UNLINK, RENAME))),
            (2, at(lambda i: True)),
        ]
        for _, where in kinds:
            assert where, "the load has left out a kind of point"
        weights = [weight for weight, _ in kinds]
        chosen = [self.rng.choice(self.rng.choices(kinds, weights)[0][1]) for _ in range(self.images)]
        return sorted(chosen)

    def run(self):
        platter, promises, done = Platter(), Promises(), 0
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            running = set()
            for number, point in enumerate(self.points()):
                for line in self.lines[done:point]:
                    if line[0] == EVENT:
                        promises.hear(json.loads(bytes(line[4])))
                    else:
                        platter.do(line)
                done = point
                luck = Luck(Luck.KINDS[number % len(Luck.KINDS)], self.rng.randrange(2))
                image = self.write(number, platter.cut(luck, self.rng))
                self.by_luck[luck.kind] = self.by_luck.get(luck.kind, 0) + 1
                running.add(pool.submit(self.check, image, point, luck, promises.dev, promises.state()))
                if len(running) >= 2 * WORKERS:
                    _, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                if len(self.faults) > 5:
                    break

    def write(self, number, files):
        image = self.folder / f"image{number}"
        (image / "vault" / "tls").mkdir(parents=True)
        for name, content in files.items():
            path = image / "vault" / name
            path.write_bytes(content)
            path.chmod(0o600)
        for name in ("vault.db-shm", "keys.db-shm"):
            if self.rng.random() < 0.3:
                (image / "vault" / name).write_bytes(self.rng.randbytes(32_768))
        return image

    def check(self, image, point, luck, told, state):
        dev = None
        try:
            dev = harness.Dev(self.binary, image / "vault", "--clock-file", str(image / "clock"))
            assert dev.keys == told["keys"], "the keys that were printed are not those that are kept"
            with dev.channel() as channel:
                self.kept += ledger.verify(dev, channel, state)
                account = Ledger("after the cut", "support-bot")
                account.append(dev, channel, account.create(dev, channel))
                account.verify(dev, channel)
            self.tried += 1
        except Exception as error:  # whatever it is, the image is not what it must be
            self.faults.append(f"cut at {point}, {luck.kind}, {'any sync' if luck.names == 0 else 'POSIX'} names: {error!r}")
            print(f"  fault: {self.faults[-1]}", flush=True)
            if self.keep:
                shutil.copytree(image, pathlib.Path(self.keep) / image.name, dirs_exist_ok=True)
        finally:
            if dev:
                dev.kill()
            shutil.rmtree(image)


class Run:
    def __init__(self, options, shim, folder):
        self.options, self.rng, self.folder = options, random.Random(options.seed), folder
        self.load = Load(options.binary, shim, folder, self.rng)

    def a_vault_is_loaded_while_the_disk_keeps_a_journal(self):
        self.load.run()
        self.lines = self.load.journal.lines()
        counts = {}
        for act, _, _, name, _ in self.lines:
            counts[act, name] = counts.get((act, name), 0) + 1
        written = sum(len(line[4]) for line in self.lines if line[0] == WRITE)
        answers = sum(1 for line in self.lines if line[0] == EVENT and json.loads(bytes(line[4]))[0] != "sent")
        print(f"  {len(self.lines)} lines, {written >> 20} MiB written, {counts[SYNC, 'vault.db-wal']} commits, {answers} answers")
        # Else the cuts would prove less than they say.
        assert counts[WRITE, "vault.db"] > 100 and counts[WRITE, "keys.db"] > 10, "there was no checkpoint"

    def no_cut_loses_what_was_acknowledged(self):
        cuts = Cuts(self.options.binary, self.lines, self.options.images, self.rng, self.folder, self.options.keep)
        began = time.monotonic()
        cuts.run()
        took = time.monotonic() - began
        print(f"  {cuts.tried} images tried in {took:.0f} s, {cuts.kept} acknowledgements checked, {cuts.by_luck}", flush=True)
        assert not cuts.faults, f"{len(cuts.faults)} faults, the first: {cuts.faults[0]}"
        assert cuts.tried == self.options.images


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", help="a folder for the images that did not pass")
    options = parser.parse_args()
    ledger.load_api()
    shim = ledger.build_shim()
    print(f"{options.images} images, --seed {options.seed}", flush=True)
    # In memory where there is room for it: what is durable is the journal's word, not this machine's disk.
    shm = pathlib.Path("/dev/shm")
    where = shm if shm.is_dir() and shutil.disk_usage(shm).free > 1 << 30 else None
    with tempfile.TemporaryDirectory(prefix="subrosa-powercut-", dir=where) as folder:
        run = Run(options, shim, pathlib.Path(folder).resolve())
        checks = [run.a_vault_is_loaded_while_the_disk_keeps_a_journal, run.no_cut_loses_what_was_acknowledged]
        code = harness.run_checks(checks)
    harness.leave(code)


if __name__ == "__main__":
    main()
