# Sourced by scripts that need two empty Postgres servers of their own.
#
#   throwaway_postgres     starts them on free ports in a temporary directory, not durable unless THROWAWAY_DURABLE=yes; false where that cannot be had.
#                          What need not be durable is kept in memory where 4 GiB are free (all tests take 0.7), unless TMPDIR names a place.
#                          Exports LARDER_TEST_POSTGRES_AUTH and LARDER_TEST_POSTGRES_INVENTORY, the superuser's URLs;
#                          `scripts/dev-postgres env` speaks of these servers from then on.
#
# They are stopped and removed when the script ends, whichever way it ends short of kill -9.
# shellcheck shell=bash

throwaway_directory=
throwaway_scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Where the servers' files go. To make a database and to drop it, which every test does with two, is to make and remove three hundred files:
# a tenth of a second on a disk, a hundredth in memory.
throwaway_place() {
    local memory=/dev/shm least_kib=$((4 * 1024 * 1024)) free available
    if [ -n "${TMPDIR:-}" ]; then echo "$TMPDIR"; return; fi
    if [ "${THROWAWAY_DURABLE:-no}" = no ] && [ -d "$memory" ] && [ -w "$memory" ]; then
        free=$(df -Pk "$memory" 2>/dev/null | awk 'NR == 2 { print $4 }')
        available=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo 2>/dev/null)
        if [ "${free:-0}" -ge "$least_kib" ] && [ "${available:-0}" -ge "$least_kib" ]; then echo "$memory"; return; fi
    fi
    echo /tmp
}

throwaway_postgres() {
    throwaway_directory=$(mktemp -d "$(throwaway_place)/larder-postgres.XXXXXXXX") || return 1
    # As root the servers run as another user, who must get through here.
    chmod 755 "$throwaway_directory"
    trap throwaway_end EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    export DEV_POSTGRES_DIR=$throwaway_directory DEV_POSTGRES_AUTH_PORT=0 DEV_POSTGRES_INVENTORY_PORT=0 DEV_POSTGRES_DURABLE=${THROWAWAY_DURABLE:-no}
    unset POSTGRES_PASSWORD AUTH_OWNER_PASSWORD AUTH_APP_PASSWORD INVENTORY_OWNER_PASSWORD INVENTORY_APP_PASSWORD
    "$throwaway_scripts/dev-postgres" start || return 1
    eval "$("$throwaway_scripts/dev-postgres" superuser-env)"
}

throwaway_end() {
    local code=$?
    trap '' HUP INT TERM
    if [ -n "$throwaway_directory" ]; then
        "$throwaway_scripts/dev-postgres" stop 2>/dev/null || true
        rm -rf "$throwaway_directory"
        throwaway_directory=
    fi
    exit "$code"
}
