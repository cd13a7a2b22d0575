# SPDX-License-Identifier: GPL-2.0-or-later
# What every numbered test sources: making, mounting, checking and comparing. Functions that fail end the test.
# shellcheck shell=bash
set -u
LC_ALL=C
export LC_ALL
export BUTTERFUSE_ASSERT_PROMISES=1  # more tree blocks taken than promised ends the daemon

_fail() { echo "FAIL: $*"; exit 1; }
_notrun() { echo "$*" > "$XT_NOTRUN"; exit 0; }
_left_out() { echo "$*" >> "$XT_LEFT_OUT"; } # a part of the test can't run here; scripts/xtests says it beside the verdict
_require_kernel_btrfs() {
  grep -qw btrfs /proc/filesystems || modprobe btrfs 2>/dev/null || _notrun "this kernel has no btrfs"
}
# _until SECONDS COMMAND... : waits until it succeeds, for so long at most: a minute, where it is sure to come, for others may have
# the processors and the disks
_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.02
  done
}
_until_mounted() { _until 60 mountpoint -q "$XT_MNT" || _fail "not mounted within a minute"; }
_require_command() { command -v "$1" > /dev/null || _notrun "$1 is not installed"; }

# The kernel's caches are everybody's: of the tests that drop them, and that count on what is in them, one runs at a time.
_own_kernel_caches() { exec {caches}< "$XT_FOLDER" && flock "$caches"; }
_mkfs() { "$BUTTERFUSE" mkfs -q -f "$@" "$XT_IMG" || _fail "mkfs $*"; }

# _mount [OPTIONS] : mounts the image at $XT_MNT with these -o options
_mount() {
  "$BUTTERFUSE" mount -o "${1:-rw}" "$XT_IMG" "$XT_MNT" || _fail "mount -o ${1:-rw}"
}
_daemon_pid() { pgrep -f "^$BUTTERFUSE mount .*$XT_MNT\$" | head -n 1; }
# It has ended; whoever is its parent may be slow to take note of it. While its first thread has ended and others have not,
# it has not.
_has_ended() { # PID
  local stat
  { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 0
  [[ ${stat##*) } == Z* ]] && [ "$(ls "/proc/$1/task" 2> /dev/null | wc -l)" -le 1 ]
}
_wait_gone() { # PID
  local tries=0
  while ! _has_ended "$1"; do
    sleep 0.02
    tries=$((tries + 1))
    [ $tries -lt 6000 ] || _fail "the daemon $1 is still there 120 s after the unmount"
  done
}
_umount() {
  local pid
  pid=$(_daemon_pid)
  umount "$XT_MNT" || _fail "umount"
  [ -z "$pid" ] || _wait_gone "$pid"
}
_remount() { _umount; _mount "${1:-rw}"; }
_kill_daemon() { # SIGKILL, then clear the dead mount away
  local pid
  pid=$(_daemon_pid)
  [ -n "$pid" ] || _fail "no daemon to kill"
  kill -KILL "$pid"
  _wait_gone "$pid"
  umount -l "$XT_MNT" 2>/dev/null
}

# Both judges: ours and btrfs-progs', with every checksum. Mentioning a bad copy counts as an error.
_check() {
  "$BUTTERFUSE" check "$XT_IMG" > "$XT_TMP/check.own" 2>&1 || { cat "$XT_TMP/check.own"; _fail "butterfuse check"; }
  if command -v btrfs > /dev/null; then
    btrfs check --check-data-csum "$XT_IMG" > "$XT_TMP/check" 2>&1 || { cat "$XT_TMP/check"; _fail "btrfs check"; }
    ! grep -E "verify failed|errors found|wanted .* found" "$XT_TMP/check" || _fail "btrfs check mentions damage"
  else
    _left_out "no btrfs check: btrfs-progs is not installed"
  fi
}

# _loop_off LOOP... : detaches those that have a file of this run. What was detached before may be another test's by now.
_loop_off() {
  local loop
  for loop in "$@"; do
    case $(cat "/sys/block/${loop#/dev/}/loop/backing_file" 2> /dev/null) in
      "$XT_WORK"/* | "${XT_USER:-$XT_WORK}"/* | /dev/loop*) losetup -d "$loop" ;;
    esac
  done
}
_kernel_mount() {
  local loop=
  [ -b "$XT_IMG" ] || loop=loop,
  mount -t btrfs -o "$loop${1:-rw}" "$XT_IMG" "$XT_KERNEL_MNT" || _fail "kernel mount"
}
# The kernel lets go of a loop device some time after the unmount; mount(8) would take it for the next mount of the image.
_has_no_loop() { [ -z "$(losetup -j "$XT_IMG" 2> /dev/null)" ]; }
_kernel_umount() {
  umount "$XT_KERNEL_MNT" || _fail "kernel umount"
  [ -b "$XT_IMG" ] || _until 60 _has_no_loop || _fail "the kernel keeps a loop device of $XT_IMG"
}

# _tree_sum DIR : one line for the whole tree: types, modes, owners, sizes, times, targets and contents
_tree_sum() {
  (cd "$1" && {
    find . -mindepth 1 -printf '%P\t%y\t%#m\t%U\t%G\t%T@\t%l\n' | sort
    find . -type f -printf '%P\t%s\t%n\n' | sort
    find . -type f -print0 | sort -z | xargs -0 -r sha256sum
  }) | sha256sum
}
# _unpack PACKED TARGET : an image from .zst. Unpacked once for all tests (tests/support/test_images.cc has the same folder): it is
# mostly zeros, and a copy that leaves these out is made in a hundredth of the time.
_unpack() {
  local folder=$XT_ROOT/build/unpacked whole
  whole=$folder/$(basename "$1" .zst)
  if [ ! -e "$whole" ] || [ "$whole" -ot "$1" ]; then
    mkdir -p "$folder" && zstd -dqf --sparse "$1" -o "$whole.$$" && mv "$whole.$$" "$whole" || return
  fi
  cp --sparse=auto "$whole" "$2"
}
# _image_sum FILE... : one sum of all, for images, which are mostly zeros
_image_sum() { python3 "$XT_FOLDER/image_sum.py" "$@" || echo "no sum: $RANDOM$RANDOM$RANDOM"; }
# _same_trees A B : byte and attribute identical
_same_trees() {
  [ "$(_tree_sum "$1")" = "$(_tree_sum "$2")" ] || {
    diff -r --no-dereference "$1" "$2" | head -n 5
    _fail "the trees $3 differ"
  }
}
_kernel_sees() { # SUM : the kernel reads the same tree
  _require_kernel_btrfs
  _kernel_mount ro
  [ "$(_tree_sum "$XT_KERNEL_MNT")" = "$1" ] || _fail "the kernel reads another tree"
  _kernel_umount
}
