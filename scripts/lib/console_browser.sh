# shellcheck shell=bash
# The console: its sources, and what it does in a real browser. Sourced by scripts/test.

# The shell is Chromium without windows. A page took a third of the processor time in it (2026-11-28).
CHROMIUMS=(chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable)

# Sets CHROMIUM to the program, and fails unless there is one; installs it with fonts if there is none.
find_chromium() {
  local package
  has_chromium && return
  say "Chromium is not installed; trying to install it."
  for package in chromium-headless-shell chromium; do
    if install_packages "$package" fonts-noto-core fonts-noto-color-emoji && has_chromium; then return; fi
  done
  fail "Chromium is missing, and it could not be installed from here.
Install it and run this again:
  Debian:  sudo apt-get install chromium-headless-shell fonts-noto-core fonts-noto-color-emoji
  Fedora:  sudo dnf install chromium
  Ubuntu:  its package is a snap, which tests cannot drive; install Google Chrome"
}

has_chromium() {
  local name
  for name in "${CHROMIUMS[@]}"; do
    if CHROMIUM=$(command -v "$name"); then return; fi
  done
  return 1
}

# Installs what the console is checked with: the libraries that it brings, a formatter, and rules of accessibility.
install_console_packages() {
  install_node_packages scripts/lib/console_vendor "${CARGO_TARGET_DIR:-target}/console/packages"
  make_environment console
}

# Fails when a library is not what its package has, when a file has another format, or a type that does not fit the API.
check_console_sources() {
  local document=$1 from=crates/console/static folder=${CARGO_TARGET_DIR:-target}/console types
  install_console_packages
  types=$ENVIRONMENT/bin/python
  rm -rf "${folder:?}/lib"
  ./scripts/console-vendor "$folder/lib"
  diff --recursive --brief "$folder/lib" "$from/lib" ||
    fail "The libraries of the console are not those of scripts/lib/console_vendor. Write them with: ./scripts/console-vendor"
  # Without templates: where a line of one is broken, a space is lost.
  "$folder/packages/node_modules/.bin/prettier" --check --log-level=warn --print-width=120 --embedded-language-formatting=off \
    "$from/*.js" "$from/pages/*.js" scripts/lib/console_vendor/vendor.mjs
  check_console_types "$document" "$folder/packages/types"
  make_environment lint
  "$ENVIRONMENT/bin/mypy" --config-file scripts/pyproject.toml --cache-dir "${CARGO_TARGET_DIR:-target}/lint/mypy-console" \
    --python-executable "$types" --no-error-summary scripts/lib/console_tests/*.py
}

# The types of the API are made from its document, those of the libraries are in their packages.
check_console_types() {
  local document=$1 folder=$2 clients=${CARGO_TARGET_DIR:-target}/clients/typescript
  rm -rf "$folder"
  mkdir -p "$folder/lib"
  cp -r crates/console/static/*.js crates/console/static/pages "$folder/"
  cp scripts/lib/console_types/tsconfig.json "$folder/"
  cp scripts/lib/console_types/*.d.ts "$folder/lib/"
  install_node_packages scripts/lib/clients/typescript "$clients"
  "$clients/node_modules/.bin/openapi-typescript" "$document" --default-non-nullable=false --output "$folder/schema.d.ts" >/dev/null
  "$clients/node_modules/.bin/tsc" --project "$folder"
}

# Fails when a page of the console does not do its job in a browser, or docs show a picture that no test takes. The
# service has to be built. Arguments are for pytest; half of the tests want to know of a PostgreSQL: --postgres=URL
# --binaries=FOLDER.
check_console() {
  local target=${CARGO_TARGET_DIR:-target} picture
  install_console_packages
  PYTHONPATH=scripts/lib PYTHONDONTWRITEBYTECODE=1 "$ENVIRONMENT/bin/python" -m pytest -p no:cacheprovider --quiet --tb=short \
    --numprocesses=2 scripts/lib/console_tests --program "$target/debug/prediction-api" --chromium "$CHROMIUM" \
    --axe "$target/console/packages/node_modules/axe-core/axe.min.js" --pictures "$target/console/pictures" "$@" ||
    return
  for picture in docs/pictures/*.png; do
    [[ -e "$target/console/pictures/${picture##*/}" ]] || fail "No test of the console takes $picture."
  done
}
