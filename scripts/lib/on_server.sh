# shellcheck shell=bash
# Running the PostgreSQL adapter's tests on a server, or a Citus cluster, that somebody has. Sourced by scripts/test.

ON_URL=     # of the database from which the tests make others
ON_NODES=() # of each server on which they make them
ON_BEFORE=  # the databases of tests that were there before

# What the tests call the databases that they make.
ON_DATABASES="prediction\\_(template|test|empty|encoding)\\_%"

# These tests of the contract fail on Citus, as docs/operations.md says: a lock on a version is taken on one server, so while
# others set up jobs at the same time, the number of jobs that is told when it cannot be deleted may be too small.
ON_CITUS_NOT=(
  deletion_races::a_version_deleted_during_setups_leaves_no_orphan
  deletion_races::a_version_deleted_during_updates_leaves_no_orphan
)

# Asks a server something, in lines without anything around them.
ask_server() { psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "$1" --command="$2"; }

# Sets ON_URL and ON_NODES, and says what is going to happen where.
find_server() {
  ON_URL=$1
  command -v psql >/dev/null || fail "psql is missing, which asks the server what it is. Install PostgreSQL's client."
  local facts version can_create connections has_citus nodes
  facts=$(ask_server "$ON_URL" "SELECT current_setting('server_version'), rolsuper, current_setting('max_connections'),
    EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') FROM pg_roles WHERE rolname = current_user") ||
    fail "the server of the URL cannot be asked: see above."
  IFS='|' read -r version can_create connections has_citus <<<"$facts"
  [ "$can_create" = t ] || fail "the user of the URL is no superuser, which the tests have to be: they make databases and roles."
  ON_NODES=("$ON_URL")
  if [ "$has_citus" = t ]; then
    nodes=$(ask_server "$ON_URL" "SELECT format('%s:%s', nodename, nodeport) FROM pg_dist_node
      WHERE groupid <> 0 AND noderole = 'primary' AND isactive ORDER BY groupid")
    [ -n "$nodes" ] || fail "the database of the URL has the extension citus, but knows no other server: say
SELECT citus_set_coordinator_host('this host') and SELECT citus_add_node('host', port) there, for each of them."
    local node
    for node in $nodes; do ON_NODES+=("$(sed -E "s#^([a-z]+://([^@/]*@)?)[^/?]*#\\1$node#" <<<"$ON_URL")"); done
    say "PostgreSQL $version with Citus, on ${#ON_NODES[@]} servers. The tests make databases that begin with prediction_template_, _test_,
_empty_ and _encoding_ on each of them, distribute their tables with what \`prediction-api migrate --distributed\` does, and drop them."
  else
    say "PostgreSQL $version. The tests make databases that begin with prediction_template_, _test_, _empty_ and _encoding_, and a few
roles, and drop them."
  fi
  [ "$connections" -ge 100 ] || say "The server takes $connections connections; with fewer than 100, tests may fail for that."
  ON_BEFORE=$(databases_of_tests) || fail "the server of the URL cannot be asked: see above."
}

is_cluster() { [ ${#ON_NODES[@]} -gt 1 ]; }

databases_of_tests() {
  ask_server "$ON_URL" "SELECT datname FROM pg_database WHERE datname SIMILAR TO '${ON_DATABASES}' ORDER BY datname"
}

# Drops what the tests made and left: the migrated template, and what a test that was ended could not drop.
drop_databases_of_tests() {
  [ -n "$ON_URL" ] || return 0
  local name node
  for name in $(databases_of_tests 2>/dev/null || true); do
    grep -qxF "$name" <<<"$ON_BEFORE" && continue
    for node in "${ON_NODES[@]}"; do
      PGOPTIONS="-c client_min_messages=warning" ask_server "$node" "DROP DATABASE IF EXISTS $name WITH (FORCE)" || true
    done
  done
}

# Runs the tests there; with arguments, only those that the test runner finds by them.
run_tests_on_server() {
  local name
  # shellcheck disable=SC2034 # It is for noted_tests of scripts/test.
  POSTGRES_URL=$ON_URL
  if [ $# -gt 0 ]; then
    step noted_tests server --package prediction-adapters-postgres "$@"
  elif ! is_cluster; then
    say "Running the tests of the PostgreSQL adapter."
    step adapter_tests server
  else
    say "Running the tests of the contract of the PostgreSQL adapter; the adapter's others are about plans and files of one server.
Not run, since they fail on Citus:"
    for name in "${ON_CITUS_NOT[@]}"; do say "  $name"; done
    step contract_tests server
  fi
}

# The tests of the contract, as far as they hold on Citus.
contract_tests() {
  local name except=
  case $RUNNER in
  nextest)
    for name in "${ON_CITUS_NOT[@]}"; do except+=" and not test(=contract::$name)"; done
    noted_tests "$1" --workspace --filterset "package(prediction-adapters-postgres) and test(/^contract::/) \
      and not test(of_shared_sessions)$except"
    ;;
  *)
    local skip=()
    for name in "${ON_CITUS_NOT[@]}"; do skip+=(--skip "contract::$name"); done
    noted_tests "$1" --package prediction-adapters-postgres -- contract:: --skip of_shared_sessions "${skip[@]}"
    ;;
  esac
}
