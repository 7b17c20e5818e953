# shellcheck shell=bash
# Validating the OpenAPI document, with openapi-spec-validator in a Python environment of its own under the target
# folder. Sourced by scripts/test.

PYTHON=

# Sets PYTHON to one that can make environments; installs it if there is none.
find_python() {
  PYTHON=$(python_with_venv) && return
  say "Python with venv is not installed; trying to install it."
  if install_packages python3 python3-venv && PYTHON=$(python_with_venv); then return; fi
  fail "Python 3.10 or later with venv is missing, and it could not be installed from here.
Install it and run this again:
  Debian, Ubuntu:  sudo apt-get install python3 python3-venv
  Fedora:          sudo dnf install python3
  macOS:           brew install python"
}

python_with_venv() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
      say "$python"
      return
    fi
  done
  return 1
}

# Fails unless the file is a valid OpenAPI document.
check_openapi() {
  local document=$1 environment
  environment=${CARGO_TARGET_DIR:-target}/openapi-validator
  [ -f "$document" ] || fail "$document is missing. Write it with: cargo run --locked -- openapi > $document"
  # A copy of the list marks an environment that was completed from it.
  if ! cmp -s scripts/requirements.txt "$environment/requirements.txt" ||
    ! "$environment/bin/python" -c '' 2>/dev/null; then
    rm -rf "$environment"
    "$PYTHON" -m venv "$environment" || fail "Python's venv does not work; the reason is above."
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --requirement scripts/requirements.txt ||
      fail "The packages of scripts/requirements.txt could not be installed; the reason is above."
    cp scripts/requirements.txt "$environment/requirements.txt"
  fi
  "$environment/bin/python" -m openapi_spec_validator "$document"
}
