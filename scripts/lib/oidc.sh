# shellcheck shell=bash
# A certified OpenID provider for the tests (oidc-provider, from npm), in a folder of its own under the target folder. Sourced by
# scripts/test.

# Fails unless there is Node.js; installs it if there is none.
find_node() {
  has_node && return
  say "Node.js with npm is not installed; trying to install it."
  if install_packages nodejs npm && has_node; then return; fi
  fail "Node.js 18 or later with npm is missing, and it could not be installed from here.
Install it and run this again:
  Debian, Ubuntu:  sudo apt-get install nodejs npm
  Fedora:          sudo dnf install nodejs npm
  macOS:           brew install node"
}

has_node() {
  command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)' 2>/dev/null
}

# Whether the provider of the lock file is installed.
has_oidc_provider() {
  cmp -s crates/server/tests/oidc-provider/package-lock.json "${CARGO_TARGET_DIR:-target}/oidc-provider/installed.json"
}

# Sets PREDICTION_TEST_OIDC_PROVIDER to the program of the provider.
install_oidc_provider() {
  local from=crates/server/tests/oidc-provider folder
  mkdir -p "${CARGO_TARGET_DIR:-target}/oidc-provider"
  folder=$(cd "${CARGO_TARGET_DIR:-target}/oidc-provider" && pwd)
  cp "$from/issuer.mjs" "$from/package.json" "$folder/"
  # A copy of the lock file marks a folder that was completed from it.
  if ! has_oidc_provider; then
    cp "$from/package-lock.json" "$folder/"
    step npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
      fail "The packages of $from/package-lock.json could not be installed; the reason is above."
    cp "$from/package-lock.json" "$folder/installed.json"
  fi
  export PREDICTION_TEST_OIDC_PROVIDER=$folder/issuer.mjs
}
