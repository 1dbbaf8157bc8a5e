#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the image: installs what the grader needs besides the osmem that lies in the zip.
set -euo pipefail

source=${AUTOGRADER_SOURCE:-/autograder/source}
osmem=${OSMEM:-$source/osmem/bin/osmem}

apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace gcc libc6-dev make

if [ ! -x "$osmem" ]; then
  echo "error: $osmem is missing: put what \`make build install PREFIX=.../osmem\` made into the zip, beside setup.sh" >&2
  exit 1
fi
# Ends the building of the image if osmem was built for a newer system than this one.
"$osmem" --version
