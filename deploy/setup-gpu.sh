#!/usr/bin/env bash
# Fetches what Sightline needs to run models on an NVIDIA GPU of an x86-64 machine, out of PyPI wheels (2 GB), into
# .runtime/onnxruntime-gpu/lib of this folder: ONNX Runtime built with CUDA 12 and TensorRT 10, CUDA's libraries and cuDNN 9.
# The driver is the machine's own. TensorRT's libraries are not on PyPI: where they come from is in docs/guide/providers.md.
# Does nothing that is done already. A Jetson has its own: deploy/jetson/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/common.sh
. deploy/common.sh

FOLDER=.runtime/onnxruntime-gpu
ONNXRUNTIME_VERSION=1.24.4
CAPI=onnxruntime/capi
# PACKAGE VERSION PLATFORM SHA256 PATTERN[=NAME]…
WHEELS=(
  "nvidia-cuda-runtime-cu12 12.8.90 manylinux2014_x86_64 adade8dcbd0edf427b7204d480d6066d33902cab2a4707dcfc48a2d0fd44ab90 nvidia/*/lib/*.so.*"
  "nvidia-nvjitlink-cu12 12.8.93 manylinux2010_x86_64 81ff63371a7ebd6e6451970684f916be2eab07321b73c9d244dc2b4da7f73b88 nvidia/*/lib/*.so.*"
  "nvidia-cuda-nvrtc-cu12 12.8.93 manylinux2010_x86_64 a7756528852ef889772a84c6cd89d41dfa74667e24cca16bb31f8f061e3e9994 nvidia/*/lib/*.so.*"
  "nvidia-curand-cu12 10.3.9.90 manylinux_2_27_x86_64 b32331d4f4df5d6eefa0554c565b626c7216f87a06a4f56fab27c3b68a830ec9 nvidia/*/lib/*.so.*"
  "nvidia-cufft-cu12 11.3.3.83 manylinux2014_x86_64 4d2dd21ec0b88cf61b62e6b43564355e5222e4a3fb394cac0db101f2dd0d4f74 nvidia/*/lib/*.so.*"
  "nvidia-cublas-cu12 12.8.4.1 manylinux_2_27_x86_64 8ac4e771d5a348c551b2a426eda6193c19aa630236b418086020df5ba9667142 nvidia/*/lib/*.so.*"
  "nvidia-cudnn-cu12 9.26.1.1 manylinux_2_27_x86_64 aec908bfab4bf4c486704df0f36427ab4e4509d86015edf9019982ada5d8acc0 nvidia/*/lib/*.so.*"
  "onnxruntime-gpu $ONNXRUNTIME_VERSION manylinux_2_28_x86_64 eb0e38f0c1ef3b76ae0081c8e51eed20dd8925aa916f0fc6f9b8b17d05610e99 $CAPI/libonnxruntime.so.$ONNXRUNTIME_VERSION=libonnxruntime.so $CAPI/libonnxruntime_providers_*.so"
)

[ "$(uname -m)" = x86_64 ] || fail "these wheels are for x86-64; for a Jetson see deploy/jetson/README.md"
stamp=$(printf '%s\n' "${WHEELS[@]}" | sha256sum | cut -d' ' -f1)
if is_fetched "$FOLDER" libonnxruntime.so "$stamp"; then
  say "ONNX Runtime $ONNXRUNTIME_VERSION with CUDA: there"
else
  for wheel in "${WHEELS[@]}"; do
    read -ra words <<<"$wheel"
    install_from_wheel "${words[@]:0:4}" "$FOLDER" incomplete "${words[@]:4}"
  done
  echo "$stamp" >"$FOLDER/stamp"
fi
if ! ls "$FOLDER"/lib/libnvinfer.so.10* >/dev/null 2>&1 && ! ldconfig -p 2>/dev/null | grep -q 'libnvinfer\.so\.10'; then
  say "NOTE: no TensorRT 10 (libnvinfer.so.10) in $FOLDER/lib or the system: the provider 'cuda' will run, 'tensorrt' will not;"
  say "      docs/guide/providers.md says where to get it"
fi
say "ready for a GPU; 'sightline doctor' says what runs"
