// SPDX-License-Identifier: GPL-2.0-or-later
// Golden images: what the kernel wrote is read back as its manifest says.
#include <catch2/catch.hpp>
#include <filesystem>

#include "core/device/block_device.h"
#include "tests/support/golden_manifest.h"
#include "tests/support/test_images.h"

namespace butterfuse::golden_images_test {
namespace {

Result<std::unique_ptr<Filesystem>> open_read_only(const std::string& image) {
  BF_ASSIGN(auto device, open_file_device(image, {.mode = OpenMode::read_only}));
  return Filesystem::open(std::move(device), {.read_only = true});
}

bool has_several_devices(const std::string& name) {
  return std::filesystem::exists(golden_dir() + "/" + name + ".1.img.zst");
}

std::string first_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(lines.size(), 10); ++i) text += "\n  " + lines[i];
  return text;
}

void check_walk(Filesystem& filesystem, const std::string& manifest, uint64_t root_id) {
  const Manifest golden = load_manifest(manifest);
  const auto differences = compare_manifests(golden, walk_manifest(filesystem, root_id));
  INFO(manifest << ": " << golden.size() << " entries, " << differences.size() << " differences"
                << first_lines(differences));
  CHECK(differences.empty());
}

}  // namespace

TEST_CASE("every single-device golden image reads as its manifest says") {
  for (const std::string& name : golden_names()) {
    if (name.starts_with("log-")) continue;  // their manifests show the state after log replay
    if (has_several_devices(name)) continue;
    const UnpackedImage image = UnpackedImage::golden(name);
    auto filesystem = open_read_only(image.devices().front());
    INFO(name << ": " << (filesystem ? "" : filesystem.error().message));
    CHECK(filesystem.has_value());
    if (!filesystem) continue;
    auto root_id = (*filesystem)->default_subvolume();
    REQUIRE(root_id.has_value());
    check_walk(**filesystem, name, *root_id);
    if (name == "subvol-default") check_walk(**filesystem, "subvol-default.sub5", objectid::kFsTree);
  }
}

TEST_CASE("golden images of several devices are refused with one line that says so") {
  for (const std::string& name : golden_names()) {
    if (!has_several_devices(name)) continue;
    const UnpackedImage image = UnpackedImage::golden(name);
    // The last one: the first of seed-sprout is a seed, a whole file system of one device.
    auto filesystem = open_read_only(image.devices().back());
    INFO(name);
    CHECK(!filesystem.has_value());
    if (filesystem) continue;
    INFO(filesystem.error().message);
    CHECK(filesystem.error().message.find("device") != std::string::npos);
    CHECK(filesystem.error().message.find('\n') == std::string::npos);
  }
}

}  // namespace butterfuse::golden_images_test
