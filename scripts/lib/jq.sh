# shellcheck shell=bash
# jq, which the commands of the tutorial take ids out of answers with: the tests run them as they are printed. Sourced by the
# other scripts.

has_jq() { command -v jq >/dev/null; }

# Fails unless there is jq; installs it if there is none.
find_jq() {
  has_jq && return
  say "jq is not installed; trying to install it."
  if install_packages jq && has_jq; then return; fi
  fail "jq is missing, and it could not be installed from here.
Install it and run this again:
  Debian, Ubuntu:  sudo apt-get install jq
  Fedora:          sudo dnf install jq
  macOS:           brew install jq"
}
