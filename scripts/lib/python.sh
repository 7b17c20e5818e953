# shellcheck shell=bash
# Python, found or installed, and environments for programs written in it. Sourced by the other scripts.

PYTHON=
ENVIRONMENT=

# Sets PYTHON to one that can make environments; installs it if there is none.
find_python() {
  PYTHON=$(python_with_venv) && return
  say "Python with venv is not installed; trying to install it."
  if install_packages python3 python3-venv && PYTHON=$(python_with_venv); then return; fi
  # Ubuntu 22.04 has an older one by that name, and this one beside it.
  if install_packages python3.11 python3.11-venv && PYTHON=$(python_with_venv); then return; fi
  fail "Python 3.11 or later with venv is missing, and it could not be installed from here.
Install it and run this again:
  Debian, Ubuntu:  sudo apt-get install python3 python3-venv (Ubuntu 22.04: python3.11 python3.11-venv)
  Fedora:          sudo dnf install python3
  macOS:           brew install python"
}

python_with_venv() {
  local python
  for python in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      say "$python"
      return
    fi
  done
  return 1
}

# Sets ENVIRONMENT to a Python environment with the packages of that list in scripts/requirements, under the target folder.
# Makes it unless it is there.
make_environment() {
  local list=scripts/requirements/$1.txt
  ENVIRONMENT=${CARGO_TARGET_DIR:-target}/python/$1
  # A copy of the list marks an environment that was completed from it.
  if cmp -s "$list" "$ENVIRONMENT/requirements.txt" && "$ENVIRONMENT/bin/python" -c '' 2>/dev/null; then return; fi
  rm -rf "$ENVIRONMENT"
  "$PYTHON" -m venv "$ENVIRONMENT" || fail "Python's venv does not work; the reason is above."
  "$ENVIRONMENT/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$list" ||
    fail "The packages of $list could not be installed; the reason is above."
  cp "$list" "$ENVIRONMENT/requirements.txt"
}
