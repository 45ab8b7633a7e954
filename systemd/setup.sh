#!/bin/sh
# Brings node_modules to what package-lock.json says, and does nothing when it is there already.
# usage: setup.sh runtime|all|cap   (all: with what tests and checks need; cap: builds the optional module `cap`)
set -eu
cd "$(dirname "$0")/.."
wanted=$1

arch=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
# `cap` is built for the pinned Node.js, not for the one that runs npm. The first name is for npm 12, the second for older ones.
nodedir="$PWD/node_modules/node/node_modules/node-linux-$arch"
export npm_package_config_node_gyp_nodedir="$nodedir" npm_config_nodedir="$nodedir"

# A stamp is a copy of the lock file that was installed; a full installation serves `runtime` too.
is_installed() {
  for stamp in all "$1"; do
    if cmp -s package-lock.json "node_modules/.installed-$stamp" && [ -x node_modules/.bin/node ]; then return 0; fi
  done
  return 1
}

quiet_npm() { npm "$@" --loglevel=error </dev/null >/dev/null; }

install() {
  echo "Installing node_modules, which takes about a minute …" >&2
  # Without a stamp nobody knows how much of it is whole.
  if ! ls node_modules/.installed-* >/dev/null 2>&1; then rm -rf node_modules; fi
  rm -f node_modules/.installed-*
  if [ "$1" = runtime ]; then dev=--omit=dev; else dev=--include=dev; fi
  # Not `npm ci`: where a registry lacks a binding for some other platform, npm 11 calls the lock file out of date.
  # npm runs all packages' scripts at once: that of `cap` before the headers of `node` are there; and it then takes `cap` away.
  if ! { quiet_npm install --no-save --ignore-scripts "$dev" && quiet_npm rebuild node koffi; }; then
    echo "Cannot install node_modules: npm failed, see above (registry: $(npm config get registry))" >&2
    exit 1
  fi
  if [ -z "$(missing_for_cap)" ]; then build_cap || echo "Going on without cap, which only \`capture: cap\` needs." >&2; fi
  cp package-lock.json "node_modules/.installed-$1"
  if [ "$(id -u)" = 0 ]; then chown -R --reference=. node_modules; fi
}

# Debian's packages that building `cap` needs and that are not there.
missing_for_cap() {
  for tool in g++ make python3; do command -v "$tool" >/dev/null || printf ' %s' "$tool"; done
  echo '#include <pcap/pcap.h>' | cc -E -x c - >/dev/null 2>&1 || printf ' libpcap-dev'
}

is_cap_built() { node_modules/.bin/node --eval 'require("cap")' 2>/dev/null; }

build_cap() {
  quiet_npm rebuild cap && is_cap_built && return 0
  echo "Cannot build cap: see above" >&2
  return 1
}

if [ "$wanted" != cap ]; then
  is_installed "$wanted" || install "$wanted"
  exit 0
fi

# An installation that was made without it has no sources of it, either.
if ! is_installed runtime || [ ! -d node_modules/cap ]; then
  if [ -e node_modules/.installed-all ]; then install all; else install runtime; fi
fi
if is_cap_built; then exit 0; fi
missing=$(missing_for_cap)
if [ -n "$missing" ]; then
  echo "Cannot build cap: run apt-get install$missing, then this again" >&2
  exit 1
fi
build_cap
if [ "$(id -u)" = 0 ]; then chown -R --reference=. node_modules/cap; fi
