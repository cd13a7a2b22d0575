# SPDX-License-Identifier: GPL-2.0-or-later
# What tests 021, 022 and 154 share: working as an ordinary user, with the user's own image.
# shellcheck shell=bash
. "$XT_FOLDER/common.sh"
_require_command setpriv
_require_command unshare
_require_command fusermount3

# A folder of nobody's, with the program: others may not be open to him.
XT_USER=$(mktemp -d "${TMPDIR:-/tmp}/butterfuse-user-XXXXXX")
trap 'pkill -KILL -f "^$XT_USER/butterfuse "; rm -rf --one-file-system "$XT_USER"' EXIT
mkdir "$XT_USER/mnt" "$XT_USER/tmp"
cp "$BUTTERFUSE" "$XT_USER/butterfuse"
mknod "$XT_USER/fuse" c 10 229 && chmod 666 "$XT_USER/fuse"
chown nobody:nogroup "$XT_USER" "$XT_USER/mnt" "$XT_USER/tmp"

# _as_user COMMAND... : in a mount namespace where /dev/fuse is open to everybody; the mounts end with it
_as_user() {
  unshare --mount --propagation private sh -c '
    mount --bind "$1/fuse" /dev/fuse && cd "$1" && shift &&
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all "$@"' _ "$XT_USER" \
    env HOME="$XT_USER" TMPDIR="$XT_USER/tmp" BUTTERFUSE="$XT_USER/butterfuse" XT_IMG="$XT_USER/img" XT_MNT="$XT_USER/mnt" \
    XT_TMP="$XT_USER/tmp" XT_FOLDER="$XT_FOLDER" XT_ROOT="$XT_ROOT" XT_NOTRUN="$XT_USER/tmp/notrun" "$@"
}
_as_user test -r /dev/fuse 2> /dev/null || _notrun "an ordinary user can't open /dev/fuse here"
