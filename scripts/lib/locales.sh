# shellcheck shell=bash
# Locales in a folder of our own: nothing is changed on the machine, and no root is needed. Sourced by the other scripts.

LOCALES= # the folder with them, for LOCPATH

# Sets LOCALES to a folder with de_DE.UTF-8 and tr_TR.UTF-8; installs what they are made from if it is not there.
find_locales() {
  local name
  if ! has_locale_sources; then
    say "The descriptions of languages are not installed; trying to install them."
    install_packages locales || true
    has_locale_sources || fail "\
localedef, or the descriptions of German and Turkish in /usr/share/i18n, are missing, and could not be installed from here.
Install them and run this again:
  Debian, Ubuntu:  sudo apt-get install locales
  Fedora:          sudo dnf install glibc-locale-source"
  fi
  mkdir -p "${CARGO_TARGET_DIR:-target}/locales"
  LOCALES=$(cd "${CARGO_TARGET_DIR:-target}/locales" && pwd)
  for name in de_DE tr_TR; do
    [ -d "$LOCALES/$name.UTF-8" ] || make_locale "$name"
  done
}

# Fails unless the server in POSTGRES_BIN can speak German.
find_translations() {
  if LOCPATH=$LOCALES LC_ALL=de_DE.UTF-8 LANGUAGE='' "$POSTGRES_BIN/postgres" --help 2>/dev/null | grep -q Aufruf; then return; fi
  fail "The PostgreSQL in $POSTGRES_BIN has no German messages, so the tests under a German server cannot be run.
Debian's and Fedora's packages have them, unless the system is told to leave out /usr/share/locale, as slim containers are:
look for path-exclude in /etc/dpkg/dpkg.cfg.d, and install postgresql again without it."
}

has_locale_sources() {
  command -v localedef >/dev/null && [ -f /usr/share/i18n/locales/de_DE ] && [ -f /usr/share/i18n/locales/tr_TR ]
}

make_locale() {
  local name=$1 draft
  # Under another name until it is complete.
  draft=$LOCALES/draft.$$
  # Warnings about its description make it end with status 1, though the locale is there.
  localedef --inputfile="$name" --charmap=UTF-8 "$draft" >/dev/null 2>&1 || true
  [ -f "$draft/LC_CTYPE" ] || fail "localedef could not make the locale $name.UTF-8."
  mv "$draft" "$LOCALES/$name.UTF-8"
}
