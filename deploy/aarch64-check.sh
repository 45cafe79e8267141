#!/usr/bin/env bash
# Proves on an x86-64 machine with Debian what can be proven of an aarch64 one without having it: `make check-aarch64`.
#   1. cargo check of the crates that need no system library
#   2. the whole daemon, built and linked against Debian's arm64 GStreamer and OpenSSL
#   3. under qemu: the built program, the core's tests, those of a Jetson's elements with stand-ins for them, and a model's
#      reference pictures on ONNX Runtime's aarch64 library
# Whatever cannot be done is named, and ends it with an error. Nothing of it is part of `make test`.
#
# The arm64 packages are unpacked into target/aarch64-sysroot and not installed; the host gets a cross compiler and qemu from
# its own Debian (`SIGHTLINE_SKIP_APT=1`: not even that). Takes about 10 minutes and 4 GB the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
triplet=aarch64-linux-gnu
work=$PWD/target/aarch64-sysroot
sysroot=$work/root
# Of what qemu knows the nearest to a Jetson Orin's Cortex-A78AE. libav wants BLAS, which Debian's own root finds through links
# that a package's scripts make.
emulator=(qemu-aarch64-static -cpu cortex-a76 -L "$sysroot" -E "LD_LIBRARY_PATH=/usr/lib/$triplet/blas:/usr/lib/$triplet/lapack")
# GStreamer's helper for reading plugins is of the other architecture, so it reads them itself, into a list beside the sysroot.
export GST_REGISTRY_FORK=no
host_packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static)
packages=(
  libc6-dev libstdc++6 libssl-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstrtspserver-1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
)

say() { printf 'aarch64: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

tools() {
  command -v rustup >/dev/null || fail "no rustup here, which would get Rust's standard library for $target"
  rustup target list --installed | grep -qx "$target" || rustup target add "$target" \
    || fail "'rustup target add $target' got no standard library for $target; without one nothing can be compiled for it"
  if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64-static >/dev/null; then return; fi
  [ "${SIGHTLINE_SKIP_APT:-}" = 1 ] && fail "install ${host_packages[*]}, or leave SIGHTLINE_SKIP_APT unset"
  say "installing ${host_packages[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${host_packages[@]}" >/dev/null \
    || fail "could not install ${host_packages[*]}"
}

# apt in a state directory of its own, as if this were an arm64 machine with nothing installed: the host's package database
# is neither read nor written.
unpack_sysroot() {
  local stamp="${packages[*]}"
  if [ "$(cat "$work/stamp" 2>/dev/null)" = "$stamp" ]; then say "Debian's arm64 packages: there"; return; fi
  command -v apt-get >/dev/null || fail "no apt-get here; the arm64 packages come from Debian"
  say "fetching Debian's arm64 packages into ${sysroot#"$PWD/"}"
  rm -rf "$work"
  mkdir -p "$work"/apt/state/lists/partial "$work"/apt/cache/archives/partial "$sysroot"/usr/{bin,lib,sbin}
  : >"$work/apt/status"
  cat >"$work/apt/apt.conf" <<CONF
Dir::State "$work/apt/state";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
CONF
  APT_CONFIG=$work/apt/apt.conf apt-get update -qq || fail "apt-get got no list of arm64 packages"
  APT_CONFIG=$work/apt/apt.conf apt-get install -y -qq --download-only "${packages[@]}" >/dev/null \
    || fail "apt-get could not fetch ${packages[*]} for arm64"
  # As Debian's own root has it; without these the packages' /lib and /usr/lib would be two folders.
  local folder package
  for folder in bin lib sbin; do ln -s "usr/$folder" "$sysroot/$folder"; done
  for package in "$work"/apt/cache/archives/*.deb; do dpkg -x "$package" "$sysroot"; done
  rm -rf "$work"/apt/cache
  # A linker follows these on the host's disk and not below the sysroot.
  local link
  while IFS= read -r link; do
    ln -sfn "$sysroot$(readlink "$link")" "$link"
  done < <(find "$sysroot/usr/lib/$triplet" -maxdepth 1 -type l -lname '/*')
  printf '%s\n' "$stamp" >"$work/stamp"
}

cross() {
  env CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-Clink-arg=--sysroot=$sysroot" \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="${emulator[*]}" \
    PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_SYSROOT_DIR="$sysroot" \
    PKG_CONFIG_LIBDIR="$sysroot/usr/lib/$triplet/pkgconfig:$sysroot/usr/share/pkgconfig" \
    "$@"
}

# The same with the sysroot's headers, for build scripts that compile C.
for_aarch64() { cross env CFLAGS_aarch64_unknown_linux_gnu="--sysroot=$sysroot" "$@"; }

# The same library that `make setup` takes, of the other architecture; its version and checksum are pinned there.
onnxruntime() {
  local version sha256 folder=$work/onnxruntime
  version=$(sed -n 's/^ONNXRUNTIME_VERSION=//p' deploy/setup.sh)
  sha256=$(sed -n 's/^ *\[aarch64\]=//p' deploy/setup.sh)
  if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$sha256" ]; then return; fi
  say "fetching ONNX Runtime $version for aarch64 from PyPI"
  rm -rf "$folder"; mkdir -p "$folder"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
    --implementation cp --abi cp312 --platform manylinux_2_28_aarch64 --dest "$folder" "onnxruntime==$version" \
    || fail "could not download onnxruntime==$version for aarch64 from PyPI"
  echo "$sha256  $(ls "$folder"/onnxruntime-*.whl)" | sha256sum --check --quiet - || fail "the wheel's SHA-256 is not the pinned one"
  python3 -m zipfile -e "$folder"/onnxruntime-*.whl "$folder/wheel"
  cp "$folder/wheel/onnxruntime/capi/libonnxruntime.so.$version" "$folder/libonnxruntime.so"
  rm -rf "$folder/wheel" "$folder"/*.whl
  echo "$sha256" >"$folder/stamp"
}

tools
say "1 of 3: cargo check of the crates that need no system library"
cross cargo check --locked --target "$target"

unpack_sysroot
say "2 of 3: cargo build of the daemon"
for_aarch64 cargo build --locked --target "$target" -p sightline
program=${CARGO_TARGET_DIR:-target}/$target/debug/sightline
readelf -h "$program" | grep -q AArch64 || fail "$program is not for aarch64"

say "3 of 3: under qemu"
# ONNX Runtime asks /proc/cpuinfo what it runs on, and crashes while it is loaded where an x86 answers. Opened below the sysroot,
# the file is that of a Cortex-A76.
mkdir -p "$sysroot/proc"
for ((cpu = 0; cpu < $(nproc --all); cpu++)); do
  printf '%s\t: %s\n' processor "$cpu" 'CPU implementer' 0x41 'CPU architecture' 8 'CPU variant' 0x1 'CPU part' 0xd0b 'CPU revision' 0 \
    Features 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp'
  echo
done >"$sysroot/proc/cpuinfo"
export GST_REGISTRY=$work/registry.bin
"${emulator[@]}" "$program" --version
for_aarch64 cargo test --locked --target "$target" -p sightline-core --lib
for_aarch64 cargo test --locked --target "$target" -p sightline-media --test jetson --test jetson_without_nvvidconv
onnxruntime
export ORT_DYLIB_PATH=$work/onnxruntime/libonnxruntime.so
"${emulator[@]}" "$program" models verify ssd-mobilenet-v1-sim
say "done; what needs a board (NVIDIA's decoder, compositor, CUDA, TensorRT) is in deploy/jetson/README.md"
