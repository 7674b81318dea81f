#!/bin/sh
# Fails for the worker whose number is in the file sick.
test "$(cat sick 2>/dev/null)" != "$NODE_APP_INSTANCE" || { echo "instance $NODE_APP_INSTANCE is sick"; exit 3; }
