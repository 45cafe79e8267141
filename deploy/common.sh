# What the set-up scripts share. Sourced, with the project's folder as the current one.
# shellcheck shell=bash

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
  command -v apt-get >/dev/null || fail "no apt-get here; install by hand: $*"
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

# is_fetched FOLDER FILE STAMP: whether FOLDER/lib has FILE and was filled by a script of the same STAMP.
is_fetched() { [ -s "$1/lib/$2" ] && [ "$(cat "$1/stamp" 2>/dev/null)" = "$3" ]; }

# install_from_wheel PACKAGE VERSION PLATFORM SHA256 FOLDER STAMP PATTERN[=NAME]…
# Fetches a wheel from PyPI and puts those of its files whose path inside matches a PATTERN into FOLDER/lib, as NAME where
# one is given. Each file is put there whole or not at all, and the stamp last.
install_from_wheel() {
  local package=$1 version=$2 platform=$3 sha256=$4 folder=$5 stamp=$6
  shift 6
  say "fetching $package $version from PyPI"
  python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
  local work; work=$(mktemp -d)
  local try
  for try in 1 2 3; do
    # One fixed wheel whatever Python runs this: only the libraries inside are taken.
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
      --implementation cp --abi cp312 --abi none --platform "$platform" --dest "$work" "$package==$version" && break
    [ "$try" = 3 ] && { rm -rf "$work"; fail "could not download $package==$version from PyPI"; }
    say "download failed (try $try of 3); trying again"
    sleep 3
  done
  local wheel; wheel=$(ls "$work"/*.whl)
  echo "$sha256  $wheel" | sha256sum --check --quiet - || { rm -rf "$work"; fail "the wheel's SHA-256 is not the pinned one; not using it"; }
  rm -f "$folder/stamp"
  mkdir -p "$folder/lib"
  python3 - "$wheel" "$folder/lib" "$@" <<'PYTHON'
import fnmatch, os, shutil, sys, zipfile
wheel, folder, *wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for entry in wanted:
        pattern, _, renamed = entry.partition("=")
        inside = fnmatch.filter(archive.namelist(), pattern)
        if not inside:
            sys.exit(f"setup: {os.path.basename(wheel)} has no {pattern}")
        for name in inside:
            path = os.path.join(folder, renamed or os.path.basename(name))
            with archive.open(name) as source, open(path + ".part", "wb") as file:
                shutil.copyfileobj(source, file)
            os.replace(path + ".part", path)
PYTHON
  echo "$stamp" >"$folder/stamp"
  rm -rf "$work"
  say "$package $version is in $folder/lib"
}
