#!/usr/bin/env bash
# Installs a built Sightline: `make install PREFIX=/usr DESTDIR=…`, or by hand
#   deploy/install.sh BINARY [PREFIX] [DESTDIR]
# Everything is where the program and systemd look for it without being told: program, ONNX Runtime, models with the
# weights that are ours, unit, user, folders, examples. Nothing of a configuration is overwritten.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:?the built program}
prefix=${2:-/usr/local}
root=${3:-}
runtime=.runtime/onnxruntime/lib

fail() { printf 'install: %s\n' "$*" >&2; exit 1; }
[ -x "$binary" ] || fail "there is no $binary; run 'make build' first"
[ -s "$runtime/libonnxruntime.so" ] || fail "there is no ONNX Runtime in $runtime; run 'make setup' first"

folder() { install -d -m "${2:-0755}" "$root$1"; }
file() { install -D -m "${3:-0644}" "$1" "$root$2"; }

file "$binary" "$prefix/bin/sightline" 0755
for library in "$runtime"/*.so*; do
  file "$library" "$prefix/lib/sightline/$(basename "$library")"
done
# Other kinds of libraries, where `make setup-openvino` or `make setup-gpu` has fetched them.
for kind in openvino onnxruntime-openvino onnxruntime-gpu; do
  for library in .runtime/"$kind"/lib/*; do
    [ -e "$library" ] && file "$library" "$prefix/lib/sightline/$kind/$(basename "$library")"
  done
done
while IFS= read -r path; do
  file "$path" "$prefix/share/sightline/$path"
done < <(find models -type f ! -name '*.svg' ! -name README.md)

for example in pipelines/*.yaml systemd/sightline-devices.conf docs/systemd.md; do
  file "$example" "$prefix/share/doc/sightline/$(basename "$example")"
done

# The unit names the program by its whole path.
folder "$prefix/lib/systemd/system"
sed "s|/usr/bin/sightline|$prefix/bin/sightline|" systemd/sightline.service \
  >"$root$prefix/lib/systemd/system/sightline.service"
file systemd/sysusers.conf "$prefix/lib/sysusers.d/sightline.conf"
file systemd/tmpfiles.conf "$prefix/lib/tmpfiles.d/sightline.conf"
folder /etc/sightline/pipelines 0750
folder /etc/sightline/credentials 0700

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemd-sysusers "$prefix/lib/sysusers.d/sightline.conf"
  systemd-tmpfiles --create "$prefix/lib/tmpfiles.d/sightline.conf"
  systemctl daemon-reload
fi
printf 'install: done; pipeline files go into /etc/sightline/pipelines, then: systemctl enable --now sightline\n' >&2
