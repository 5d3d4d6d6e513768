#!/bin/bash
# Install the Debian packages of system.txt that are missing, or say which ones are.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
while read -r name _; do
    [[ -z "$name" || "$name" == \#* ]] && continue
    dpkg-query --show --showformat '${Status}' "$name" 2>/dev/null | grep -q ' installed$' || missing+=("$name")
done < system.txt

if ((${#missing[@]})); then
    if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        for name in "${missing[@]}"; do
            apt-get install -y -qq --no-install-recommends "$name" >/dev/null \
                || echo "not covered: $name, which this machine's package sources do not have"
        done
    else
        echo "Missing: as root, run: apt-get update && apt-get install --no-install-recommends ${missing[*]}"
        for name in "${missing[@]}"; do echo "not covered: what needs $name"; done
    fi
fi

# Installed is not yet usable: containers often close what these need.
if command -v strace >/dev/null && ! strace -qq -e trace=none true 2>/dev/null; then
    echo "not covered: fault injection (this machine does not let strace trace)"
fi
if ! unshare --user --map-current-user --mount true 2>/dev/null; then
    echo "not covered: reruns that see absolute paths (this machine does not allow namespaces)"
fi
