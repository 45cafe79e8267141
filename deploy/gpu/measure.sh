#!/usr/bin/env bash
# Everything that is to be known of CUDA and TensorRT on a machine with an NVIDIA GPU, in one go: what runs and how that is
# known, images per second of batches of 1 to 64, what is compiled for TensorRT found again at the second start, and what
# happens when a library is missing. Writes docs/measurements/gpu-<date>-<card>.md; commit it.
#   make setup-gpu && make build && deploy/gpu/measure.sh [MODEL…]
# Ten minutes, most of which TensorRT compiles. SECONDS_EACH=0.5 and ROUNDS=3 make it shorter or longer.
set -euo pipefail
cd "$(dirname "$0")/../.."

sightline=${SIGHTLINE:-target/release/sightline}
models=${*:-ssd-mobilenet-v1-sim}
seconds=${SECONDS_EACH:-0.5} rounds=${ROUNDS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf 'measure: %s\n' "$*" >&2; }

[ -x "$sightline" ] || { say "no $sightline; run 'make build'"; exit 2; }
card=$(sed -n 's/^Model:[[:space:]]*//p' /proc/driver/nvidia/gpus/*/information 2>/dev/null | head -1) || card=
[ -n "$card" ] || { say "no NVIDIA GPU here (/proc/driver/nvidia/gpus is empty or missing): nothing is measured"; exit 69; }
driver=$(grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' /proc/driver/nvidia/version | head -1)
report=docs/measurements/gpu-$(date -u +%Y-%m-%d)-$(printf '%s' "$card" | tr -c 'A-Za-z0-9\n' '-').md
mkdir -p docs/measurements

model_arguments=() ; for model in $models; do model_arguments+=(--model "$model"); done
# What fails is in the report, and does not end it.
bench() {
  "$sightline" bench --part sessions "${model_arguments[@]}" --seconds "$seconds" --rounds "$rounds" "$@" 2>"$work/log" >>"$report" && return
  [ -s "$work/log" ] || return 0   # nothing ran, of which the report has the reason
  { echo; echo "Failed:"; echo '```'; tail -5 "$work/log"; echo '```'; } >>"$report"
}
section() { printf '\n## %s\n\n' "$1" >>"$report"; say "$1"; }
# The daemon's own report of which provider runs a model, with FILE left out of a copy of the libraries.
without() {
  local folder="$work/without" file
  rm -rf "$folder" && mkdir -p "$folder"
  for file in .runtime/onnxruntime-gpu/lib/*; do
    case $(basename "$file") in $1) ;; *) ln -s "$(realpath "$file")" "$folder/" ;; esac
  done
  printf 'version: 1\nname: gpu\nmodel: {name: %s}\ninference: {providers: [%s, cpu]}\ncameras: {a: {url: "test://ball"}}\n' \
    "${models%% *}" "$2" >"$work/p.yaml"
  ORT_DYLIB_PATH=$folder/libonnxruntime.so "$sightline" check --probe "$work/p.yaml" 2>/dev/null | grep '^.*model ' || true
}

cat >"$report" <<END
# $card, $(date -u +%Y-%m-%d)

Made by \`deploy/gpu/measure.sh\`: driver $driver, $(nproc) cores, $("$sightline" --version), commit $(git rev-parse --short HEAD).
END
section "What runs"
{ echo '```'; "$sightline" doctor --provider tensorrt,cuda,cpu --model "${models%% *}" || true; echo '```'; } >>"$report"
section "CPU, the same models"
bench --provider cpu --batch 1,8
section "CUDA, batches of 1 to 64"
bench --provider cuda --batch 1,2,4,8,16,32,64
for precision in fp32 fp16; do
  mkdir -p "$work/state-$precision"
  section "TensorRT, $precision, first start: compiled"
  rounds=1 bench --provider tensorrt --precision $precision --batch 1,2,4,8,16,32,64 --state-dir "$work/state-$precision"
  section "TensorRT, $precision, further starts: found in the state directory"
  bench --provider tensorrt --precision $precision --batch 1,2,4,8,16,32,64 --state-dir "$work/state-$precision"
  { echo; echo "Kept: $(find "$work/state-$precision" -name '*.engine' | wc -l) engines, $(du -sh "$work/state-$precision" | cut -f1)."; } >>"$report"
done
section "A library is missing"
{
  echo '```'
  echo "without libonnxruntime_providers_cuda.so: $(without 'libonnxruntime_providers_cuda.so' cuda)"
  echo "without cuDNN: $(without 'libcudnn*' cuda)"
  echo "without libonnxruntime_providers_tensorrt.so: $(without 'libonnxruntime_providers_tensorrt.so' tensorrt)"
  echo '```'
} >>"$report"
say "written: $report"
