// SPDX-License-Identifier: GPL-2.0-or-later
// ImageFiles: a folder with image files for subcommands: file systems, and disks with partitions.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "core/mkfs/mkfs.h"
#include "tests/support/mkfs_image.h"
#include "tests/support/temp_dir.h"

struct ImageFiles {
  static constexpr uint64_t kMiB = 1 << 20;
  TempDir folder;

  std::string at(const std::string& name) const { return folder / name; }
  // All hole.
  std::string sparse(const std::string& name, uint64_t bytes = 128 * kMiB) const {
    make_sparse_file(at(name), bytes);
    return at(name);
  }
  std::string filesystem(const std::string& name, const butterfuse::MkfsOptions& options = {}) const {
    const std::string path = sparse(name);
    const auto device = must(butterfuse::open_file_device(path, {}));
    must(make_filesystem(*device, options));
    return path;
  }
  // A disk with one partition (MBR), of 64 MiB at 1 MiB.
  std::string disk(const std::string& name) const {
    const std::string path = sparse(name);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(446);
    const unsigned char entry[] = {0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0, 2, 0};
    file.write(reinterpret_cast<const char*>(entry), sizeof entry);
    file.seekp(510);
    file.write("\x55\xaa", 2);
    return path;
  }
};
