# SPDX-License-Identifier: GPL-2.0-or-later
# What tests 020 and 022 share: real programs at work in $XT_MNT, mounted with $options. What is not installed is left
# out (_left_out).
# shellcheck shell=bash
# shellcheck disable=SC2154  # options: of whoever sources this
. "$XT_FOLDER/common.sh"
log=$XT_TMP/programs.log
mnt=$XT_MNT
_has() { command -v "$1" > /dev/null || { _left_out "$1 is not installed"; return 1; }; }
_run() { "$@" >> "$log" 2>&1 || { tail -n 20 "$log"; _fail "$*"; }; }

_git() {
  local change
  echo "== git"
  _has git || return 0
  printf '[safe]\n\tdirectory = *\n' > "$XT_TMP/gitconfig" # the project may be another user's
  export GIT_CONFIG_GLOBAL=$XT_TMP/gitconfig GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
  _run git clone -q --no-hardlinks "$XT_ROOT" "$mnt/repo"
  cd "$mnt/repo" || _fail "cd"
  for change in 1 2 3; do
    find . -name '*.md' -exec sh -c 'echo "line" >> "$1"' _ {} \;
    _run git commit -qam "change $change"
  done
  _run git gc -q --aggressive --prune=now
  _run git fsck --full --strict
  [ -z "$(git status --porcelain)" ] || _fail "git status is not clean"
  cd /
}

_cmake_build() {
  echo "== cmake build"
  { _has cmake && _has ninja && [ -d "$mnt/repo" ]; } || return 0
  mkdir "$mnt/build"
  _run cmake -S "$mnt/repo" -B "$mnt/build" -G Ninja -DCMAKE_BUILD_TYPE=Release
  _run cmake --build "$mnt/build" --target bf_ondisk
}

_sqlite() { # in both journal modes, cut by SIGKILL
  local mode writer
  echo "== sqlite"
  python3 -c 'import sqlite3' 2> /dev/null || { _left_out "python3 has no sqlite3"; return 0; }
  for mode in wal delete; do
    python3 "$XT_FOLDER/sqlite_load.py" write "$mnt/$mode.db" $mode > "$XT_TMP/committed.$mode" &
    writer=$!
    sleep 3
    _kill_daemon
    wait $writer
    _mount "$options"
    python3 "$XT_FOLDER/sqlite_load.py" check "$mnt/$mode.db" $mode < "$XT_TMP/committed.$mode" || _fail "sqlite $mode"
  done
}

_packages() {
  local package
  echo "== packages"
  mkdir -p "$mnt/root/dev"
  _has dpkg-deb || return 0
  ls /var/cache/apt/archives/*.deb > /dev/null 2>&1 || { _left_out "there are no packages to unpack"; return 0; }
  for package in $(ls /var/cache/apt/archives/*.deb | head -n 50); do _run dpkg-deb -x "$package" "$mnt/root"; done
}

_rsync() {
  local again
  echo "== rsync"
  _has rsync || return 0
  truncate -s 1G "$mnt/root/sparse"
  cp /bin/true "$mnt/root/true" && ln "$mnt/root/true" "$mnt/root/linked"
  setfacl -m u:1:rx "$mnt/root/true" 2> /dev/null
  _run rsync -aHAXS "$mnt/root/" "$mnt/root2/"
  again=$(rsync -aHAXSni "$mnt/root/" "$mnt/root2/")
  [ -z "$again" ] || { echo "$again" | head; _fail "a second rsync finds differences"; }
  [ "$(stat -c %b "$mnt/root2/sparse")" -lt 100 ] || _fail "the sparse file is not sparse"
}

_postgresql() { # RUNNER... : a command that runs its arguments as who owns $mnt/pg, which is no root
  local postgres
  echo "== postgresql"
  postgres=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | tail -n 1)
  [ -n "$postgres" ] || { _left_out "postgresql is not installed"; return 0; }
  _run "$@" "$postgres/initdb" -D "$mnt/pg/data"
  _run "$@" "$postgres/pg_ctl" -D "$mnt/pg/data" -w -o "-k $mnt/pg -h ''" -l "$mnt/pg/log" start
  _run "$@" "$postgres/pgbench" -h "$mnt/pg" -i -s 2 postgres
  _run "$@" "$postgres/pgbench" -h "$mnt/pg" -c 4 -T 5 postgres
  _run "$@" "$postgres/pg_ctl" -D "$mnt/pg/data" -w stop
}

_overlay() {
  echo "== overlay"
  _has fuse-overlayfs || return 0
  mkdir -p "$mnt/upper" "$mnt/work" "$XT_TMP/lower" "$XT_TMP/merged"
  echo lower > "$XT_TMP/lower/a"
  echo lower > "$XT_TMP/lower/b"
  _run fuse-overlayfs -o "lowerdir=$XT_TMP/lower,upperdir=$mnt/upper,workdir=$mnt/work" "$XT_TMP/merged"
  rm "$XT_TMP/merged/a" && echo changed > "$XT_TMP/merged/b" && mkdir "$XT_TMP/merged/c"
  [ "$(cat "$XT_TMP/merged/b" "$mnt/upper/b" | sort -u)" = changed ] || _fail "overlay: b"
  [ ! -e "$XT_TMP/merged/a" ] && [ -d "$XT_TMP/merged/c" ] || _fail "overlay: a, c"
  umount "$XT_TMP/merged"
}
