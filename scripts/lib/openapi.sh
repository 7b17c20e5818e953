# shellcheck shell=bash
# Validating the OpenAPI document, with openapi-spec-validator in a Python environment of its own under the target
# folder. Sourced by scripts/test.

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
