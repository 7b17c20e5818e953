# shellcheck shell=bash
# Node.js, found or installed, and packages from npm in folders of their own. Sourced by scripts/test.

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

# Whether the packages of the lock file in the first folder are installed in the second one.
has_node_packages() {
  # A copy of the lock file marks a folder that was completed from it.
  cmp -s "$1/package-lock.json" "$2/installed.json"
}

# Installs the packages of the lock file in the first folder in the second one, unless they are there.
install_node_packages() {
  local from=$1 folder=$2
  if has_node_packages "$from" "$folder"; then return; fi
  mkdir -p "$folder"
  cp "$from/package.json" "$from/package-lock.json" "$folder/"
  step npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
    fail "The packages of $from/package-lock.json could not be installed; the reason is above."
  cp "$from/package-lock.json" "$folder/installed.json"
}
