#!/usr/bin/env bash
# Installs what Sightline needs to be built and tested on Debian 12 or Ubuntu, beside Rust, a C compiler and Python:
#   - Debian packages: GStreamer with its plugins and headers, mosquitto, OpenSSL headers
#   - ONNX Runtime's shared library, out of its PyPI wheel, into .runtime/ of this folder
# Does nothing that is done already. `SIGHTLINE_SKIP_APT=1` leaves the system's packages alone.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

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

# The mosquitto package starts a broker on port 1883; the demo and the tests start their own on a free port.

install_onnxruntime() {
  local machine; machine=$(uname -m)
  local sha256=${ONNXRUNTIME_SHA256[$machine]:-}
  [ -n "$sha256" ] || fail "no pinned ONNX Runtime for $machine; put libonnxruntime.so somewhere and set ORT_DYLIB_PATH"
  local folder=.runtime/onnxruntime
  local stamp="$ONNXRUNTIME_VERSION $sha256"
  if is_fetched "$folder" libonnxruntime.so "$stamp"; then
    say "ONNX Runtime $ONNXRUNTIME_VERSION: there"
    return
  fi
  install_from_wheel onnxruntime "$ONNXRUNTIME_VERSION" "manylinux_2_28_$machine" "$sha256" "$folder" "$stamp" \
    "onnxruntime/capi/libonnxruntime.so.$ONNXRUNTIME_VERSION=libonnxruntime.so" \
    onnxruntime/capi/libonnxruntime_providers_shared.so
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
