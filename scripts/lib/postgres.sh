# shellcheck shell=bash
# A throw-away PostgreSQL server: found or installed, started in a folder of its own, stopped and removed. Sourced by the
# other scripts.

POSTGRES_BIN=  # the folder with initdb and pg_ctl
POSTGRES_HOME= # the folder of the running server
POSTGRES_USER= # whom to run it as, when it cannot run as the caller
POSTGRES_URL=  # how to reach it
POSTGRES_FILES= # where its files are to be, if not in that folder; the caller sets it before the server is started

# Sets POSTGRES_BIN; installs PostgreSQL if there is none.
find_postgres() {
  POSTGRES_BIN=$(postgres_bin) && return
  say "PostgreSQL's server is not installed; trying to install it."
  if install_postgres && POSTGRES_BIN=$(postgres_bin); then return; fi
  fail "PostgreSQL's server (initdb, pg_ctl, postgres) is missing, and it could not be installed from here.
Install it and run this again; it does not have to be running:
  Debian, Ubuntu:  sudo apt-get install postgresql
  Fedora:          sudo dnf install postgresql-server
  macOS:           brew install postgresql
If it is installed already, put the folder with initdb on the PATH."
}

# The first folder that has all it needs.
postgres_bin() {
  local folder
  while read -r folder; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && [ -x "$folder/postgres" ]; then
      say "$folder"
      return
    fi
  done < <(postgres_folders)
  return 1
}

# What is on the PATH, what pg_config knows, and what packages install, the newest first.
postgres_folders() {
  if command -v initdb >/dev/null; then dirname "$(readlink -f "$(command -v initdb)")"; fi
  pg_config --bindir 2>/dev/null || true
  find /usr/lib/postgresql /usr/pgsql-* /opt/homebrew/opt/postgresql* -maxdepth 2 -name bin 2>/dev/null | sort -rV
}

# Debian's package would create and start a server for the whole machine: not wanted here, so it is told not to, and for
# this installation only.
install_postgres() {
  local settings=/etc/postgresql-common/createcluster.d
  local setting=$settings/prediction-test.conf
  local status=0
  install_packages postgresql-common || return
  as_root mkdir -p "$settings" || return
  say "create_main_cluster = false" | as_root tee "$setting" >/dev/null || return
  install_packages postgresql || status=$?
  as_root rm -f "$setting"
  return "$status"
}

# Starts an empty server with these settings, and sets POSTGRES_URL. With a second argument, everything there is as in that
# locale of LOCALES: the messages, where they are translated, the order of texts, and which letter is the capital of which.
start_postgres() {
  local settings=$1 locale=${2:-C}
  # What the caller's shell says about other servers (PGHOST, PGOPTIONS, ...) is not for this one.
  local name port
  for name in ${!PG@}; do unset "$name"; done

  [ -n "$POSTGRES_HOME" ] || prepare_postgres_home
  if [ "$locale" != C ]; then
    mkdir "$POSTGRES_HOME/locales"
    cp -R "$LOCALES/$locale" "$POSTGRES_HOME/locales/"
    export LOCPATH=$POSTGRES_HOME/locales
  fi
  as_postgres "$POSTGRES_BIN/initdb" --pgdata="$POSTGRES_HOME/data" --username=postgres --auth=trust \
    --encoding=UTF8 --locale="$locale" --no-sync >"$POSTGRES_HOME/initdb.log" 2>&1 || postgres_failed initdb.log
  say "
listen_addresses = '127.0.0.1'
unix_socket_directories = '$POSTGRES_HOME'
$settings" >>"$POSTGRES_HOME/data/postgresql.conf"

  for port in $(free_ports); do
    if as_postgres "$POSTGRES_BIN/pg_ctl" start --wait --silent --pgdata="$POSTGRES_HOME/data" --options="-p $port" \
      --log="$POSTGRES_HOME/server.log" >/dev/null 2>&1; then
      # shellcheck disable=SC2034 # It is for the scripts that source this.
      POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
      unset LOCPATH
      return
    fi
  done
  postgres_failed server.log
}

# Makes the folder of a server, and sets POSTGRES_HOME and POSTGRES_USER.
prepare_postgres_home() {
  # Not in TMPDIR: the path of a socket is limited to about 100 bytes, and other users have to get in.
  POSTGRES_HOME=$(mktemp -d /tmp/prediction-test.XXXXXX)
  choose_postgres_user
  if [ -n "$POSTGRES_FILES" ]; then
    mkdir "$POSTGRES_FILES"
    ln -s "$POSTGRES_FILES" "$POSTGRES_HOME/data"
  fi
  if [ -n "$POSTGRES_USER" ]; then chown "$POSTGRES_USER" "$POSTGRES_HOME" ${POSTGRES_FILES:+"$POSTGRES_FILES"}; fi
}

# Stops and removes the server, in silence: the test runner has the last word.
stop_postgres() {
  [ -n "$POSTGRES_HOME" ] || return 0
  as_postgres "$POSTGRES_BIN/pg_ctl" stop --wait --silent --mode=immediate --pgdata="$POSTGRES_HOME/data" \
    >/dev/null 2>&1 || true
  rm -rf "$POSTGRES_HOME" ${POSTGRES_FILES:+"$POSTGRES_FILES"}
  POSTGRES_HOME=
}

# PostgreSQL refuses to run as root; then another user has to, preferably its own.
choose_postgres_user() {
  POSTGRES_USER=
  [ "$(id -u)" -eq 0 ] || return 0
  for POSTGRES_USER in postgres nobody; do
    if id "$POSTGRES_USER" >/dev/null 2>&1; then return; fi
  done
  fail "PostgreSQL cannot run as root, and there is neither a user postgres nor a user nobody. Run this as another user."
}

# Runs a command as the user of the server, in a folder that this user can enter.
as_postgres() (
  cd "$POSTGRES_HOME" || exit
  if [ -z "$POSTGRES_USER" ]; then exec "$@"; fi
  privileges=(--reuid="$(id -u "$POSTGRES_USER")" --regid="$(id -g "$POSTGRES_USER")" --clear-groups)
  if setpriv "${privileges[@]}" true 2>/dev/null; then exec setpriv "${privileges[@]}" "$@"; fi
  exec su -s /bin/sh "$POSTGRES_USER" -c "$(printf '%q ' "$@")"
)

# Some ports that nothing listens on, below those that systems give to outgoing connections. Several, because another
# process may take one before the server does.
free_ports() {
  local found=0 port
  while [ "$found" -lt 5 ]; do
    port=$((20000 + RANDOM % 12000))
    if ! (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then
      say "$port"
      found=$((found + 1))
    fi
  done
}

postgres_failed() {
  tail -n 20 "$POSTGRES_HOME/$1" >&2 || true
  fail "The PostgreSQL in $POSTGRES_BIN could not be started; its log is above."
}
