// SPDX-License-Identifier: GPL-2.0-or-later
// Setting: choosing from the seed.
#include "tests/seams/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace butterfuse::seams {
namespace {

using Weights = std::initializer_list<std::pair<Act, unsigned>>;

std::vector<unsigned> weights(unsigned others, Weights special) {
  std::vector<unsigned> result(static_cast<size_t>(Act::count), others);
  for (const auto& [act, weight] : special) result[static_cast<size_t>(act)] = weight;
  return result;
}

std::vector<Style> make_styles() {
  std::vector<Style> styles;
  Style mixed{.name = "mixed",
              .weights = weights(4, {{Act::write, 12},
                                     {Act::append, 8},
                                     {Act::store, 10},
                                     {Act::read, 8},
                                     {Act::fsync, 8},
                                     {Act::odd_fallocate, 1},
                                     {Act::drop_caches, 0},
                                     {Act::reopen, 2}})};
  styles.push_back(mixed);
  Style solo = mixed;
  solo.name = "solo", solo.zones = 1, solo.files = 3, solo.threads = 3, solo.calls = 80;
  styles.push_back(solo);
  styles.push_back({.name = "appends",
                    .weights = weights(0, {{Act::append, 40},
                                           {Act::store, 30},
                                           {Act::write, 8},
                                           {Act::fsync, 30},
                                           {Act::fdatasync, 8},
                                           {Act::msync, 4},
                                           {Act::start_writeback, 20},
                                           {Act::commit, 1},
                                           {Act::truncate, 2},
                                           {Act::read, 2}}),
                    .files = 1,
                    .zones = 4,
                    .threads = 3,
                    .name_threads = 0,
                    .file_bytes = 768 << 10,
                    .call_bytes = 8 << 10,
                    .calls = 100});
  styles.push_back({.name = "copies",
                    .weights = weights(1, {{Act::copy, 40},
                                           {Act::write, 6},
                                           {Act::append, 4},
                                           {Act::truncate, 8},
                                           {Act::fsync, 10},
                                           {Act::commit, 25},
                                           {Act::drop_caches, 0},
                                           {Act::odd_fallocate, 0}}),
                    .files = 2,
                    .zones = 3,
                    .threads = 3,
                    .name_threads = 1,
                    .file_bytes = 6 << 20,
                    .call_bytes = 2 << 20,
                    .calls = 30});
  styles.push_back({.name = "names",
                    .weights = weights(1, {{Act::fsync, 6}, {Act::commit, 3}, {Act::drop_caches, 0}}),
                    .files = 1,
                    .zones = 1,
                    .threads = 1,
                    .name_threads = 3,
                    .file_bytes = 64 << 10,
                    .calls = 50});
  styles.push_back({.name = "ranges",
                    .weights = weights(2, {{Act::punch, 15},
                                           {Act::zero, 15},
                                           {Act::preallocate, 12},
                                           {Act::truncate, 12},
                                           {Act::copy, 10},
                                           {Act::write, 15},
                                           {Act::append, 8},
                                           {Act::fsync, 12},
                                           {Act::drop_caches, 0}}),
                    .files = 2,
                    .zones = 2,
                    .threads = 2,
                    .calls = 60});
  return styles;
}

std::string compression(Random& random) {
  const std::string name = random.chance(60) ? "compress" : "compress-force";
  return name + "=" +
         random.pick<const char*>({"zlib", "zlib:1", "lzo", "zstd", "zstd:1", "zstd:12", "zstd:-5"});
}

std::string join(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

}  // namespace

const char* name_of(Act act) {
  static constexpr const char* kNames[] = {
      "write",  "append",     "store",       "direct_write",  "aio",        "sync_write",
      "punch",  "zero",       "preallocate", "odd_fallocate", "copy",       "truncate",
      "read",   "seek",       "fsync",       "fdatasync",     "msync",      "start_writeback",
      "commit", "drop_pages", "drop_caches", "chattr",        "defragment", "reopen"};
  static_assert(std::size(kNames) == static_cast<size_t>(Act::count));
  return kNames[static_cast<size_t>(act)];
}

const std::vector<Style>& all_styles() {
  static const std::vector<Style> styles = make_styles();
  return styles;
}

CourseSetting::CourseSetting(uint64_t number, bool never_full) : seed(number) {
  Random random(seed * 2);
  if (random.chance(60))
    mkfs.insert(mkfs.end(), {"-n", random.pick<const char*>({"4k", "8k", "32k", "64k"})});
  if (random.chance(30)) mkfs.insert(mkfs.end(), {"-O", "^no-holes"});
  if (random.chance(15)) mkfs.insert(mkfs.end(), {"-O", "^block-group-tree"});
  if (random.chance(15)) mkfs.insert(mkfs.end(), {"-O", "^free-space-tree"});
  if (random.chance(25))
    mkfs.insert(mkfs.end(), {"--csum", random.pick<const char*>({"xxhash", "sha256", "blake2"})});
  if (random.chance(30)) mkfs.insert(mkfs.end(), {"-m", "single"});
  if (random.chance(15)) {
    mkfs.insert(mkfs.end(), {"-d", "dup"});
    image_bytes = 256 << 20;
  }
  if (random.chance(25) && !never_full) leave_bytes = random.pick<uint64_t>({256 << 10, 1 << 20, 4 << 20});
}

std::string CourseSetting::text() const {
  return fmt::format("mkfs {} of {} MiB{}", join(mkfs, " "), image_bytes >> 20,
                     fills() ? fmt::format(", {} KiB of it left", leave_bytes >> 10) : "");
}

LifeSetting::LifeSetting(const CourseSetting& course, int number, const std::string& only_style,
                         const std::vector<std::string>& without)
    : seed(course.seed * 1000 + static_cast<uint64_t>(number)) {
  Random random(seed * 2 + 1);
  std::vector<std::string> words;
  if (random.chance(20))
    words.emplace_back(random.pick<const char*>({"nodatacow", "nodatasum"}));
  else if (random.chance(55))
    words.push_back(compression(random));
  // On a full file system the kernel's cache takes what there is no room for:
  // what is promised then is another story.
  writeback_cache = random.chance(25) && !course.fills();
  if (writeback_cache) words.emplace_back("writeback_cache");
  sync = random.chance(8);
  if (sync) words.emplace_back("sync");
  dirsync = random.chance(8);
  if (dirsync) words.emplace_back("dirsync");
  if (random.chance(15)) words.emplace_back("flushoncommit");
  if (random.chance(30)) words.emplace_back("commit=1");
  if (random.chance(30))
    words.emplace_back(random.pick<const char*>({"noatime", "strictatime", "nodiratime"}));
  if (random.chance(15)) words.emplace_back("notreelog");
  if (random.chance(20)) words.emplace_back("discard");
  if (random.chance(30))
    words.push_back(random.pick<const char*>({"max_inline=0", "max_inline=100", "max_inline=4095"}));
  if (random.chance(20)) words.emplace_back(random.pick<const char*>({"cache_size=1M", "cache_size=4M"}));
  if (random.chance(15)) words.emplace_back("thread_pool=1");
  options = join(words, ",");

  const auto& styles = all_styles();
  style = styles[random.pick_weighted({30, 20, 20, 12, 12, 16})];
  for (const Style& candidate : styles)
    if (candidate.name == only_style) style = candidate;
  for (size_t act = 0; act < style.weights.size(); ++act)
    if (std::find(without.begin(), without.end(), name_of(static_cast<Act>(act))) != without.end())
      style.weights[act] = 0;
  clean = random.chance(8);
  if (random.chance(40))
    after_fsync = true;
  else if (random.chance(60))
    delay_us = static_cast<int>(random.below(120'000));
  style.calls = static_cast<int>(random.between(5, static_cast<uint64_t>(style.calls)));
}

std::string LifeSetting::text() const {
  return fmt::format("style {}, mount -o {}, {}", style.name, options.empty() ? "rw" : options,
                     clean           ? "clean unmount"
                     : delay_us >= 0 ? fmt::format("killed after {} us", delay_us)
                     : after_fsync ? fmt::format("killed after the first fsync behind {} calls", style.calls)
                                   : fmt::format("killed after {} calls", style.calls));
}

}  // namespace butterfuse::seams
