#!/usr/bin/env bash
# The unit under a real systemd: a container that boots a copy-on-write copy of this machine, in which Sightline is
# installed, started, watched, reloaded, frozen, killed, misconfigured and stopped. docs/systemd.md has what was seen.
#   sudo tests/systemd/nspawn.sh [BINARY]      run by hand: it needs root, systemd-nspawn, and a minute or two
# Needs the Debian package systemd-container and what `make setup` installs. This machine's own systemd is not touched,
# and need not be running.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=$(realpath "${1:-target/release/sightline}")
password=c4n4ry-of-the-unit
work=$(mktemp -d /tmp/sightline-nspawn.XXXXXX)
root=$work/root
container=""

say() { printf 'nspawn: %s\n' "$*" >&2; }
fail() {
  say "FAILED: $*"
  [ -n "$container" ] && inside journalctl --no-pager -u sightline -n 30 >&2 || true
  exit 1
}
inside() { nsenter --target "$leader" --all "$@"; }
shown() { inside systemctl show --value -p "$1" sightline; }
# Whether the journal has it by now. (Not through a pipe: grep -q would break it, and pipefail take that for a failure.)
told() { inside journalctl --sync; grep -q "$1" <<<"$(inside journalctl --no-pager -u sightline)"; }
is() { [ "$(shown "$1")" = "$2" ]; }
# wait_until SECONDS COMMAND… ; the time is a bound, not a measurement.
wait_until() {
  local deadline=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $deadline ] || return 1; sleep 0.2; done
}
clean_up() {
  [ -n "$container" ] && { kill "$container" 2>/dev/null || true; wait "$container" 2>/dev/null || true; }
  umount "$root" 2>/dev/null || true
  umount "$work" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

[ "$(id -u)" = 0 ] || fail "root is needed, to boot a container"
command -v systemd-nspawn >/dev/null || fail "there is no systemd-nspawn; apt-get install systemd-container"
[ -x "$binary" ] || fail "there is no $binary; run 'make build', or name another"

say "preparing a copy of this machine"
mount -t tmpfs -o size=2g tmpfs "$work"
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" overlay "$root"
: >"$root/etc/machine-id"
# What this machine starts by itself, and its folders of work, are no part of the try.
rm -f "$root"/etc/systemd/system/multi-user.target.wants/* "$root/etc/fstab"

deploy/install.sh "$binary" /usr "$root" 2>/dev/null
printf '%s\n' "$password" >"$root/etc/sightline/credentials/mqtt"
chmod 0600 "$root/etc/sightline/credentials/mqtt"
pipeline=$root/etc/sightline/pipelines/try.yaml
cat >"$pipeline" <<'YAML'
version: 1
name: try
model: {name: ssd-mobilenet-v1-sim}
mqtt: {username: edge, password: "${file:/run/credentials/sightline.service/secret_mqtt}"}
cameras:
  street:
    url: sim://street
    snapshots: {enabled: true}
YAML
printf 'listener 1883 127.0.0.1\nallow_anonymous false\npassword_file /etc/mosquitto/try.passwords\n' \
  >"$root/etc/mosquitto/conf.d/try.conf"
mosquitto_passwd -b -c "$root/etc/mosquitto/try.passwords" edge "$password"
chmod 0644 "$root/etc/mosquitto/try.passwords"
# The watchdog's half minute, shorter.
mkdir -p "$root/etc/systemd/system/sightline.service.d"
printf '[Service]\nWatchdogSec=5s\n' >"$root/etc/systemd/system/sightline.service.d/try.conf"

say "booting"
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --directory="$root" --machine="sightline-try-$$" --boot \
  --register=no --keep-unit --private-network --link-journal=no --console=pipe </dev/null >"$work/console" 2>&1 &
container=$!
has_booted() { leader=$(pgrep -P "$container") && inside systemctl is-system-running 2>/dev/null | grep -q running; }
wait_until 60 has_booted || fail "the container does not boot: $(cat "$work/console")"
say "booted $(inside systemctl --version | head -1)"
inside systemctl start mosquitto || fail "no broker"

# Wanted by somebody, the unit is not forgotten when it stops, nor how it ended.
inside systemctl enable --quiet sightline
# Frozen at once, it cannot say READY: the unit must not become active until it goes on and does.
inside systemctl start --no-block sightline
is_executed() { [ "$(inside cat "/proc/$1/comm" 2>/dev/null)" = sightline ]; }
has_begun() { main=$(shown MainPID) && is_executed "$main" && inside kill -STOP "$main"; }
wait_until 10 has_begun || fail "it does not begin"
! wait_until 5 is ActiveState active || fail "active before READY"
is ActiveState activating || fail "neither waiting for READY nor active: $(shown ActiveState)"
inside kill -CONT "$main"
wait_until 60 is ActiveState active || fail "it does not get ready"
told 'model loaded' && told 'INFO running' || fail "READY before model and broker"
say "activating while frozen, active only after READY; status: $(shown StatusText)"
inside systemctl restart sightline || fail "it does not start again"
say "READY after $(( ($(shown ActiveEnterTimestampMonotonic) - $(shown ExecMainStartTimestampMonotonic)) / 1000 )) ms"
[ "$(shown User)" = sightline ] && [ "$(inside stat -c %U /var/lib/sightline)" = sightline ] || fail "not its own user"
exposure=$(inside systemd-analyze security --no-pager sightline | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
awk -v exposure="$exposure" 'BEGIN { exit !(exposure != "" && exposure <= 2.0) }' || fail "an exposure of $exposure, more than 2.0"
complaints=$(inside systemd-analyze verify --man=no sightline.service 2>&1 | grep -i sightline || true)
[ -z "$complaints" ] || fail "systemd-analyze verify: $complaints"
say "exposure of the running unit: $exposure; systemd-analyze verify has nothing to say of it"

heard() { inside mosquitto_sub -u edge -P "$password" -t "$1" -C 1 -W 60; }
heard 'sightline/+/street/events' | grep -q '"type"' || fail "no event arrives"
heard 'sightline/+/available' | grep -q online || fail "it is not online"
say "events arrive over a broker with a password out of LoadCredential="
answer() { inside curl -s -o /dev/null -m 5 -w '%{http_code}' "http://127.0.0.1:8640$1"; }
[ "$(answer /healthz) $(answer /readyz)" = "200 200" ] || fail "/healthz $(answer /healthz), /readyz $(answer /readyz)"
say "the operations endpoint answers: healthy and ready"

alive_at() { shown WatchdogTimestampMonotonic; }
before=$(alive_at)
has_reported() { [ "$(alive_at)" -gt "$before" ]; }
wait_until 10 has_reported || fail "no keep-alive reaches the watchdog"
say "keep-alives reach the watchdog"

main=$(shown MainPID)
printf '  yard: {url: sim://street}\n' >>"$pipeline"
inside systemctl reload sightline || fail "a good configuration is not reloaded"
has_two_cameras() { is StatusText '2 cameras' && is ActiveState active; }
wait_until 20 has_two_cameras || fail "it does not come back from its reload with another camera: $(shown StatusText)"
cp "$pipeline" "$work/good.yaml"
echo 'cameras: {}' >>"$pipeline"
! inside systemctl reload sightline 2>/dev/null || fail "a wrong configuration was reloaded"
is MainPID "$main" && has_two_cameras || fail "a refused reload changed the daemon"
told '`cameras` is given twice' || fail "the journal does not say why"
heard 'sightline/+/yard/events' | grep -q '"type"' || fail "no event after a refused reload"
say "a good configuration is reloaded, a wrong one refused and told; the daemon ran on"

inside systemctl restart sightline 2>/dev/null && fail "it starts with a wrong configuration"
sleep 3   # longer than RestartSec: that nothing happens has no condition to wait for
[ "$(shown ExecMainStatus)" = 78 ] && [ "$(shown ActiveState)" = failed ] || fail "78 is not final: $(shown ExecMainStatus)"
cp "$work/good.yaml" "$pipeline"
inside systemctl start sightline || fail "it does not start again"
say "a wrong configuration ends it with 78, and it is not started over and over"

was_replaced() { ! is MainPID "$main" && ! is MainPID 0 && is ActiveState active; }
main=$(shown MainPID)
inside kill -STOP "$main"
wait_until 60 was_replaced || fail "frozen, and nobody restarts it"
told 'Watchdog timeout' || fail "it was not the watchdog"
main=$(shown MainPID)
inside kill -KILL "$main"
wait_until 60 was_replaced || fail "killed, and nobody restarts it"
say "frozen or killed, it is restarted"

heard 'sightline/+/yard/events' | grep -q '"type"' || fail "no event after the restart"
main=$(shown MainPID)
inside systemctl stop sightline
# 1 is CLD_EXITED: by itself, and not by a signal.
is ExecMainPID "$main" && is Result success && is ExecMainCode 1 && is ExecMainStatus 0 \
  || fail "it does not stop by itself: $(shown Result)"
say "stopped by itself in $(( ($(shown InactiveEnterTimestampMonotonic) - $(shown ActiveExitTimestampMonotonic)) / 1000 )) ms"
[ -n "$(inside find /var/lib/sightline -user sightline -name '*.jpg')" ] || fail "no snapshot in the state folder"
[ -n "$(inside find /var/lib/sightline -user sightline -name '*.sqlite*' -o -user sightline -name '*.db*')" ] \
  || fail "no events in the state folder: $(inside find /var/lib/sightline)"
[ "$(inside journalctl --no-pager -o export | grep -ac "$password")" = 0 ] || fail "the password is in the journal"
denied=$(inside journalctl --no-pager -u sightline | grep -ciE 'operation not permitted|permission denied|read-only file' || true)
say "lines that tell of something the sandbox refused: $denied; the password is nowhere in the journal"
say "all held"
