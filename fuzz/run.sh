#!/usr/bin/env bash
# Fuzzes with LLVM's libFuzzer and AddressSanitizer: every target, or those that are named, for a while each.
#   fuzz/run.sh [--seconds 60] [TARGET…]
# Finds go to target/fuzz/artifacts/, inputs that reached new code to target/fuzz/corpus/, where the next run begins.
# Needs Rust as rust-toolchain.toml has it and a C++ compiler, which it installs where there is apt-get.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'fuzz: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

seconds=60
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?--seconds takes a number}; shift 2 ;;
    -*) fail "unknown option $1" ;;
    *) targets+=("$1"); shift ;;
  esac
done
if [ ${#targets[@]} = 0 ]; then
  for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

# libFuzzer is C++, and is compiled by the package libfuzzer-sys.
if ! command -v c++ >/dev/null; then
  command -v apt-get >/dev/null || fail "no C++ compiler here; install one"
  as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
  say "installing g++"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends g++ >/dev/null
fi

# What `cargo fuzz` passes, without cargo-fuzz: counters for every edge and every comparison, overflow and other checks
# on. The sanitizer is behind a flag that only a nightly compiler takes, or one that is told to be as liberal.
machine=$(rustc -vV | sed -n 's/^host: //p')
coverage=(-Cpasses=sancov-module)
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  coverage+=("-Cllvm-args=-sanitizer-coverage-$option")
done
say "building with coverage and AddressSanitizer"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="${coverage[*]} -Zsanitizer=address" \
  CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off \
  nice cargo build --release --locked --quiet -p sightline-fuzz --features engine --bins \
  --target "$machine" --target-dir target/fuzz

# Files that targets write are gone afterwards; in memory where there is such a folder.
scratch=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$scratch"' EXIT

found=()
for target in "${targets[@]}"; do
  program=target/fuzz/$machine/release/$target
  [ -x "$program" ] || fail "there is no target $target"
  work=target/fuzz/corpus/$target finds=target/fuzz/artifacts/$target
  mkdir -p "$work" "$finds"
  dictionary=()
  [ -e "fuzz/dictionaries/$target.dict" ] && dictionary=("-dict=fuzz/dictionaries/$target.dict")
  say "$target for $seconds s"
  log=target/fuzz/$target.log
  # No -max_len: it is 4096 then, or the length of the longest seed. Less would cut seeds off, and make them useless.
  if TMPDIR=$scratch ASAN_OPTIONS=detect_leaks=0 nice "$program" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=1024 -malloc_limit_mb=256 -artifact_prefix="$finds/" -print_final_stats=1 "${dictionary[@]}" \
    "$work" "fuzz/corpus/$target" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    say "$target: nothing found in $runs runs; $(grep -o 'cov: [0-9]*' "$log" | tail -1) edges reached"
  else
    found+=("$target")
    grep -m1 -A2 'panicked at\|ERROR: ' "$log" >&2 || tail -5 "$log" >&2
    say "$target: FOUND $(sed -n 's/.*written to //p' "$log" | tail -1), more in $log"
  fi
done
if [ ${#found[@]} -gt 0 ]; then
  fail "something was found in: ${found[*]}. Make it small ($program -minimize_crash=1 -runs=100000 FILE), mend it, and" \
    "keep it as fuzz/corpus/<target>/<what it was>"
fi
say "nothing found"
