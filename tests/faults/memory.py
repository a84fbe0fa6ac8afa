"""Looks into the memory of the running program, and at what it leaves when it crashes.

usage: memory.py PATH-TO-SUBROSA

A vault with a passphrase root is made and served. Checked: no credential and no passphrase is anywhere in the memory of
the process once the calls that brought them are over, though the scan finds them while they are used; a crash leaves no
core dump, though one of another program does in the same place; `server.core_dumps` lets it, and the status says so.

Needs to read another process's memory: run it as root, or as a user who may trace.
"""

import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))
import harness  # noqa: E402
from harness import CALL_SECONDS, run_checks  # noqa: E402

API = None
PASSPHRASE = "six words that nobody will ever say"
PORTS = ("data", "compliance", "operator", "metrics")


def free_cores():
    """Runs in a child: no limit on core dumps but what the program sets itself."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Served:
    """`subrosa serve` on a folder that `subrosa init` made."""

    def __init__(self, binary, folder, *settings):
        self.folder, self.cwd = folder, folder / f"cwd-{uuid.uuid4()}"
        self.cwd.mkdir()
        command = [str(binary), "serve", "--config", str(folder / "vault/subrosa.toml"), "--output", "json"]
        for name in PORTS:
            command += ["--set", f"server.{name}_address=127.0.0.1:0"]
        for setting in settings:
            command += ["--set", setting]
        self.log = open(folder / "serve.stderr", "ab")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, cwd=self.cwd, preexec_fn=free_cores
        )
        line = self.process.stdout.readline()
        assert line, (folder / "serve.stderr").read_text()[-2000:]
        self.endpoints = json.loads(line)
        self.ca = (folder / "vault/tls/ca.pem").read_bytes()

    def channel(self):
        options = [("grpc.ssl_target_name_override", "localhost"), ("grpc.use_local_subchannel_pool", 1)]
        credentials = grpc.ssl_channel_credentials(root_certificates=self.ca)
        return grpc.secure_channel(self.endpoints["data_endpoint"].split("://", 1)[1].rstrip("/"), credentials, options)

    def limits(self):
        lines = pathlib.Path(f"/proc/{self.process.pid}/limits").read_text().splitlines()
        return [line.split()[4:6] for line in lines if line.startswith("Max core file size")][0]

    def count(self, secret):
        """How often a text stands in the process's writable memory."""
        found = 0
        with open(f"/proc/{self.process.pid}/mem", "rb", 0) as memory:
            for line in open(f"/proc/{self.process.pid}/maps"):
                span, rights = line.split()[:2]
                if not rights.startswith("rw"):
                    continue
                start, end = (int(address, 16) for address in span.split("-"))
                try:
                    memory.seek(start)
                    found += memory.read(end - start).count(secret.encode())
                except (OSError, ValueError, OverflowError):
                    continue
        return found

    def abort(self):
        """Crashes it, and returns whether it dumped core and what files are in its folder."""
        return crash(self.process, self.cwd)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(40)


def crash(process, cwd):
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -1
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT, status
    return os.WCOREDUMP(status), sorted(path.name for path in cwd.iterdir())


class Run:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        (folder / "passphrase").write_text(PASSPHRASE + "\n")
        command = [str(binary), "init", "--data-dir", str(folder / "vault"), "--output", "json"]
        made = subprocess.run(
            command + ["--passphrase-file", str(folder / "passphrase")], check=True, capture_output=True, text=True
        )
        self.bootstrap = json.loads(made.stdout)["bootstrap_key"]
        self.served = Served(binary, folder)

    def issue(self, channel, role, principal):
        request = API.IssueApiKeyRequest(principal=principal, role=role, request_id=str(uuid.uuid4()))
        auth = [("authorization", f"Bearer {self.bootstrap}")]
        stub = API.AccessServiceStub(channel)
        return stub.IssueApiKey(request, timeout=CALL_SECONDS, metadata=auth).api_key

    def status(self, channel, key):
        stub, auth = API.AdminServiceStub(channel), [("authorization", f"Bearer {key}")]
        return stub.GetStatus(API.GetStatusRequest(), timeout=CALL_SECONDS, metadata=auth).status

    def no_secret_stays_in_memory(self):
        assert self.served.count("subrosa") > 0, "the scan sees nothing"
        assert self.served.count(PASSPHRASE) == 0, "the passphrase is still there"
        secrets = [self.bootstrap.rsplit("_", 1)[1]]
        seen = 0
        for number in range(20):
            with self.served.channel() as channel:
                key = self.issue(channel, API.ROLE_AUDITOR, f"auditor-{number}")
                secrets.append(key.rsplit("_", 1)[1])
                assert not self.status(channel, key).core_dumps
                seen += self.served.count(secrets[-1])
        assert seen > 0, "a credential of an open connection is not seen: the scan could not see one that stays"
        # The vault drops a connection's buffers once it has seen that the client is gone.
        deadline = time.monotonic() + 30
        while left := [number for number, secret in enumerate(secrets) if self.served.count(secret)]:
            assert time.monotonic() < deadline, f"{len(left)} of {len(secrets)} credentials are still there: {left}"
            time.sleep(0.2)
        print(f"  {len(secrets)} credentials and the passphrase were looked for")

    def a_crash_leaves_no_core_dump(self):
        control = self.folder / "control"
        control.mkdir()
        other = subprocess.Popen(["sleep", "60"], cwd=control, preexec_fn=free_cores)
        time.sleep(0.2)
        dumped, files = crash(other, control)
        assert dumped, f"no program dumps core here ({files}): nothing can be shown"
        assert self.served.limits() == ["0", "0"], self.served.limits()
        dumped, files = self.served.abort()
        assert (dumped, files) == (False, []), f"a core dump: {dumped}, {files}"

    def core_dumps_can_be_wanted_and_the_status_says_so(self):
        served = Served(self.binary, self.folder, "server.core_dumps=true")
        with served.channel() as channel:
            key = self.issue(channel, API.ROLE_AUDITOR, "auditor-last")
            assert self.status(channel, key).core_dumps
        assert served.limits() == ["unlimited", "unlimited"], served.limits()
        served.stop()
        assert "server.core_dumps is on" in (self.folder / "serve.stderr").read_text()


def main():
    global API
    harness.end_on_sigterm()
    harness.generate_stubs()
    API = harness.Api()
    with tempfile.TemporaryDirectory(prefix="subrosa-memory-") as folder:
        run = Run(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(folder))
        code = run_checks(
            [
                run.no_secret_stays_in_memory,
                run.a_crash_leaves_no_core_dump,
                run.core_dumps_can_be_wanted_and_the_status_says_so,
            ]
        )
        run.served.stop()
    harness.leave(code)


if __name__ == "__main__":
    main()
