# shellcheck shell=bash
# PgBouncer, found or installed. Sourced by the other scripts.

# shellcheck disable=SC2034 # It is for the scripts that source this.
PGBOUNCER= # the program

# Sets PGBOUNCER; installs it if there is none.
# shellcheck disable=SC2034
find_pgbouncer() {
  PGBOUNCER=$(pgbouncer_program) && return
  say "PgBouncer is not installed; trying to install it."
  if install_packages_at_rest pgbouncer && PGBOUNCER=$(pgbouncer_program); then return; fi
  fail "PgBouncer is missing, and it could not be installed from here.
Install it and run this again; it does not have to be running:
  Debian, Ubuntu:  sudo apt-get install pgbouncer
  Fedora:          sudo dnf install pgbouncer
  macOS:           brew install pgbouncer"
}

# It is installed where only root looks for programs.
pgbouncer_program() {
  PATH=$PATH:/usr/sbin:/usr/local/sbin command -v pgbouncer
}
