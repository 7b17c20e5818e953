# shellcheck shell=bash
# What the scripts and the example of a runner are held to: shellcheck, and for Python ruff and mypy, as scripts/pyproject.toml
# says. Sourced by scripts/test.

# Fails unless there is shellcheck; installs it if there is none.
find_shellcheck() {
  command -v shellcheck >/dev/null && return
  say "shellcheck is not installed; trying to install it."
  if install_packages shellcheck && command -v shellcheck >/dev/null; then return; fi
  fail "shellcheck is missing, and it could not be installed from here.
Install it and run this again:
  Debian, Ubuntu:  sudo apt-get install shellcheck
  Fedora:          sudo dnf install ShellCheck
  macOS:           brew install shellcheck"
}

# Fails when a script has another format than the others, a lint, or a type that does not fit.
check_scripts() {
  local caches=${CARGO_TARGET_DIR:-target}/lint python=(scripts examples/runner/runner.py) types
  shellcheck -x .ci/run scripts/test scripts/faults scripts/bench scripts/deploy-examples scripts/console-vendor \
    scripts/console-pictures scripts/lib/*.sh
  # The types of what the scripts import are those of the versions that they run with.
  make_environment schemathesis
  types=$ENVIRONMENT/bin/python
  make_environment lint
  "$ENVIRONMENT/bin/ruff" format --quiet --check --config scripts/pyproject.toml --cache-dir "$caches/ruff" "${python[@]}"
  "$ENVIRONMENT/bin/ruff" check --quiet --config scripts/pyproject.toml --cache-dir "$caches/ruff" "${python[@]}"
  "$ENVIRONMENT/bin/mypy" --config-file scripts/pyproject.toml --cache-dir "$caches/mypy" --python-executable "$types" \
    --no-error-summary "${python[@]}"
}
