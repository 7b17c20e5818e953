# shellcheck shell=bash
# Installing what is missing, where that is possible without asking. Sourced by the other
# scripts.

# Installs Debian packages; fails where there is no apt-get or where it would need a password.
install_packages() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null || return 1
  local log status=0
  log=$(mktemp)
  {
    as_root apt-get update && as_root apt-get install --yes --no-install-recommends "$@"
  } </dev/null >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then tail -n 5 "$log" >&2; fi
  rm -f "$log"
  return "$status"
}

# The same, of something that would start a service of the machine when it is installed: not wanted here, so it is told not to,
# and for this installation only (/usr/share/doc/init-system-helpers/README.policy-rc.d.gz).
install_packages_at_rest() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [ -e "$policy" ]; then
    install_packages "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null 2>&1 || return
  as_root chmod 755 "$policy"
  install_packages "$@" || status=$?
  as_root rm -f "$policy"
  return "$status"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}
