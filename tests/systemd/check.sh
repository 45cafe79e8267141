#!/usr/bin/env bash
# What can be said of the unit without starting it: installed into an empty folder, every path in it is there,
# `systemd-analyze verify` is silent, and `systemd-analyze security` gives at most 2.0. Part of `make test`.
# tests/systemd/nspawn.sh runs it under a real systemd.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf 'systemd: %s\n' "$*" >&2; }
fail() { say "FAILED: $*"; exit 1; }
if ! command -v systemd-analyze >/dev/null; then
  say "SKIPPED: systemd-analyze is not here (Debian package systemd)"
  exit 0
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
target=${CARGO_TARGET_DIR:-target}
binary=$target/release/sightline
[ -x "$binary" ] || binary=$target/debug/sightline
[ -x "$binary" ] || fail "there is neither $target/release/sightline nor $target/debug/sightline; build it first"

# Silent about the unit, as installed, with its programs where they are now.
verify() {
  sed "s|\([= ]\)$prefix/bin/sightline|\1$root$prefix/bin/sightline|" "$1" >"$root/sightline.service"
  local complaints
  # It reads what the unit refers to as well; only what it says of ours counts.
  complaints=$(systemd-analyze verify --man=no "$root/sightline.service" 2>&1 | grep -i 'sightline\|devices' || true)
  [ -z "$complaints" ] || fail "$prefix: systemd-analyze verify: $complaints"
}

# Two prefixes: that of a package, and that of `make install`.
for prefix in /usr /usr/local; do
  rm -rf "${root:?}"/*
  deploy/install.sh "$binary" "$prefix" "$root" 2>/dev/null
  unit=$root$prefix/lib/systemd/system/sightline.service

  # Programs of the unit (what a line goes on with is one as well), and the folders that it names or has made.
  programs=$(grep -oE '^(Exec[A-Za-z]*=[+]?|  )/[^ ]+' "$unit" | sed 's|^[^/]*||')
  [ "$(grep -c "^$prefix/bin/sightline$" <<<"$programs")" = 2 ] || fail "$prefix: another program is run: $programs"
  for program in $programs; do
    [ "$program" = "$prefix/bin/sightline" ] && program=$root$program
    [ -x "$program" ] || fail "$prefix: the unit runs $program, which is not there"
  done
  for path in /etc/sightline/pipelines /etc/sightline/credentials; do
    grep -q "$path" "$unit" && [ -d "$root$path" ] || fail "$prefix: $path is not in the unit or not installed"
  done
  mode=$(stat -c %a "$root/etc/sightline/credentials")
  [ "$mode" = 700 ] || fail "$prefix: others may look into /etc/sightline/credentials ($mode)"

  # The program finds what was installed with it, with nothing said.
  described=$(cd / && env -i HOME=/nonexistent "$root$prefix/bin/sightline" models list 2>&1) \
    || fail "$prefix: the installed program does not run: $described"
  grep -q ssd-mobilenet-v1-sim <<<"$described" || fail "$prefix: the installed models are not found: $described"
  picture=$root$prefix/share/sightline/models/ssd-mobilenet-v1-sim/reference/street.jpg
  (cd / && env -i HOME=/nonexistent "$root$prefix/bin/sightline" detect --model ssd-mobilenet-v1-sim "$picture") \
    | grep -q '"label":"person"' || fail "$prefix: the installed program finds nobody in $picture"

  verify "$unit"
  exposure=$(systemd-analyze security --offline=true --no-pager "$unit" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
  [ -n "$exposure" ] || fail "systemd-analyze security gives no figure"
  awk -v exposure="$exposure" 'BEGIN { exit !(exposure <= 2.0) }' || fail "$prefix: an exposure of $exposure, more than 2.0"
done

# The drop-in, where an administrator puts it, gives devices and leaves the rest as it is.
install -D -m 0644 systemd/sightline-devices.conf "$root/sightline.service.d/devices.conf"
verify "$unit"
say "exposure $exposure; verified as installed into /usr and /usr/local"
