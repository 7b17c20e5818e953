# shellcheck shell=bash
# Whether the service is what its OpenAPI document says, with schemathesis. Sourced by scripts/test.

# Fails when one of many thousand requests, made from the document, is answered otherwise than the document says. The service has
# to be built, and PostgreSQL to run.
check_conformance() {
  make_environment schemathesis
  PYTHONPATH=scripts/lib PYTHONDONTWRITEBYTECODE=1 "$ENVIRONMENT/bin/python" -m conformance \
    --program "${CARGO_TARGET_DIR:-target}/debug/prediction-api" --postgres "$POSTGRES_URL" --binaries "$POSTGRES_BIN"
}
