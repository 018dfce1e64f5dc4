#!/bin/sh
# Reads a manifest, makes the bodies of its rows, and sends them: Miller for the CSV, jq for the bodies, one curl for all.
# `pipefail` is not everywhere; the server's totals say whether all went through.
set -eu
url=$1 manifest=$2 operations=$3 in_flight=$4
mlr --icsv --ojsonl -S --no-auto-unflatten cat "$manifest" |
    jq --raw-output --arg url "$url" --slurpfile operations "$operations" --from-file "$(dirname "$0")/bodies.jq" |
    curl --parallel --parallel-max "$in_flight" --silent --fail --config -
