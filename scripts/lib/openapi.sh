# shellcheck shell=bash
# Validating the OpenAPI document. Sourced by scripts/test.

# Fails unless the file is a valid OpenAPI document.
check_openapi() {
  local document=$1
  [ -f "$document" ] || fail "$document is missing. Write it with: cargo run --locked -- openapi > $document"
  make_environment openapi
  "$ENVIRONMENT/bin/python" -m openapi_spec_validator "$document"
}
