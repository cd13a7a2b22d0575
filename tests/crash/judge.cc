// SPDX-License-Identifier: GPL-2.0-or-later
// Judging, and putting it into words.
#include "tests/crash/judge.h"

#include <fmt/format.h>

#include "core/check/checker.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::crash {
namespace {

constexpr size_t kProblemsShown = 5, kStepsShown = 20;

}  // namespace

std::vector<std::string> mount_and_compare(BlockDevices devices, const Setting& setting, const Model& model,
                                           size_t atom, bool degraded) {
  MountOptions options = setting.mount_options();
  options.degraded = options.read_only = degraded;
  auto mount = Mount::open(std::move(devices), options);
  if (!mount) return {"mount: " + mount.error().message};
  auto tree = find_tree(**mount);
  if (!tree) return {"walk: " + tree.error().message};
  std::vector<std::string> problems = model.problems(*tree, atom);
  if (const Status closed = (*mount)->close(); !closed)
    problems.push_back("unmount: " + closed.error().message);
  return problems;
}

std::vector<std::string> check_all(BlockDevices devices) {
  std::vector<std::string> problems;
  CheckOptions wanted{.data_csums = true};
  wanted.on_error = [&](const std::string& finding) { problems.push_back("check: " + finding); };
  // Of what we write nothing is odd, but superblocks that a cut left behind.
  wanted.on_warning = [&](const std::string& finding) {
    if (finding.find("superblock mirror") == std::string::npos &&
        finding.find("quota tree") == std::string::npos)
      problems.push_back("check warns: " + finding);
  };
  const auto summary = check_filesystem(std::move(devices), wanted);
  if (!summary) problems.push_back("check: " + summary.error().message);
  return problems;
}

std::string describe(const std::vector<std::string>& problems, std::span<const Step> steps,
                     const std::function<const char*(size_t)>& state_of) {
  std::string text;
  for (size_t i = 0; i < std::min(problems.size(), kProblemsShown); ++i) text += "\n    " + problems[i];
  for (size_t i = steps.size() > kStepsShown ? steps.size() - kStepsShown : 0; i < steps.size(); ++i)
    text += fmt::format("\n    step {}{}: {}", i, state_of(i), steps[i].change.to_text());
  return text;
}

void save_devices(const std::vector<std::shared_ptr<MemoryDevice>>& devices, const std::string& folder) {
  std::vector<std::byte> bytes(1 << 20);
  const std::vector<std::byte> zeros(bytes.size());
  for (size_t i = 0; i < devices.size(); ++i) {
    const std::string path = folder + "/device" + std::to_string(i);
    const uint64_t size = devices[i]->size_bytes();
    make_sparse_file(path, size);
    auto file = must(open_file_device(path, {}));
    for (uint64_t at = 0; at < size; at += bytes.size()) {
      bytes.resize(std::min<uint64_t>(bytes.size(), size - at));
      must(devices[i]->read(at, bytes));
      if (!std::equal(bytes.begin(), bytes.end(), zeros.begin()))
        must(file->write(at, bytes, WriteKind::data));
    }
  }
}

}  // namespace butterfuse::crash
