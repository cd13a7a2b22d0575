// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel began and will go on with keeps us from writing, not from reading.
#include "core/transaction/unfinished_work.h"

#include <catch2/catch.hpp>

#include "core/device/memory_device.h"
#include "core/device/shared_device.h"
#include "core/mkfs/mkfs.h"
#include "core/transaction/filesystem.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::unfinished_work_test {
namespace {

struct Image {
  std::shared_ptr<MemoryDevice> device = std::make_shared<MemoryDevice>(256u << 20);
  Image() { must(make_filesystem(*device, {})); }
  Result<std::unique_ptr<Filesystem>> open(bool read_only) {
    FilesystemOptions options;
    options.read_only = read_only;
    options.commit_interval_s = 0;
    return Filesystem::open(std::make_unique<SharedDevice>(device), options);
  }
  void put(const std::function<Tree&(Filesystem&)>& tree_of, const Key& key, ByteSpan bytes) {
    auto filesystem = must(open(false));
    {
      auto handle = must(filesystem->begin(2));
      WriteCursor cursor(tree_of(*filesystem), handle);
      must(cursor.insert(key, bytes));
    }
    must(filesystem->close());
  }
};

Tree& device_tree(Filesystem& filesystem) { return filesystem.dev_tree(); }
Tree& root_tree(Filesystem& filesystem) { return filesystem.root_tree(); }

}  // namespace

TEST_CASE("no file system is written while a device replace is started or suspended") {
  for (const uint64_t state : {0, 1, 2, 3, 4, 77}) {
    Image image;
    std::vector<std::byte> item(80);
    store(MutableByteSpan(item), le64(1));
    store(MutableByteSpan(item).subspan(32), le64(state));
    image.put(device_tree, {0, key_type::kDevReplace, 0}, item);
    const auto opened = image.open(false);
    INFO(state);
    CHECK(opened.has_value() == (state == 0 || state == 2 || state == 3));
    if (!opened) {
      CHECK(opened.error().code == EROFS);
      CHECK(opened.error().message.find("device replace") != std::string::npos);
    }
    CHECK(image.open(true));
  }
}

TEST_CASE("no file system is written that has relocation trees of a balance") {
  Image image;
  {  // the root item of any tree will do
    auto filesystem = must(image.open(true));
    const DiskRootItem item = must(filesystem->root_item(objectid::kFsTree));
    filesystem.reset();
    image.put(root_tree, {objectid::kTreeReloc, key_type::kRootItem, objectid::kFsTree}, object_bytes(item));
  }
  const auto opened = image.open(false);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == EROFS);
  CHECK(opened.error().message.find("balance") != std::string::npos);
  CHECK(image.open(true));
}

}  // namespace butterfuse::unfinished_work_test
