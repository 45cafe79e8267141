# Sourced by run.sh, model_card.sh and test.sh, in the project's folder: Python with what training needs, and sightline.

PROFILE=${PROFILE:-release}
# Python's onnxruntime reports to its maker otherwise.
export ORT_DISABLE_TELEMETRY=1

say() { printf 'training: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Sets PYTHON, unless it names a ready interpreter: .venv/training with the pinned packages. PyTorch's wheels for Linux
# bring CUDA along: 3 GB to fetch, 7 GB on the disk.
training_environment() {
  if [ -n "${PYTHON:-}" ]; then return; fi
  PYTHON=$PWD/.venv/training/bin/python
  if [ ! -x "$PYTHON" ]; then
    say "making .venv/training"
    python3 -m venv .venv/training
  fi
  if ! cmp -s training/requirements.txt .venv/training/installed.txt; then
    say "installing PyTorch and what else training/requirements.txt names (3 GB)"
    local try
    for try in 1 2 3; do
      "$PYTHON" -m pip install --quiet --disable-pip-version-check -r training/requirements.txt && break
      [ "$try" = 3 ] && fail "could not install training/requirements.txt"
      say "pip failed (try $try of 3); trying again"
    done
    cp training/requirements.txt .venv/training/installed.txt
  fi
}

# Sets SIGHTLINE_BINARY, unless it names a built program, and where ONNX Runtime is.
sightline_program() {
  local runtime=.runtime/onnxruntime/lib/libonnxruntime.so
  if [ -z "${ORT_DYLIB_PATH:-}" ] && [ -f $runtime ]; then export ORT_DYLIB_PATH=$PWD/$runtime; fi
  if [ -n "${SIGHTLINE_BINARY:-}" ]; then return; fi
  say "building sightline"
  cargo build --profile "$PROFILE" --locked --quiet -p sightline
  SIGHTLINE_BINARY=$(realpath "${CARGO_TARGET_DIR:-target}/${PROFILE/dev/debug}/sightline")
}

# from_sim EXAMPLE ARGUMENT…: runs an example of crates/sim.
from_sim() {
  local example=$1
  shift
  cargo run --profile "$PROFILE" --locked --quiet -p sightline-sim --example "$example" -- "$@"
}
