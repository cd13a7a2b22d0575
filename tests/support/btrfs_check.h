// SPDX-License-Identifier: GPL-2.0-or-later
// btrfs_check: the oracle. Every test that makes an image ends in it.
#pragma once

#include <string>

// Says SKIP, each time, when they are not installed.
bool have_btrfs_progs();

// Empty when `btrfs check --check-data-csum` finds the image clean; else all it printed.
// Without btrfs-progs: prints SKIP once and returns empty.
std::string btrfs_check(const std::string& image);
