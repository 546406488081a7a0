#!/usr/bin/env bash
# Fetches the products that PyPI does not have, for tests/foreign: Vendure from npm, WordPress from Debian. They go into
# a cache folder outside the tree; nothing is installed into the system.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/customer-export/foreign"
mkdir -p "$cache"

# npm ci checks every package against the integrity hashes of the lock file.
if ! cmp -s "$here/npm/package-lock.json" "$cache/package-lock.json.done"; then
  cp "$here/npm/package.json" "$here/npm/package-lock.json" "$here/npm/.npmrc" "$cache/"
  npm ci --prefix "$cache" --userconfig "$cache/.npmrc" --loglevel=error
  cp "$here/npm/package-lock.json" "$cache/package-lock.json.done"
fi

# Only the files: the package itself would bring a web server and PHP, and the tests read WordPress' schema, not run it.
if [ ! -d "$cache/wordpress" ] && [ ! -d /usr/share/wordpress ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  chmod 755 "$folder"
  (cd "$folder" && { apt-get download -qq wordpress || { apt-get update -qq && apt-get download -qq wordpress; }; })
  dpkg-deb -x "$folder"/wordpress_*.deb "$folder/wordpress"
  mv "$folder/wordpress" "$cache/wordpress"
fi
