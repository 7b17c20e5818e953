# shellcheck shell=bash
# What deny.toml says of the dependencies, checked with cargo-deny. Sourced by scripts/test.

# Fails when a dependency is not one that deny.toml lets in, or has a known vulnerability.
check_dependencies() {
  local deny fetched=0
  make_environment cargo-deny
  deny=$ENVIRONMENT/bin/cargo-deny
  "$deny" --locked check --hide-inclusion-graph licenses sources
  # Without what only tests use: they make databases and tokens by themselves.
  "$deny" --locked --exclude-dev check --hide-inclusion-graph bans
  # The only step that needs more of the internet than package registries. Without it, there is less to know, and nothing wrong.
  within 60 "$deny" --locked fetch db >/dev/null 2>&1 || fetched=$?
  if [ "$fetched" -ne 0 ]; then
    say "The list of advisories could not be fetched from here: no known vulnerabilities were looked for."
    return
  fi
  "$deny" --locked --offline check --hide-inclusion-graph advisories
}
