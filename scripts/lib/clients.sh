# shellcheck shell=bash
# Clients that others generate from the OpenAPI document, in TypeScript and in Python. Sourced by scripts/test.

# Installs the generators, and what the programs that use their types are checked with.
install_client_generators() {
  install_node_packages scripts/lib/clients/typescript "${CARGO_TARGET_DIR:-target}/clients/typescript"
  make_environment clients
}

# Fails when a generator does not understand the document, or when a program that does what clients do does not fit the types that
# it makes. docs/clients.md has the same commands.
check_clients() {
  local document=$1 from=scripts/lib/clients folder=${CARGO_TARGET_DIR:-target}/clients types
  install_client_generators
  types=$ENVIRONMENT/bin/python
  make_environment lint

  cp "$from/typescript/smoke.ts" "$from/typescript/tsconfig.json" "$folder/typescript/"
  "$folder/typescript/node_modules/.bin/openapi-typescript" "$document" --default-non-nullable=false \
    --output "$folder/typescript/api.ts" >/dev/null
  "$folder/typescript/node_modules/.bin/tsc" --project "$folder/typescript" --noEmit

  mkdir -p "$folder/python"
  cp "$from/python/smoke.py" "$folder/python/"
  "$types" -m datamodel_code_generator --input "$document" --input-file-type openapi --use-annotated \
    --target-python-version 3.11 --formatters builtin --disable-timestamp --output "$folder/python/prediction_api.py"
  if grep -E '^class [A-Za-z]*[0-9]' "$folder/python/prediction_api.py"; then
    fail "The types above have no name in $document: a generator had to invent one."
  fi
  "$ENVIRONMENT/bin/mypy" --config-file scripts/pyproject.toml --cache-dir "${CARGO_TARGET_DIR:-target}/lint/mypy-clients" \
    --python-executable "$types" --no-error-summary "$folder/python/smoke.py" "$folder/python/prediction_api.py"
}
