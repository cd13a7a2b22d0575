// SPDX-License-Identifier: GPL-2.0-or-later
// Dumps print sound images without an error, and damaged ones without a crash, in bounded time and text.
#include "core/check/dump.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "core/ondisk/constants.h"
#include "tests/support/run_command.h"
#include "tests/support/test_images.h"

namespace butterfuse::dump_test {
namespace {

std::unique_ptr<BlockDevice> open_reader(const std::string& path) {
  auto device = open_file_device(path, {.mode = OpenMode::read_only});
  REQUIRE(device);
  return std::move(*device);
}

std::string dumped(const std::string& path, const DumpTreeOptions& options = {}) {
  std::string text;
  auto errors =
      dump_tree(one_device(open_reader(path)), options, [&](std::string_view piece) { text += piece; });
  if (!errors) FAIL_CHECK(errors.error().message);
  if (errors && *errors > 0) FAIL_CHECK(*errors << " errors");
  return text;
}

size_t count_lines(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

}  // namespace

TEST_CASE("every golden image of one device is dumped without an error") {
  for (const std::string& name : golden_names()) {
    INFO(name);
    UnpackedImage image = UnpackedImage::golden(name);
    if (image.devices().size() > 1 || name == "dup-copy0-zeroed") continue;
    std::string text = dumped(image.devices()[0]);
    CHECK(count_lines(text, "ERROR") == 0);
    CHECK(count_lines(text, "owner FS_TREE") >= 1);
  }
}

TEST_CASE("a dump has the items that btrfs-progs finds") {
  if (!have_program("btrfs") || golden_dir().empty()) {
    WARN("SKIP: needs btrfs-progs");
    return;
  }
  for (const char* name : {"subvols", "qgroups", "log-both", "old-format", "node-64k"}) {
    INFO(name);
    UnpackedImage image = UnpackedImage::golden(name);
    CommandResult theirs = run_command({"btrfs", "inspect-internal", "dump-tree", image.devices()[0]});
    REQUIRE(theirs.ok());
    std::string ours = dumped(image.devices()[0]);
    for (const char* part :
         {"\titem ", "\nleaf ", "\nnode ", "\tkey (", "INODE_ITEM", "tree block backref", "name: "}) {
      INFO(part);
      CHECK(count_lines(ours, part) == count_lines(theirs.output, part));
    }
  }
}

TEST_CASE("one tree or one block can be asked for") {
  if (golden_dir().empty()) return;
  UnpackedImage image = UnpackedImage::golden("subvols");
  const std::string& path = image.devices()[0];
  std::string chunks = dumped(path, {.tree = parse_tree_id("chunk")});
  CHECK(count_lines(chunks, "DEV_ITEM 1)") == 1);
  CHECK(count_lines(chunks, "INODE_ITEM") == 0);
  CHECK(count_lines(dumped(path, {.tree = 256}), "file tree key (256 ROOT_ITEM 0)") == 1);
  auto missing = dump_tree(one_device(open_reader(path)), {.tree = 9999}, [](std::string_view) {});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ENOENT);
  auto unmapped =
      dump_tree(one_device(open_reader(path)), {.blocks = {uint64_t{1} << 60}}, [](std::string_view) {});
  REQUIRE(unmapped);
  CHECK(*unmapped == 1);
  CHECK(parse_tree_id("-9") == objectid::kDataRelocTree);
  CHECK(parse_tree_id("18446744073709551607") == objectid::kDataRelocTree);
  CHECK_FALSE(parse_tree_id("nothing"));
}

TEST_CASE("no damaged image makes a dump crash or run away") {
  for (const char* folder : {"fuzz", "fsck", "thirdparty"})
    for (const std::string& name : corpus_names(folder)) {
      INFO(name);
      UnpackedImage image = UnpackedImage::corpus(name);
      for (const std::string& path : image.devices()) {
        auto begin = std::chrono::steady_clock::now();
        size_t bytes = 0;
        auto sink = [&](std::string_view piece) { bytes += piece.size(); };
        auto device = open_reader(path);
        (void)dump_super(*device, {.full = true, .all = true}, sink);
        (void)dump_tree(one_device(std::move(device)), {}, sink);
        CHECK(bytes < (size_t{64} << 20));
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
      }
    }
}

}  // namespace butterfuse::dump_test
