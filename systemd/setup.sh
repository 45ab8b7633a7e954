#!/bin/sh
# Brings node_modules to what package-lock.json says, and does nothing when it is there already.
# usage: setup.sh runtime|all     (all: with what tests and checks need)
set -eu
cd "$(dirname "$0")/.."
wanted=$1

# A stamp is a copy of the lock file that was installed; a full installation serves `runtime` too.
for stamp in all "$wanted"; do
  if cmp -s package-lock.json "node_modules/.installed-$stamp" && [ -x node_modules/.bin/node ]; then exit 0; fi
done

echo "Installing node_modules, which takes about a minute …" >&2
# Without a stamp nobody knows how much of it is whole.
if ! ls node_modules/.installed-* >/dev/null 2>&1; then rm -rf node_modules; fi
rm -f node_modules/.installed-*

if [ "$wanted" = runtime ]; then dev=--omit=dev; else dev=--include=dev; fi
# The optional native module `cap` is built for the pinned Node.js, not for the one that runs npm.
arch=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
nodedir="$PWD/node_modules/node/node_modules/node-linux-$arch"
# Not `npm ci`: where a registry lacks a binding for some other platform, npm 11 calls the lock file out of date.
if ! npm_config_nodedir=$nodedir npm install --no-save "$dev" --loglevel=error </dev/null >/dev/null; then
  echo "Cannot install node_modules: npm install failed, see above (registry: $(npm config get registry))" >&2
  exit 1
fi
cp package-lock.json "node_modules/.installed-$wanted"
if [ "$(id -u)" = 0 ]; then chown -R --reference=. node_modules; fi
