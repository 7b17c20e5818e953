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

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}
