#!/usr/bin/env bash
# Installs what Sightline needs to be built and tested on Debian 12 or Ubuntu, beside Rust, a C compiler and Python:
#   - Debian packages: GStreamer with its plugins and headers, mosquitto, OpenSSL headers
#   - ONNX Runtime's shared library, out of its PyPI wheel, into .runtime/ of this folder
# Does nothing that is done already. `SIGHTLINE_SKIP_APT=1` leaves the system's packages alone.
set -euo pipefail
cd "$(dirname "$0")/.."

ONNXRUNTIME_VERSION=1.32.0
declare -A ONNXRUNTIME_SHA256=(
  [x86_64]=99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8
  [aarch64]=e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054
)
PACKAGES=(
  pkg-config libssl-dev openssl
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstrtspserver-1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  mosquitto mosquitto-clients
)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || printf '%s ' "$package"
  done
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() {
  [ "${SIGHTLINE_SKIP_APT:-}" = 1 ] && { say "leaving the system's packages alone (SIGHTLINE_SKIP_APT)"; return; }
  command -v apt-get >/dev/null || fail "no apt-get here; install by hand: ${PACKAGES[*]}"
  local missing; missing=$(missing_packages "$@")
  [ -z "$missing" ] && { say "Debian packages: all there"; return; }
  say "installing Debian packages: $missing"
  local try
  # Tried again because an upgrade of systemd underneath can empty the temp folder in the middle of an install.
  for try in 1 2 3 4; do
    as_root mkdir -p "${TMPDIR:-/tmp}"
    # shellcheck disable=SC2086  # a list of package names
    if as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
      return
    fi
    say "apt-get failed (try $try of 4); repairing and trying again"
    as_root dpkg --configure -a || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -f >/dev/null || true
    sleep 3
  done
  fail "could not install: $missing; run 'apt-get install $missing' by hand and see what it says"
}

# The mosquitto package starts a broker on port 1883; the demo and the tests start their own on a free port.

install_onnxruntime() {
  local machine; machine=$(uname -m)
  local sha256=${ONNXRUNTIME_SHA256[$machine]:-}
  [ -n "$sha256" ] || fail "no pinned ONNX Runtime for $machine; put libonnxruntime.so somewhere and set ORT_DYLIB_PATH"
  local folder=.runtime/onnxruntime
  local stamp="$ONNXRUNTIME_VERSION $sha256"
  if [ -s "$folder/lib/libonnxruntime.so" ] && [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
    say "ONNX Runtime $ONNXRUNTIME_VERSION: there"
    return
  fi
  say "fetching ONNX Runtime $ONNXRUNTIME_VERSION from PyPI"
  python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
  local work; work=$(mktemp -d)
  local try
  for try in 1 2 3; do
    # One fixed wheel whatever Python runs this: only the library inside is taken.
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
      --implementation cp --abi cp312 --platform "manylinux_2_28_$machine" --dest "$work" "onnxruntime==$ONNXRUNTIME_VERSION" && break
    [ "$try" = 3 ] && fail "could not download onnxruntime==$ONNXRUNTIME_VERSION from PyPI"
    say "download failed (try $try of 3); trying again"
    sleep 3
  done
  local wheel; wheel=$(ls "$work"/onnxruntime-*.whl)
  echo "$sha256  $wheel" | sha256sum --check --quiet - || fail "the wheel's SHA-256 is not the pinned one; not using it"
  mkdir -p "$folder/lib"
  python3 - "$wheel" "$folder/lib" "$ONNXRUNTIME_VERSION" <<'PYTHON'
import os, sys, zipfile
wheel, folder, version = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for inside, outside in ((f"libonnxruntime.so.{version}", "libonnxruntime.so"), ("libonnxruntime_providers_shared.so",) * 2):
        with open(os.path.join(folder, outside + ".part"), "wb") as file:
            file.write(archive.read("onnxruntime/capi/" + inside))
        os.replace(os.path.join(folder, outside + ".part"), os.path.join(folder, outside))
PYTHON
  echo "$stamp" >"$folder/stamp"
  rm -rf "$work"
  say "ONNX Runtime $ONNXRUNTIME_VERSION is in $folder/lib"
}

# A developer's checkout has real weights in a folder beside it: they are linked into the user's data folder, where
# every `sightline` looks for weights. A user's clone has no such folder, and needs none.
link_weights() {
  local from=../shared/models to=${XDG_DATA_HOME:-$HOME/.local/share}/sightline/models
  [ -d "$from" ] || return 0
  mkdir -p "$to"
  local weights linked=0
  for weights in "$(realpath "$from")"/*.onnx; do
    [ -e "$weights" ] && [ ! -e "$to/$(basename "$weights")" ] || continue
    ln -sfn "$weights" "$to/" && linked=$((linked + 1))
  done
  if [ "$linked" -gt 0 ]; then say "linked $linked weights of $from into $to"; fi
}

command -v cargo >/dev/null || fail "no cargo here; install Rust from https://rustup.rs first"
install_packages "${PACKAGES[@]}"
install_onnxruntime
link_weights
say "ready"
