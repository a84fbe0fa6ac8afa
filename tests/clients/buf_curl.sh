#!/usr/bin/env bash
# `buf curl` against the operator listener, by reflection alone: it is given no .proto file.
# usage: buf_curl.sh PATH-TO-SUBROSA [PATH-TO-BUF]
set -euo pipefail

subrosa=$(realpath "${1:?usage: buf_curl.sh PATH-TO-SUBROSA [PATH-TO-BUF]}")
buf=$(realpath "$(command -v "${2:-buf}")")
folder=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT

"$subrosa" dev --data-dir "$folder/vault" --output json >"$folder/line" 2>"$folder/log" &
server=$!
for _ in $(seq 300); do
  [ -s "$folder/line" ] && break
  kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; echo "subrosa dev ended" >&2; exit 1; }
  sleep 0.1
done
[ -s "$folder/line" ] || { cat "$folder/log" >&2; echo "subrosa dev printed nothing in 30 s" >&2; exit 1; }

field() { python3 -c 'import json, sys; v = json.load(open(sys.argv[1]))
for k in sys.argv[2:]: v = v[k]
print(v)' "$folder/line" "$@"; }

# From a folder without a module, so that buf has nothing but reflection to go by.
cd "$folder"
passed=0 failed=0
check() { # NAME EXPECTED-PATTERN METHOD ROLE LISTENER
  local answer
  answer=$(timeout 60 "$buf" curl --cacert "$(field ca_file)" --servername localhost \
    --reflect-protocol "${protocol:-grpc-v1}" --reflect-header "Authorization: Bearer $(field keys "$4")" \
    --header "Authorization: Bearer $(field keys "$4")" --protocol grpc --data '{}' \
    "$(field "$5_endpoint")/$3" 2>&1) || true
  if grep -Eq "$2" <<<"$answer"; then
    echo "ok     $1"
    passed=$((passed + 1))
  else
    echo "FAILED $1: $answer"
    failed=$((failed + 1))
  fi
}
check operator_gets_the_status_by_reflection SERVING_STATE_SERVING subrosa.v1.AdminService/GetStatus operator operator
protocol=grpc-v1alpha \
  check operator_gets_the_status_by_reflection_v1alpha SERVING_STATE_SERVING subrosa.v1.AdminService/GetStatus operator operator
check reader_is_denied_the_status 'permission_denied|PERMISSION_DENIED' subrosa.v1.AdminService/GetStatus reader operator
# Without reflection buf cannot find the service that the operator listener told it of above.
check data_listener_has_no_reflection 'unimplemented|not.*reflection|METHOD_UNKNOWN|failed to find service' subrosa.v1.AdminService/GetStatus operator data
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
