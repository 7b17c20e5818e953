# shellcheck shell=bash
# A certified OpenID provider for the tests (oidc-provider, from npm), in a folder of its own under the target folder. Sourced by
# scripts/test.

OIDC_PROVIDER=crates/server/tests/oidc-provider

# Whether the provider of the lock file is installed.
has_oidc_provider() {
  has_node_packages "$OIDC_PROVIDER" "${CARGO_TARGET_DIR:-target}/oidc-provider"
}

# Sets PREDICTION_TEST_OIDC_PROVIDER to the program of the provider.
install_oidc_provider() {
  local folder
  mkdir -p "${CARGO_TARGET_DIR:-target}/oidc-provider"
  folder=$(cd "${CARGO_TARGET_DIR:-target}/oidc-provider" && pwd)
  cp "$OIDC_PROVIDER/issuer.mjs" "$folder/"
  install_node_packages "$OIDC_PROVIDER" "$folder"
  export PREDICTION_TEST_OIDC_PROVIDER=$folder/issuer.mjs
}
