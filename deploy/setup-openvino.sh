#!/usr/bin/env bash
# Fetches what Sightline needs to run models with OpenVINO, out of PyPI wheels, into .runtime/ of this folder:
#   - OpenVINO with its C library                  -> .runtime/openvino/lib             (`runtime: openvino`)
#   - ONNX Runtime built with OpenVINO, x86-64 only -> .runtime/onnxruntime-openvino/lib (`runtime: onnxruntime`)
# Does nothing that is done already.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

OPENVINO_VERSION=2026.4.1
declare -A OPENVINO_PLATFORM=([x86_64]=manylinux_2_28_x86_64 [aarch64]=manylinux_2_35_aarch64)
declare -A OPENVINO_SHA256=(
  [x86_64]=6b4375c17ddcac83a5180349e2e2bb811185c261066e2a920659892d58ef0e3b
  [aarch64]=82efccb2f9f1bdc7e5a1996e05a3b719ebff9232dd54b44150d6d2e983a86b7d
)
ONNXRUNTIME_VERSION=1.24.1
declare -A ONNXRUNTIME_SHA256=([x86_64]=d617fac2f59a6ab5ea59a788c3e1592240a129642519aaeaa774761dfe35150e)

machine=$(uname -m)

# All but the readers of other models' formats than ONNX and OpenVINO's own (which a model cache is in).
install_openvino() {
  local sha256=${OPENVINO_SHA256[$machine]:-}
  [ -n "$sha256" ] || fail "no pinned OpenVINO for $machine; put libopenvino_c.so somewhere and set SIGHTLINE_OPENVINO"
  local folder=.runtime/openvino stamp="$OPENVINO_VERSION $sha256"
  if is_fetched "$folder" libopenvino_c.so."$(soname)" "$stamp"; then
    say "OpenVINO $OPENVINO_VERSION: there"
    return
  fi
  local devices=() libs=openvino/libs
  [ "$machine" = x86_64 ] && devices=("$libs/cache.json")   # kernels of the GPU plugin, chosen beforehand
  install_from_wheel openvino "$OPENVINO_VERSION" "${OPENVINO_PLATFORM[$machine]}" "$sha256" "$folder" "$stamp" \
    "$libs/libopenvino.so.*" "$libs/libopenvino_c.so.*" "$libs/libopenvino_*_plugin.so" \
    "$libs/libopenvino_ir_frontend.so.*" "$libs/libopenvino_onnx_frontend.so.*" "$libs/libtbb*" "$libs/libhwloc*" "${devices[@]}"
}

# 2641 of 2026.4.1, as the libraries' names have it.
soname() { local year minor patch; IFS=. read -r year minor patch <<<"$OPENVINO_VERSION"; echo "${year#20}$minor$patch"; }

# OpenVINO's libraries lie beside it under three names each, of which the versioned ones are looked for.
install_onnxruntime() {
  local sha256=${ONNXRUNTIME_SHA256[$machine]:-}
  if [ -z "$sha256" ]; then
    say "NOTE: PyPI has no ONNX Runtime with OpenVINO for $machine: 'runtime: onnxruntime' of the provider openvino will not"
    say "      run here; 'runtime: openvino', which is what is used when nothing is said, does"
    return
  fi
  local folder=.runtime/onnxruntime-openvino stamp="$ONNXRUNTIME_VERSION $sha256"
  if is_fetched "$folder" libonnxruntime.so "$stamp"; then
    say "ONNX Runtime $ONNXRUNTIME_VERSION with OpenVINO: there"
    return
  fi
  local capi=onnxruntime/capi
  install_from_wheel onnxruntime-openvino "$ONNXRUNTIME_VERSION" "manylinux_2_28_$machine" "$sha256" "$folder" "$stamp" \
    "$capi/libonnxruntime.so.$ONNXRUNTIME_VERSION=libonnxruntime.so" "$capi/libonnxruntime_providers_*.so" \
    "$capi/libopenvino.so.????" "$capi/libopenvino_onnx_frontend.so.????" "$capi/libopenvino_*_plugin.so" \
    "$capi/libtbb.so.12" "$capi/libtbbmalloc.so"
}

install_openvino
install_onnxruntime
say "ready for OpenVINO"
