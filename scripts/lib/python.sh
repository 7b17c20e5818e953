# shellcheck shell=bash
# Python, found or installed. Sourced by the other scripts.

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
