// SPDX-License-Identifier: GPL-2.0-or-later
// source_name: what a source is called wherever it is shown.
#include "core/device/source_name.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

namespace butterfuse::source_name_test {
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "butterfuse-name-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = fs::canonical(name);
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

}  // namespace

TEST_CASE("a source's name goes where the kernel goes behind a symbolic link, not where the text does") {
  const Folder folder;
  fs::create_directories(folder.path / "real/sub");
  fs::create_directories(folder.path / "other");
  fs::create_directory_symlink(folder.path / "real/sub", folder.path / "other/link");
  for (const char* name : {"real/image", "other/image"}) std::ofstream(folder.path / name) << name;
  CHECK(source_name((folder.path / "other/link/../image").string()) == (folder.path / "real/image").string());
  CHECK(source_name((folder.path / "other/../other/./image").string()) ==
        (folder.path / "other/image").string());
}

TEST_CASE("a source is shown by what is behind a link or a descriptor") {
  const Folder folder;
  const std::string image = (folder.path / "image").string(), link = (folder.path / "link").string();
  std::ofstream(folder.path / "image") << "content";
  fs::create_symlink("image", folder.path / "link");
  CHECK(source_name(link) == image);
  const int file = ::open(image.c_str(), O_RDONLY | O_CLOEXEC);
  CHECK(source_name("/dev/fd/" + std::to_string(file)) == image);
  CHECK(source_name("/proc/self/fd/" + std::to_string(file)) == image);
  fs::remove(image);
  CHECK(source_name("/dev/fd/" + std::to_string(file)) == image + " (deleted)");
  ::close(file);
}

TEST_CASE("a source that is not there keeps its name, made absolute") {
  CHECK(source_name("/none/such/../image") == "/none/such/../image");
  CHECK(source_name("no-such-image") == (fs::current_path() / "no-such-image").string());
}

}  // namespace butterfuse::source_name_test
