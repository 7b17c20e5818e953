# shellcheck shell=bash
# A folder in memory, for what tests write and nobody keeps. Sourced by scripts/test.
#
# Each test has a database of its own. On PostgreSQL that is some five hundred files, which took 0.6 s to make on a slow disk and
# 0.08 s in memory. What depends on a disk is judged by scripts/faults.

MEMORY= # the folder; none, where there is not enough memory for it

# What has to be free, in MiB. The tests took 525 at the most (2026-11-29).
MEMORY_NEEDED=4096

# Makes the folder, and sets MEMORY, where the system has a file system in memory, and enough is free in it, of the machine, and of
# what a container may take.
find_memory() {
  local parent=/dev/shm free limit used
  [ "$(stat --file-system --format=%T "$parent" 2>/dev/null)" = tmpfs ] && [ -w "$parent" ] || return 0
  free=$(df --output=avail --block-size=1M "$parent" | tail -n 1)
  [ "$free" -ge "$MEMORY_NEEDED" ] || return 0
  # Twice as much: programs need some, too.
  free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
  [ "$free" -ge $((2 * MEMORY_NEEDED)) ] || return 0
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null) || limit=max
  if [ "$limit" != max ]; then
    used=$(cat /sys/fs/cgroup/memory.current 2>/dev/null) || used=0
    [ $(((limit - used) >> 20)) -ge $((2 * MEMORY_NEEDED)) ] || return 0
  fi
  MEMORY=$(mktemp -d "$parent/prediction-test.XXXXXX") || return 0
  # Tests write programs, too, which some systems do not run from there.
  printf '#!/bin/sh\n' >"$MEMORY/program"
  chmod 755 "$MEMORY" "$MEMORY/program"
  if "$MEMORY/program" 2>/dev/null; then rm "$MEMORY/program"; else forget_memory; fi
}

forget_memory() {
  if [ -n "$MEMORY" ]; then rm -rf "$MEMORY"; fi
  MEMORY=
}
