#!/bin/sh
# Brings node_modules to what package-lock.json says, and does nothing when it is there already.
# usage: setup.sh runtime|all     (all: with what tests and checks need)
set -eu
cd "$(dirname "$0")/.."
wanted=$1

# A full installation serves `runtime` too. The stamps are copies of the lock file that was installed.
for done in all "$wanted"; do
  if cmp -s package-lock.json "node_modules/.installed-$done" && [ -x node_modules/.bin/node ]; then exit 0; fi
done

echo "Installing node_modules, which takes about a minute …" >&2
# The optional native module `cap` is built for the pinned Node.js, not for the one that runs npm.
npm_config_nodedir=$PWD/node_modules/node/node_modules/node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
export npm_config_nodedir
if [ "$wanted" = runtime ]; then omit=--omit=dev; else omit=--include=dev; fi
if ! npm ci "$omit" --loglevel=error --no-audit --no-fund </dev/null >/dev/null; then
  echo "Cannot install node_modules: npm ci failed, see above; is the npm registry reachable ($(npm config get registry))?" >&2
  exit 1
fi
cp package-lock.json "node_modules/.installed-$wanted"
