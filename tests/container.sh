#!/usr/bin/env bash
# Holds the Containerfile to hadolint's rules and to ours, and sees that what it copies is enough for cargo.
# usage: tests/container.sh HADOLINT
# No engine runs here: that the image builds is not shown, that its commands have what they need is.
set -euo pipefail
cd "$(dirname "$0")/.."
hadolint=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# check NAME COMMAND...
check() {
  local name=$1
  shift
  if "$@" >"$scratch/out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
    cat "$scratch/out"
  fi
}

# rules FILE: what hadolint does not say, or says only as a warning.
rules() {
  local file=$1 user
  "$hadolint" --failure-threshold info "$file" || return 1
  # Each base names a version with a number in it, or a stage above.
  ! grep -E '^FROM ' "$file" | grep -vE '^FROM [a-z0-9./-]+:[0-9]+\.[0-9.]+[a-z0-9.-]*( AS [a-z]+)?$' || return 1
  ! grep -nE '^ADD |:latest|--privileged|^COPY \. ' "$file" || return 1
  # The last stage ends as a user that is not root, by number, so that an orchestrator can see it.
  user=$(awk '/^FROM /{user=""} /^USER /{user=$2} END{print user}' "$file")
  [[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || { echo "USER is '$user'"; return 1; }
  # Programs are named by words, not handed to a shell, so that signals reach the vault.
  ! grep -nE '^(ENTRYPOINT|CMD) [^[]' "$file"
}

# spoilt NAME SED: the same file with one fault in it is refused.
spoilt() {
  sed -E "$2" Containerfile >"$scratch/Containerfile"
  ! cmp -s Containerfile "$scratch/Containerfile" && ! rules "$scratch/Containerfile"
}

# What COPY takes from the context, as `.containerignore` lets it through, is a package that cargo can plan a build of.
copied() {
  local from
  for from in $(sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' Containerfile); do
    grep -qxF "!$from" .containerignore || { echo "$from is ignored"; return 1; }
    cp -r "$from" "$scratch/context/"
  done
  (cd "$scratch/context" && cargo metadata --locked --offline --no-deps --format-version 1) | grep -q '"name":"subrosa"'
}

# The shell of the health check, as the image runs it, against a port that says 200, 503, and nothing.
health() {
  local code=$1 expected=$2 port script found=0
  python3 - "$code" >"$scratch/port" <<'EOF' &
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[1]) if self.path == "/healthz" else 404)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
server.timeout = 30
print(server.server_port, flush=True)
server.handle_request()
EOF
  for _ in $(seq 300); do [ -s "$scratch/port" ] && break; sleep 0.1; done
  port=$(<"$scratch/port")
  script=$(sed -n 's/^ *CMD \(\["bash".*\]\)$/\1/p' Containerfile | python3 -c 'import json, sys; print(json.load(sys.stdin)[2])')
  timeout 30 bash -c "${script/7446/$port}" || found=$?
  wait $!
  [ "$found" -eq "$expected" ]
}

mkdir "$scratch/context"
check "the Containerfile keeps the rules" rules Containerfile
check "a floating base is refused" spoilt base 's/^FROM docker.io.library.debian:.*/FROM docker.io\/library\/debian:latest/'
check "an untagged base is refused" spoilt tag 's/(^FROM docker.io.library.debian):.*/\1/'
check "root is refused" spoilt root 's/^USER .*/USER root/'
check "no user is refused" spoilt user '/^USER /d'
check "ADD is refused" spoilt add 's/^COPY proto/ADD proto/'
check "the whole context is refused" spoilt context 's/^COPY src.*/COPY . ./'
check "a shell in front of the vault is refused" spoilt shell 's/^CMD \["serve.*/CMD subrosa serve/'
check "what is copied is a package" copied
check "the health check takes 200" health 200 0
check "the health check refuses 503" health 503 1

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
