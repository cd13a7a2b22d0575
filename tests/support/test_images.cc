// SPDX-License-Identifier: GPL-2.0-or-later
// test_images: finding and unpacking.
#include "tests/support/test_images.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "tests/support/run_command.h"

namespace {

namespace fs = std::filesystem;

fs::path source_dir() { return fs::absolute(__FILE__).parent_path().parent_path().parent_path(); }

std::string find_dir(const char* variable, const std::string& name, const std::string& program) {
  const fs::path source = source_dir();
  const char* given = std::getenv(variable);
  fs::path dir = given != nullptr ? fs::path(given) : source.parent_path() / "shared" / name;
  if (!fs::is_directory(dir)) {
    std::cout << "SKIP: no images at " << dir << ", set " << variable << "\n";
    return {};
  }
  if (!have_program(program)) {
    std::cout << "SKIP: " << program << " is not installed\n";
    return {};
  }
  return dir.string();
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void run_or_throw(const std::vector<std::string>& arguments) {
  CommandResult result = run_command(arguments);
  if (!result.ok()) throw std::runtime_error(arguments[0] + " failed: " + result.output);
}

void unpack(const fs::path& packed, const fs::path& to) {
  run_or_throw({"zstd", "-dqf", "--sparse", packed.string(), "-o", to.string()});
}

// Of what is mostly zeros a copy that leaves them out is made in a hundredth of the time. tests/generic has
// the same folder. zstd gives what it unpacks the time of what it was packed in.
void unpack_shared(const fs::path& packed, const fs::path& to) {
  const fs::path folder = source_dir() / "build" / "unpacked";
  const fs::path whole = folder / packed.stem();
  std::error_code none;
  if (!fs::exists(whole) || fs::last_write_time(whole) < fs::last_write_time(packed)) {
    fs::create_directories(folder, none);
    if (none) return unpack(packed, to);
    const fs::path part = whole.string() + "." + std::to_string(getpid());
    unpack(packed, part);
    fs::rename(part, whole);
  }
  run_or_throw({"cp", "--sparse=auto", whole.string(), to.string()});
}

}  // namespace

std::string golden_dir() { return find_dir("BUTTERFUSE_GOLDEN", "golden", "zstd"); }
std::string corpus_dir() { return find_dir("BUTTERFUSE_CORPUS", "corpus", "xz"); }

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  const std::string end = ".0.img.zst";
  const std::string dir = golden_dir();
  if (dir.empty()) return names;
  for (const auto& entry : fs::directory_iterator(dir)) {
    std::string file = entry.path().filename().string();
    if (ends_with(file, end)) names.push_back(file.substr(0, file.size() - end.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> corpus_names(const std::string& folder) {
  std::vector<std::string> names;
  const std::string dir = corpus_dir();
  if (dir.empty() || !fs::is_directory(fs::path(dir) / folder)) return names;
  for (const auto& entry : fs::directory_iterator(fs::path(dir) / folder)) {
    std::string file = entry.path().filename().string();
    if (ends_with(file, ".tar.xz")) names.push_back(folder + "/" + file);
  }
  std::sort(names.begin(), names.end());
  return names;
}

UnpackedImage UnpackedImage::golden(const std::string& name) {
  UnpackedImage image;
  for (int device = 0;; ++device) {
    fs::path packed = fs::path(golden_dir()) / (name + "." + std::to_string(device) + ".img.zst");
    if (!fs::exists(packed)) break;
    std::string path = *image.dir_ / (std::to_string(device) + ".img");
    unpack_shared(packed, path);
    image.devices_.push_back(path);
  }
  if (image.devices_.empty()) throw std::runtime_error("no golden image " + name);
  return image;
}

UnpackedImage UnpackedImage::corpus(const std::string& name) {
  UnpackedImage image;
  run_or_throw({"tar", "-C", image.dir_->path(), "-xSJf", (fs::path(corpus_dir()) / name).string()});
  for (const auto& entry : fs::directory_iterator(image.dir_->path()))
    if (entry.is_regular_file()) image.devices_.push_back(entry.path().string());
  std::sort(image.devices_.begin(), image.devices_.end());
  if (image.devices_.empty()) throw std::runtime_error("nothing in corpus image " + name);
  return image;
}

bool is_healthy_corpus_image(const std::string& name) {
  std::ifstream index(fs::path(corpus_dir()) / "INDEX.tsv");
  for (std::string line; std::getline(index, line);) {
    std::istringstream row(line);
    std::string stem, folder, kind;
    std::getline(row, stem, '\t');
    std::getline(row, folder, '\t');
    std::getline(row, kind, '\t');
    if (folder + "/" + stem + ".tar.xz" == name) return kind == "healthy";
  }
  return false;
}
