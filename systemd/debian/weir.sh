#!/bin/sh
# Weir's command, by the Node.js that the package brings. Only the service has a cache of compiled code, which is its own:
# what its user could write, root must not run.
if [ -z "${NODE_COMPILE_CACHE:-}" ]; then export NODE_DISABLE_COMPILE_CACHE=1; fi
exec /usr/lib/weir/bin/node --max-semi-space-size=8 /usr/lib/weir/daemon/main.ts "$@"
