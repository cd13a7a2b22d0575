# SPDX-License-Identifier: GPL-2.0-or-later
# What tests 040 and 041 share: rounds of fsync_load.py, a crash, and two replays.
# shellcheck shell=bash
. "$XT_FOLDER/common.sh"

# _replayed MOUNTPOINT WHO SEED : the mounted tree holds what was synced; its listing goes to $XT_TMP/tree.WHO
_replayed() {
  python3 "$XT_FOLDER/fsync_load.py" verify "$1" "$XT_TMP/model" || _fail "seed $3: synced data is lost, replayed by $2"
  python3 "$XT_FOLDER/fsync_load.py" dump "$1" > "$XT_TMP/tree.$2"
}

_fsync_rounds() { # ROUNDS FIRST_SEED
  local seed kernel=1
  grep -qw btrfs /proc/filesystems || modprobe btrfs 2>/dev/null || { kernel= && _left_out "this kernel has no btrfs"; }
  [ ! -b "$XT_IMG" ] || { kernel= && _left_out "a device is not copied for the kernel"; }
  for seed in $(seq "$2" $(($2 + $1 - 1))); do
    [ -b "$XT_IMG" ] || { rm -f "$XT_IMG"; truncate -s 512M "$XT_IMG"; }
    _mkfs
    _mount commit=3600
    timeout 300 python3 "$XT_FOLDER/fsync_load.py" run "$XT_MNT" "$XT_TMP/model" "$seed" 150 || _fail "seed $seed: load"
    _kill_daemon
    [ -z "$kernel" ] || cp --sparse=always "$XT_IMG" "$XT_TMP/kernel.img"
    _mount
    _replayed "$XT_MNT" us "$seed"
    _umount
    _check
    [ -n "$kernel" ] || continue
    mount -t btrfs -o loop "$XT_TMP/kernel.img" "$XT_KERNEL_MNT" || _fail "seed $seed: kernel mount"
    _replayed "$XT_KERNEL_MNT" kernel "$seed"
    _kernel_umount
    btrfs check --check-data-csum "$XT_TMP/kernel.img" > "$XT_TMP/check" 2>&1 ||
      { cat "$XT_TMP/check"; _fail "seed $seed: btrfs check after the kernel's replay"; }
    diff "$XT_TMP/tree.us" "$XT_TMP/tree.kernel" > "$XT_TMP/diff" ||
      { head -n 5 "$XT_TMP/diff"; _fail "seed $seed: the replays differ"; }
  done
}
