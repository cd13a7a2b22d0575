# SPDX-License-Identifier: GPL-2.0-or-later
# Devices that fail below a mount, sourced behind common.sh. Images are $XT_TMP/dev1.img, dev2.img, ...
# shellcheck shell=bash
_own_kernel_caches # they are dropped after each failure

_prepare_failing() { # compiles the library that makes calls fail
  _require_command cc
  cc -shared -fPIC -O1 -o "$XT_TMP/fail_device.so" "$XT_FOLDER/fail_device.c" -ldl 2> "$XT_TMP/cc" || _notrun "cc: $(head -n 1 "$XT_TMP/cc")"
  LD_PRELOAD=$XT_TMP/fail_device.so "$BUTTERFUSE" --version > "$XT_TMP/version" 2>&1 && ! grep -q "cannot be preloaded\|ASan runtime" "$XT_TMP/version" ||
    _notrun "this build can't have libraries preloaded"
}
_images() { # COUNT : their paths, one a line
  local i
  for i in $(seq "$1"); do echo "$XT_TMP/dev$i.img"; done
}
_new_images() { # COUNT SIZE
  rm -f "$XT_TMP"/dev*.img
  truncate -s "$2" $(_images "$1")
}
# _fail_calls DEVICE LETTERS : from now on, see fail_device.c; three dashes: as always
_fail_calls() { printf %s "$2" | dd of="$XT_TMP/control" bs=1 seek=$((($1 - 1) * 3)) conv=notrunc status=none; }
# _mount_failing OPTIONS IMAGE... : a foreground daemon with the library; its pid in $daemon, its log in $XT_TMP/log
_mount_failing() {
  local options=$1 i names
  shift
  names=$(printf '%s\n' "$@" | sed 's,.*/,,' | paste -sd:)
  head -c 4096 /dev/zero | tr '\0' - > "$XT_TMP/control"
  : > "$XT_TMP/log"
  FAIL_NAMES=$names FAIL_CONTROL=$XT_TMP/control LD_PRELOAD=$XT_TMP/fail_device.so \
    "$BUTTERFUSE" mount -f -o "$options" "$@" "$XT_MNT" > "$XT_TMP/log" 2>&1 &
  daemon=$!
  for i in $(seq 3000); do
    mountpoint -q "$XT_MNT" && return 0
    kill -0 $daemon 2> /dev/null || break
    sleep 0.02
  done
  wait $daemon
  return 1
}
_end_failing() { # unmounts; the daemon's exit status in $status
  umount "$XT_MNT" || _fail "umount"
  wait $daemon
  status=$?
}
_reads_as_before() { # NAME... : the files are the ones in $XT_TMP
  local name
  for name; do cmp "$XT_TMP/$name" "$XT_MNT/$name" || return 1; done
}
# _error_count DEVICE : all errors of the device that the file system has kept; needs the images at rest
_kept_errors() { # DEVICE COUNT : sum over reads, writes, flushes, corruptions
  "$BUTTERFUSE" inspect dump-tree -t dev $(_images "$2") 2> /dev/null |
    awk -v id="$1" '/PERSISTENT_ITEM/ {mine = ($0 ~ "PERSISTENT_ITEM " id "\\)")} mine {for (i = 1; i < NF; ++i) if ($i ~ /_errs$/) sum += $(i + 1)} END {print sum + 0}'
}

# _one_fault PROFILE COUNT DEVICE LETTERS [OPTIONS] : writes before and after the device begins to fail. Nothing may be told
# to anybody but the log, once; all is there without the device, and with it when it came back.
_one_fault() {
  local profile=$1 count=$2 device=$3 letters=$4 options=${5:-rw} what="$1, device $3 of $2, $4" lines others
  _new_images "$count" 256M
  "$BUTTERFUSE" mkfs -q -m "$profile" -d "$profile" $(_images "$count") || _fail "$what: mkfs"
  _mount_failing "$options" $(_images "$count") || { cat "$XT_TMP/log"; _fail "$what: mount"; }
  cp "$XT_TMP/before" "$XT_MNT/before" && sync "$XT_MNT/before" || echo "$what: a write before anything failed"
  _fail_calls "$device" "$letters"
  mkdir "$XT_MNT/dir" && sync "$XT_MNT/dir" || echo "$what: mkdir or its fsync"
  cp "$XT_TMP/after" "$XT_MNT/after" && sync "$XT_MNT/after" || echo "$what: a file or its fsync"
  echo text > "$XT_MNT/dir/small" && sync -f "$XT_MNT/dir/small" || echo "$what: a small file or its sync"
  echo more >> "$XT_MNT/dir/small" && sync "$XT_MNT/dir/small" || echo "$what: a change or its fsync"
  echo 1 > /proc/sys/vm/drop_caches
  _reads_as_before before after || echo "$what: reading on"
  _end_failing
  [ $status = 0 ] || { echo "$what: the daemon ended with status $status"; cat "$XT_TMP/log"; }
  lines=$(grep -c "device $device: " "$XT_TMP/log")
  [ "$lines" -ge 1 ] && [ "$lines" -le 2 ] || { echo "$what: $lines lines about it"; cat "$XT_TMP/log"; }
  others=$(_images "$count" | grep -v "dev$device.img")
  "$BUTTERFUSE" mount -o ro,degraded $others "$XT_MNT" 2> "$XT_TMP/again" || _fail "$what: degraded mount"
  _reads_as_before before after && [ "$(cat "$XT_MNT/dir/small")" = "text
more" ] || echo "$what: degraded, something is gone"
  _umount
  [ "$(_kept_errors "$device" "$count")" -gt 0 ] || echo "$what: no error was kept"
  "$BUTTERFUSE" mount $(_images "$count") "$XT_MNT" 2> "$XT_TMP/again" || { cat "$XT_TMP/again"; _fail "$what: mount with all"; }
  _reads_as_before before after && [ "$(cat "$XT_MNT/dir/small")" = "text
more" ] || echo "$what: with all, something is gone"
  "$BUTTERFUSE" scrub --state "$XT_TMP/state" "$XT_MNT" > "$XT_TMP/scrub" 2>&1
  status=$?
  [ $status -le 1 ] || { echo "$what: scrub ended with status $status"; cat "$XT_TMP/scrub"; }
  _umount
  "$BUTTERFUSE" check --check-data-csum $(_images "$count") > "$XT_TMP/check" 2>&1 || { echo "$what: not clean"; cat "$XT_TMP/check"; }
}
