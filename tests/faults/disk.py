"""Takes the disk away from a running vault in every way, and checks what it says, what it keeps, and that it comes back.

usage: disk.py PATH-TO-SUBROSA [--only WORD]

A full disk is a small tmpfs where one can be mounted, and else a quota of `shim.c`; a disk that fails is always the shim.
Full and read-only disks refuse with a reason, write nothing half, and lose nothing; a failed write or fsync ends the
process, and what it had acknowledged is there after a restart without the fault; a database that is deleted, moved,
replaced or written over stops everything from the next request on, and what `docs/errors/STORE_REPLACED.md` tells the
operator to do brings it back.
"""

import argparse
import atexit
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ledger  # noqa: E402
from ledger import Disk, Ledger, Stream, eventually, harness, healthz, outcome, read  # noqa: E402

END_SECONDS = 60
FULL = ("UNAVAILABLE", "DISK_FULL")
REPLACED = ("UNAVAILABLE", "STORE_REPLACED")


class Run:
    """Every check on vaults of its own."""

    def __init__(self, binary, shim, folder):
        self.binary, self.shim, self.folder = binary, shim, folder
        self.count = self.kept = 0

    def disk(self):
        self.count += 1
        folder = self.folder / f"disk{self.count}"
        folder.mkdir()
        return Disk(self.binary, self.shim, folder)

    def verified(self, dev, channel, account):
        account.settle(dev, channel)
        self.kept += account.verify(dev, channel)

    def begun(self, disk, conversations=2):
        """A vault with something in it, and the account of that."""
        dev = disk.start()
        account = Ledger("quiet", dev.bot(API))
        with dev.channel() as channel:
            for _ in range(conversations):
                account.append(dev, channel, account.create(dev, channel))
        return dev, account

    # ---- full

    def a_full_disk_refuses_and_serves_again_by_itself(self):
        disk = self.disk()
        with SmallDisk(disk.data_dir, 40 << 20) as small:
            print(f"  the disk is {small.kind}")
            dev, account = self.begun(disk)
            name = next(iter(account.records))
            with dev.channel() as channel:
                small.fill(disk, 10 << 20)
                said = self.until_full(dev, channel, account, name)
                assert set(said) == {FULL}, said
                error = harness.expect_error(*FULL, lambda: account.append(dev, channel, name))
                assert b"RetryInfo" in dict(error.trailing_metadata())["grpc-status-details-bin"], "no retry delay"
                eventually("health", lambda: healthz(dev) == "NOT_SERVING vault DISK_FULL")
                self.health_is(channel, "NOT_SERVING")
                assert 'subrosa_down{database="vault",reason="DISK_FULL"} 1' in ledger.metrics(dev)
                assert outcome(lambda: read(dev, channel, name)) == FULL
                small.make_room(disk)
                eventually("serving", lambda: healthz(dev) == "SERVING")
                self.health_is(channel, "SERVING")
                account.append(dev, channel, name)
                account.create(dev, channel)
                self.verified(dev, channel, account)
            dev.kill()
            self.restarted(disk, account)

    def until_full(self, dev, channel, account, name):
        """Fills the vault with ever smaller writes until even a read, which writes its audit entry, is refused."""
        said = []
        for bulk, tries in ((2_000, 400), (200, 400), (0, 400)):
            for _ in range(tries):
                answer = outcome(lambda: account.append(dev, channel, name, 10 if bulk else 1, bulk))
                account.pending.clear() if answer == FULL else None
                if answer != ("OK", None):
                    said.append(answer)
                    break
            else:
                raise AssertionError("the disk never was full")
            self.stays_down(dev)
        for _ in range(200):
            answer = outcome(lambda: read(dev, channel, name))
            if answer != ("OK", None):
                return [*said, answer]
        raise AssertionError("reads never were refused")

    def stays_down(self, dev):
        """Health says so over several probes, though what is left of the disk would take a probe's own small write."""
        eventually("health", lambda: healthz(dev) == "NOT_SERVING vault DISK_FULL")
        for _ in range(30):
            assert healthz(dev) != "SERVING"
            time.sleep(0.1)

    def a_full_disk_under_the_checkpoint_loses_nothing(self):
        disk = self.disk()
        dev, account = self.begun(disk)
        name = next(iter(account.records))
        disk.fail("write vault.db 1+ ENOSPC")
        with dev.channel() as channel:
            for _ in range(40):
                account.append(dev, channel, name, 20, 3_000)
            assert disk.fired(), "there was no checkpoint"
            self.verified(dev, channel, account)
            dev.kill()
            said = self.does_not_start(disk)
            assert "disk full" in said, said
            disk.fail()
        self.restarted(disk, account)

    def a_full_disk_under_the_key_store_is_told_of_the_keys(self):
        disk = self.disk()
        dev, account = self.begun(disk)
        with dev.channel() as channel:
            disk.fail("write keys.db-wal 1+ ENOSPC")
            assert outcome(lambda: account.create(dev, channel)) == FULL
            for act in (account.rotate, account.create_tenant):
                assert outcome(lambda: act(dev, channel)) == FULL, act
            eventually("health", lambda: healthz(dev) == "NOT_SERVING keys DISK_FULL")
            disk.fail()
            eventually("serving", lambda: healthz(dev) == "SERVING")
            account.rotate(dev, channel)
            account.create_tenant(dev, channel)
            self.verified(dev, channel, account)
        dev.kill()
        self.restarted(disk, account)

    # ---- read-only

    def a_disk_that_becomes_read_only_ends_the_process_and_says_so(self):
        disk = self.disk()
        dev, account = self.begun(disk)
        with dev.channel() as channel:
            disk.fail("write * 1+ EROFS", "truncate * 1+ EROFS", "open * 1+ EROFS", "unlink * 1+ EROFS")
            answer = outcome(lambda: account.append(dev, channel, next(iter(account.records))))
            assert answer[0] in ("UNAVAILABLE", "CANCELLED"), answer
        self.ended(dev)
        assert "durability is unknown" in disk.log()
        before = contents(disk.data_dir)
        said = self.does_not_start(disk)
        assert "Read-only file system" in said, said
        assert contents(disk.data_dir) == before, "a start on a read-only disk changed something"
        disk.fail()
        self.restarted(disk, account)

    def a_folder_that_is_read_only_at_the_start_is_told_of(self):
        disk = self.disk()
        with SmallDisk(disk.data_dir, 40 << 20) as small:
            dev, account = self.begun(disk)
            dev.terminate()
            before = contents(disk.data_dir)
            small.read_only(disk, True)
            said = self.does_not_start(disk)
            assert "Read-only file system" in said, said
            assert contents(disk.data_dir) == before
            small.read_only(disk, False)
            self.restarted(disk, account)

    def files_that_may_not_be_opened_are_told_of(self):
        disk = self.disk()
        dev, account = self.begun(disk)
        dev.terminate()
        for name in ("vault.db", "keys.db", "vault.db-wal", "vault.db.lock"):
            disk.fail(f"open {name} 1+ EACCES")
            said = self.does_not_start(disk)
            assert re.search(r"cannot be opened|read-only|Permission denied", said), (name, said)
        disk.fail()
        self.restarted(disk, account)

    # ---- failing

    def a_failed_fsync_ends_the_process_and_loses_nothing(self):
        self.failures("sync", {"vault.db-wal": (1, 2, 3, 5, 8, 13, 21), "keys.db-wal": (1, 2, 3, 4), "vault.db": (1,)})

    def a_failed_write_ends_the_process_and_loses_nothing(self):
        self.failures("write", {"vault.db-wal": (1, 2, 7, 20, 60), "keys.db-wal": (1, 3, 8), "vault.db": (1, 9)})

    def failures(self, what, places):
        """One vault, failing again and again at another place while it is loaded."""
        disk = self.disk()
        dev, account = self.begun(disk)
        for name, numbers in places.items():
            for number in numbers:
                disk.fail(f"{what} {name} {number} EIO")
                self.load_until_it_ends(dev, account)
                assert disk.fired(), f"{what} {name} {number} was never reached"
                self.ended(dev)
                disk.fail()
                dev = disk.start()
                with dev.channel() as channel:
                    self.verified(dev, channel, account)
        dev.kill()

    def load_until_it_ends(self, dev, account):
        names = list(account.records)[:2]
        with dev.channel() as channel:
            for turn in range(400):
                try:
                    account.append(dev, channel, names[turn % 2], 20, 600)
                    if turn % 3 == 0:
                        account.create(dev, channel)
                    if turn % 10 == 5:
                        account.rotate(dev, channel)
                except grpc.RpcError as error:
                    assert error.code().name in ("UNAVAILABLE", "CANCELLED"), error
                    if outcome(lambda: read(dev, channel, names[0]))[0] != "OK" or dev.process.poll() is not None:
                        return
        raise AssertionError("the fault did not end the process")

    def a_failure_at_the_start_ends_it_and_the_next_start_has_everything(self):
        disk = self.disk()
        dev, account = self.begun(disk)
        for name in ("vault.db", "keys.db"):
            for what, numbers in (("sync", (1,)), ("write", (1, 2)), ("truncate", (1,))):
                for number in numbers:
                    with dev.channel() as channel:
                        account.append(dev, channel, account.create(dev, channel))
                    # A log that a kill has left, so that the start has something to write back.
                    dev.kill()
                    on = f"{name}-wal" if what == "truncate" else name
                    disk.fail(f"{what} {on} {number} EIO")
                    said = self.does_not_start(disk)
                    assert disk.fired(), f"{what} {on} {number} was never reached"
                    assert "durability is unknown" in said or "the disk failed" in said, said
                    disk.fail()
                    dev = disk.start()
                    with dev.channel() as channel:
                        self.verified(dev, channel, account)
        dev.kill()

    # ---- replaced

    def a_store_that_is_taken_away_stops_everything_within_one_request(self):
        for name, other in (("vault.db", "vault"), ("keys.db", "keys")):
            for harm in (unlink, move_away, replace_by_older, write_over):
                self.replaced(name, other, harm)

    def replaced(self, name, store, harm):
        disk = self.disk()
        dev, account = self.begun(disk, 1)
        dev.terminate()
        older = disk.folder / "older"
        shutil.copytree(disk.data_dir, older)
        # What this start writes is in no log any more when the next one begins, so that the copy lacks it.
        dev = disk.start()
        with dev.channel() as channel:
            for _ in range(30):
                account.append(dev, channel, next(iter(account.records)), 20, 200)
            account.create(dev, channel)
        dev.terminate()
        dev = disk.start()
        with dev.channel() as channel:
            for _ in range(3):
                account.append(dev, channel, account.create(dev, channel))
            conversation = next(iter(account.records))
            stream = Stream(dev, channel, conversation)
            stream.send("sent on a stream")
            account.records[conversation].append("sent on a stream")
            safe = harm(disk, dev, name, older)
            where = f"{harm.__name__} {name}"
            # One request of each kind, and not one is answered; the stream that was let in before ends as well.
            assert outcome(lambda: stream.send("never stored")) == REPLACED, where
            stream.end()
            assert outcome(lambda: read(dev, channel, conversation)) == REPLACED, where
            for act in (account.create, account.rotate, account.create_tenant):
                assert outcome(lambda: act(dev, channel)) == REPLACED, (where, act)
            self.all_others_are_refused(dev, channel, where)
            eventually("health", lambda: healthz(dev) == f"NOT_SERVING {store} STORE_REPLACED")
            self.health_is(channel, "NOT_SERVING")
        self.remedied(disk, dev, account, name, harm, safe)

    def all_others_are_refused(self, dev, channel, where):
        calls = {
            "GetStatus": lambda: API.AdminServiceStub(channel).GetStatus(
                API.GetStatusRequest(), timeout=30, metadata=dev.auth("operator")
            ),
            "ListConversations": lambda: API.ConversationServiceStub(channel).ListConversations(
                API.ListConversationsRequest(parent=dev.tenant), timeout=30, metadata=dev.auth("reader")
            ),
            "ListAuditEvents": lambda: API.AuditServiceStub(channel).ListAuditEvents(
                API.ListAuditEventsRequest(parent=dev.tenant), timeout=30, metadata=dev.auth("auditor")
            ),
            "ListApiKeys": lambda: API.AccessServiceStub(channel).ListApiKeys(
                API.ListApiKeysRequest(), timeout=30, metadata=dev.auth("security")
            ),
            "without a credential": lambda: API.AdminServiceStub(channel).GetStatus(API.GetStatusRequest(), timeout=30),
        }
        for what, call in calls.items():
            assert outcome(call) == REPLACED, (where, what)

    def remedied(self, disk, dev, account, name, harm, safe):
        """What the page of the reason says, and then everything is there."""
        if harm is write_over:
            # The bytes are gone: there is nothing to bring back here, and a start must not serve what lies there.
            dev.kill()
            if name == "vault.db":
                self.does_not_start(disk)
            return
        if harm is not move_away:
            # An older store in the place of the newest is refused, when somebody just restarts.
            held = {ending: held_open(dev, name + ending) for ending in ("", "-wal")}
            copies = {ending: disk.folder / f"held{ending}" for ending in held}
            for ending, path in held.items():
                shutil.copyfile(path, copies[ending])
            dev.kill()
            if name == "vault.db":
                said = self.does_not_start(disk)
                assert re.search("there is no data store|older|does not verify|malformed|not valid", said), said
            for ending in ("-shm", "-wal", ""):
                (disk.data_dir / f"{name}{ending}").unlink(missing_ok=True)
            for ending, copy in copies.items():
                shutil.copyfile(copy, disk.data_dir / f"{name}{ending}")
                (disk.data_dir / f"{name}{ending}").chmod(0o600)
        else:
            dev.kill()
            os.replace(safe, disk.data_dir / name)
        account.births.clear()
        self.restarted(disk, account)

    def a_log_that_is_deleted_stops_everything_and_a_clean_end_saves_it(self):
        for name in ("vault.db-wal", "keys.db-wal", "vault.db-shm", "keys.db-shm", "keys.db.lock"):
            disk = self.disk()
            dev, account = self.begun(disk)
            (disk.data_dir / name).unlink()
            with dev.channel() as channel:
                assert outcome(lambda: read(dev, channel, next(iter(account.records)))) == REPLACED, name
                eventually("health", lambda: "STORE_REPLACED" in healthz(dev))
            dev.terminate()
            self.restarted(disk, account)
        print(f"  {self.count} vaults in all, {self.kept} acknowledgements found again", flush=True)

    # ---- what they share

    def restarted(self, disk, account):
        """Starts without the fault, finds everything, takes more, and finds that after another start."""
        for _ in range(2):
            dev = disk.start()
            with dev.channel() as channel:
                self.verified(dev, channel, account)
                account.append(dev, channel, account.create(dev, channel))
            dev.kill()

    def does_not_start(self, disk):
        before = len(disk.log())
        try:
            dev = disk.start()
        except RuntimeError:
            return disk.log()[before:]
        dev.kill()
        raise AssertionError("the vault started")

    def ended(self, dev):
        code = dev.process.wait(END_SECONDS)
        assert code == -signal.SIGABRT, f"the process ended with {code}"

    def health_is(self, channel, wanted):
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "subrosa.v1.IngestService"):
            status = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=30).status
            assert health_pb2.HealthCheckResponse.ServingStatus.Name(status) == wanted, (service, status)


class SmallDisk:
    """A tmpfs of its own where one can be mounted, and else a folder under a quota."""

    def __init__(self, path, size):
        self.path, self.size = path, size
        path.mkdir()

    def __enter__(self):
        command = ["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(self.path)]
        self.mounted = shutil.which("mount") and subprocess.run(command, capture_output=True).returncode == 0
        self.kind = "a tmpfs" if self.mounted else "a quota of the shim: no tmpfs can be mounted here"
        atexit.register(self.__exit__)  # for a run that is ended in the middle
        return self

    def __exit__(self, *_):
        if self.mounted:
            self.mounted = False
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    def fill(self, disk, left):
        """Leaves room for so many bytes."""
        if not self.mounted:
            used = sum(file.stat().st_size for file in disk.data_dir.iterdir() if file.is_file())
            return disk.fail(f"quota {used + left}")
        with open(self.path / "filler", "wb") as filler:
            filler.write(bytes(shutil.disk_usage(self.path).free - left))

    def make_room(self, disk):
        if not self.mounted:
            return disk.fail()
        (self.path / "filler").unlink()

    def read_only(self, disk, on):
        if self.mounted:
            command = ["mount", "-o", f"remount,{'ro' if on else 'rw'}", str(self.path)]
            subprocess.run(command, check=True)
        else:
            disk.fail(*(f"{what} * 1+ EROFS" for what in ("write", "truncate", "open", "unlink") if on))


def unlink(disk, dev, name, older):
    (disk.data_dir / name).unlink()


def move_away(disk, dev, name, older):
    safe = disk.folder / f"moved-{name}"
    (disk.data_dir / name).rename(safe)
    return safe


def replace_by_older(disk, dev, name, older):
    """As a restore under the running server would, with rename."""
    shutil.copyfile(older / name, disk.data_dir / f"{name}.restore")
    os.replace(disk.data_dir / f"{name}.restore", disk.data_dir / name)


def write_over(disk, dev, name, older):
    """As `cp` would: the same file, other bytes."""
    shutil.copyfile(older / name, disk.data_dir / name)


def held_open(dev, name):
    """The file that the process holds under a name that may be gone, as the page of the reason says to find it."""
    folder = pathlib.Path(f"/proc/{dev.process.pid}/fd")
    for link in folder.iterdir():
        target = os.readlink(link)
        if re.fullmatch(rf".*/{re.escape(name)}( \(deleted\))?", target):
            return link
    raise AssertionError(f"the process does not hold {name}")


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and "-shm" not in path.name}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--only", default="", help="run the checks whose name has this word")
    options = parser.parse_args()
    global API
    API = ledger.load_api()
    shim = ledger.build_shim()
    with tempfile.TemporaryDirectory(prefix="subrosa-disk-") as folder:
        run = Run(options.binary, shim, pathlib.Path(folder).resolve())
        checks = [
            run.a_full_disk_refuses_and_serves_again_by_itself,
            run.a_full_disk_under_the_checkpoint_loses_nothing,
            run.a_full_disk_under_the_key_store_is_told_of_the_keys,
            run.a_disk_that_becomes_read_only_ends_the_process_and_says_so,
            run.a_folder_that_is_read_only_at_the_start_is_told_of,
            run.files_that_may_not_be_opened_are_told_of,
            run.a_failed_fsync_ends_the_process_and_loses_nothing,
            run.a_failed_write_ends_the_process_and_loses_nothing,
            run.a_failure_at_the_start_ends_it_and_the_next_start_has_everything,
            run.a_store_that_is_taken_away_stops_everything_within_one_request,
            run.a_log_that_is_deleted_stops_everything_and_a_clean_end_saves_it,
        ]
        code = harness.run_checks([check for check in checks if options.only in check.__name__])
    harness.leave(code)


if __name__ == "__main__":
    main()
