#!/usr/bin/env bash
# Puts a GPU-capable ONNX Runtime for a Jetson where Sightline looks for it: .runtime/onnxruntime-gpu/lib of this folder, or FOLDER.
#   deploy/jetson/onnxruntime.sh [WHEEL] [FOLDER]
# Without WHEEL it is fetched from NVIDIA's index for JetPack 6 (CUDA 12.6, Python 3.10): INDEX names another one,
# VERSION another version. Wheels there have no checksum that could be pinned here: SHA256=… checks one that you know.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
wheel=${1:-}
folder=${2:-$root/.runtime/onnxruntime-gpu/lib}
index=${INDEX:-https://pypi.jetson-ai-lab.io/jp6/cu126}
version=${VERSION:-}

say() { printf 'onnxruntime: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "$wheel" ]; then
  [ "$(uname -m)" = aarch64 ] || fail "this is $(uname -m) and no Jetson; name a wheel to unpack one all the same"
  say "fetching onnxruntime-gpu${version:+ $version} from $index"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" \
    --index-url "$index" "onnxruntime-gpu${version:+==$version}" \
    || fail "could not fetch it; build it on the board instead, as deploy/jetson/README.md says"
  wheel=$(ls "$work"/onnxruntime_gpu-*.whl)
fi
[ -s "$wheel" ] || fail "there is no wheel $wheel"
if [ -n "${SHA256:-}" ]; then
  echo "$SHA256  $wheel" | sha256sum --check --quiet - || fail "the SHA-256 of $wheel is not $SHA256; not using it"
fi

python3 -m zipfile -e "$wheel" "$work/unpacked" || fail "$wheel is no wheel"
libraries=$work/unpacked/onnxruntime/capi
# The library itself carries its version in its name; a wheel without it serves Python alone.
itself=$(find "$libraries" -maxdepth 1 -name 'libonnxruntime.so*' 2>/dev/null | sort | tail -n 1)
[ -n "$itself" ] || fail "$wheel has no libonnxruntime.so, so it was built without --build_shared_lib: for Python alone"
python3 - "$itself" <<'PYTHON' || fail "$itself is not for aarch64"
import sys
with open(sys.argv[1], "rb") as file:
    header = file.read(20)
AARCH64 = 183
sys.exit(header[:4] != b"\x7fELF" or int.from_bytes(header[18:20], "little") != AARCH64)
PYTHON
for provider in shared cuda; do
  [ -s "$libraries/libonnxruntime_providers_$provider.so" ] \
    || fail "$wheel has no libonnxruntime_providers_$provider.so: it is for the CPU alone"
done
[ -s "$libraries/libonnxruntime_providers_tensorrt.so" ] || say "$wheel is without TensorRT; CUDA will have to do"

mkdir -p "$folder"
rm -f "$folder"/libonnxruntime*
cp "$itself" "$folder/libonnxruntime.so"
cp "$libraries"/libonnxruntime_providers_*.so "$folder/"
say "in $folder: $(cd "$folder" && echo libonnxruntime*)"

# Elsewhere ldd cannot tell, and fails.
missing=$({ ldd "$folder"/libonnxruntime_providers_*.so 2>/dev/null || true; } | sed -n 's/^\s*\(\S*\) => not found$/\1/p' | sort -u | tr '\n' ' ')
if [ -n "$missing" ]; then say "the system lacks what it needs: ${missing% }; JetPack's CUDA, cuDNN and TensorRT have these"; fi
