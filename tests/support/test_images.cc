// SPDX-License-Identifier: GPL-2.0-or-later
// test_images: finding and unpacking.
#include "tests/support/test_images.h"

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

std::string find_dir(const char* variable, const std::string& name, const std::string& program) {
  fs::path source = fs::absolute(__FILE__).parent_path().parent_path().parent_path();
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
    run_or_throw({"zstd", "-dq", "--sparse", packed.string(), "-o", path});
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
