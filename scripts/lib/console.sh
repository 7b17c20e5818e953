# shellcheck shell=bash
# Saying what happens, and running the steps. Sourced by the other scripts.

say() { printf '%s\n' "$*"; }

fail() {
  printf 'scripts/%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Runs a command in a process group of its own and waits for it, with its exit status.
#
# Bash runs traps only between foreground commands: without this, a script that is told to stop in the middle of the
# tests would leave them running, and stop the server only when they are through.
step() {
  local status=0
  set -m
  "$@" </dev/null &
  STEP=$!
  set +m
  wait "$STEP" || status=$?
  STEP=
  return "$status"
}

STEP=

# Ends the step that is running, if one is: politely, and after 12 seconds (nextest gives its tests 10) for good.
stop_step() {
  [ -n "$STEP" ] || return 0
  local tries=120
  kill -TERM -- "-$STEP" 2>/dev/null || true
  while [ "$tries" -gt 0 ] && kill -0 -- "-$STEP" 2>/dev/null; do
    sleep 0.1
    tries=$((tries - 1))
  done
  kill -KILL -- "-$STEP" 2>/dev/null || true
  wait "$STEP" 2>/dev/null || true
}

# Runs a command for so many seconds at the most, where there is a command for that.
within() {
  local seconds=$1
  shift
  if command -v timeout >/dev/null; then timeout "$seconds" "$@"; else "$@"; fi
}
