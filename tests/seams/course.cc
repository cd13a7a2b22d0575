// SPDX-License-Identifier: GPL-2.0-or-later
// Course: the way of an image.
#include "tests/seams/course.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/seams/file_worker.h"
#include "tests/seams/found_tree.h"
#include "tests/seams/name_worker.h"
#include "tests/support/run_command.h"

namespace butterfuse::seams {
namespace {

constexpr int64_t kLifeLimit_us = 120'000'000;
constexpr unsigned long kCommitIoctl = 0x9408;
constexpr size_t kTraceLines = 40;

// The image as the kill left it: a mount changes it.
std::string crashed_image(const Place& place) { return place.folder + "/crashed"; }

std::string indented(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

bool have_external_checker() {
  static const bool have = [] {
    const bool found = have_program("btrfs");
    if (!found) fmt::print("SKIP: btrfs check, as btrfs-progs is not installed\n");
    return found;
  }();
  return have;
}

}  // namespace

Course::Course(uint64_t seed, const CourseOptions& options, CourseCounts& counts)
    : options_(options),
      counts_(counts),
      setting_(seed, options.never_full),
      random_(seed * 7 + 5),
      daemon_({.binary = options.binary, .folder = options.folder}) {
  std::filesystem::create_directories(daemon_.place().mountpoint());
}

Course::~Course() { std::filesystem::remove(daemon_.place().image()); }

void Course::run() {
  ++counts_.courses;
  const std::string image = daemon_.place().image();
  std::filesystem::remove(image);
  std::ofstream(image).close();
  std::filesystem::resize_file(image, setting_.image_bytes);
  std::vector<std::string> command{options_.binary, "mkfs", "-q"};
  command.insert(command.end(), setting_.mkfs.begin(), setting_.mkfs.end());
  command.push_back(image);
  if (const auto made = run_command(command); !made.ok()) {
    fail({"mkfs: " + made.output});
    return;
  }
  found_.is_dir = true;
  for (number_ = 0; number_ < options_.lives && !options_.stop(); ++number_)
    if (!live(number_)) return;
  if (mount_and_judge("")) check_unmounted();
}

bool Course::live(int number) {
  const LifeSetting setting(setting_, number, options_.only_style, options_.without);
  if (!mount_and_judge(setting.options)) return false;
  if (number > 0 && random_.chance(options_.check_percent)) {
    if (!check_unmounted() || !mount_and_judge(setting.options)) return false;
  }
  life_setting_ = std::make_unique<LifeSetting>(setting);
  life_ = prepare(*life_setting_);
  run_threads(*life_);
  if (const auto complaints = life_->complaints(); !complaints.empty()) return fail(complaints);
  return true;
}

// Leaves it mounted; what was found there is what the next life begins with.
bool Course::mount_and_judge(const std::string& mount_options) {
  if (const auto problem = daemon_.start(mount_options)) return fail({*problem});
  std::vector<std::string> problems;
  FoundNode found = read_tree(daemon_.place().mountpoint(), problems);
  if (life_) {
    const bool ordered = !life_->setting.writeback_cache;
    for (const auto& file : life_->files) {
      const auto here = found.entries.find(file->name);
      const std::string problem =
          here == found.entries.end() ? "it is gone" : file->model->problem(here->second.content, ordered);
      if (!problem.empty()) problems.push_back(file->name + ": " + problem);
    }
    for (const auto& folder : life_->folders) {
      const auto here = found.entries.find(folder->name);
      if (here == found.entries.end())
        problems.push_back(folder->name + ": it is gone");
      else
        for (const std::string& problem : folder->model->problems(here->second, ordered))
          problems.push_back(folder->name + "/" + problem);
    }
  }
  if (!problems.empty()) return fail(problems);
  found_ = std::move(found);
  if (!life_) return true;
  for (const auto& file : life_->files) file->model->adopt(found_.entries.at(file->name).content);
  for (const auto& folder : life_->folders)
    folder->model = std::make_unique<NamesModel>(found_.entries.at(folder->name));
  return true;
}

bool Course::check_unmounted() {
  if (const auto problem = daemon_.unmount()) return fail({*problem});
  const std::string image = daemon_.place().image();
  if (!run_checker({options_.binary, "check", "--check-data-csum", image}, false)) return false;
  if (random_.chance(100 * options_.btrfs_check_percent / std::max(options_.check_percent, 1u)) &&
      have_external_checker())
    return run_checker({"btrfs", "check", "--check-data-csum", image}, true);
  return true;
}

bool Course::run_checker(const std::vector<std::string>& command, bool is_external) {
  ++(is_external ? counts_.external_checks : counts_.checks);
  const auto result = run_command(command);
  if (result.ok()) return true;
  return fail({fmt::format("{} check ends with {}: {}", command[0], result.exit_code,
                           result.output.substr(0, std::min<size_t>(result.output.size(), 3000)))});
}

// All but a little of the data space is preallocated.
void Course::fill_up() {
  const std::string path = daemon_.place().mountpoint() + "/filler";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  struct statvfs space {};
  statvfs(path.c_str(), &space);
  uint64_t at = 0, left = space.f_bavail * space.f_frsize;
  for (uint64_t step = 32 << 20; step >= 64 << 10;) {
    const uint64_t bytes = std::min(step, left > setting_.leave_bytes ? left - setting_.leave_bytes : 0);
    if (bytes < 64 << 10) break;
    if (fallocate(fd, 0, static_cast<off_t>(at), static_cast<off_t>(bytes)) != 0) {
      step /= 2;
      continue;
    }
    at += bytes;
    statvfs(path.c_str(), &space);
    left = space.f_bavail * space.f_frsize;
  }
  close(fd);
}

void Course::add_file(Life& life, const std::string& name, Random& random, bool in_use) {
  const Style& style = life.setting.style;
  auto file = std::make_unique<SharedFile>();
  file->name = name;
  const auto here = found_.entries.find(name);
  const std::string content = here == found_.entries.end() ? std::string() : here->second.content;
  std::vector<uint64_t> borders{0};
  for (int zone = 1; in_use && zone < style.zones; ++zone)
    borders.push_back(random.offset(1, style.file_bytes * 3 / 4));
  std::sort(borders.begin(), borders.end());
  borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
  const uint64_t capacity = std::max<uint64_t>(style.file_bytes, content.size() + (64 << 10));
  file->model = std::make_unique<FileModel>(borders, capacity, content);
  file->owners.assign(borders.size(), -1);
  if (borders.size() > 1) (random.chance(60) ? file->may_direct : file->may_map) = false;
  if (setting_.fills()) file->may_map = false;
  life.files.push_back(std::move(file));
}

// Files and folders are there, every thread has work, and no zone but the last begins behind the end.
std::unique_ptr<Life> Course::prepare(const LifeSetting& setting) {
  auto life = std::make_unique<Life>(setting_, *life_setting_, daemon_);
  Random random(setting.seed * 3 + 1);
  const Style& style = setting.style;
  const bool is_first = found_.entries.empty();
  for (int i = 0; i < 3; ++i) add_file(*life, fmt::format("f{}", i), random, i < style.files);
  for (auto& file : life->files) {
    const int fd = open(life->path(file->name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    const uint64_t least = file->model->zone(file->model->zones() - 1).start, size = file->model->size();
    if (fd >= 0 && size < least) {
      std::string bytes = random.bytes(least - size, 0xabcdef);
      const bool write = random.chance(60);
      const Pending pending = write ? file->model->begin_write(size, bytes, setting.writeback_cache)
                                    : file->model->begin_resize(least);
      const long done = write ? pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(size))
                              : ftruncate(fd, static_cast<off_t>(least));
      if (done == (write ? static_cast<long>(bytes.size()) : 0))
        file->model->end(pending, life->clock);
      else if (setting_.fills())
        file->model->end_after(pending, done > 0 ? static_cast<uint64_t>(done) : 0, life->clock);
      else
        life->complain(fmt::format("preparing {}: {}", file->name, done));
    }
    const uint64_t time = life->clock.tick();
    if (random.chance(60) && fsync(fd) == 0) file->model->promise_all(time);
    close(fd);
  }
  std::vector<std::pair<SharedFile*, size_t>> zones;
  for (int i = 0; i < style.files; ++i)
    for (size_t zone = 0; zone < life->files[i]->owners.size(); ++zone)
      zones.push_back({life->files[i].get(), zone});
  for (size_t i = zones.size(); i > 1; --i) std::swap(zones[i - 1], zones[random.below(i)]);
  for (size_t i = 0; i < zones.size(); ++i)
    zones[i].first->owners[zones[i].second] = static_cast<int>(i % static_cast<size_t>(style.threads));
  // A file that no space made too short for its zones is one thread's: only one may make it longer.
  for (auto& file : life->files)
    if (file->model->size() < file->model->zone(file->model->zones() - 1).start)
      std::fill(file->owners.begin(), file->owners.end(), file->owners.back());
  for (int i = 0; i < 3; ++i) {
    auto folder = std::make_unique<OwnFolder>();
    folder->name = fmt::format("n{}", i);
    folder->owner = i < style.name_threads ? style.threads + i : -1;
    if (is_first) std::filesystem::create_directory(life->path(folder->name));
    FoundNode top = is_first ? FoundNode{.ino = 0, .is_dir = true, .nlink = 1, .content = {}, .entries = {}}
                             : found_.entries.at(folder->name);
    folder->model = std::make_unique<NamesModel>(top);
    life->folders.push_back(std::move(folder));
  }
  life->killer = static_cast<int>(random.below(static_cast<uint64_t>(style.threads + style.name_threads)));
  if (!is_first) return life;
  if (setting_.fills()) fill_up();
  const int fd = open(daemon_.place().mountpoint().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const uint64_t time = life->clock.tick();
  if (ioctl(fd, kCommitIoctl) != 0) life->complain("the first commit failed");
  for (auto& file : life->files) file->model->promise_what_daemon_has(time, !setting.writeback_cache);
  close(fd);
  return life;
}

void Course::run_threads(Life& life) {
  const Style& style = life.setting.style;
  std::vector<std::unique_ptr<Calls>> workers;
  for (int i = 0; i < style.threads; ++i) workers.push_back(std::make_unique<FileWorker>(life, i));
  for (auto& folder : life.folders)
    if (folder->owner >= 0) workers.push_back(std::make_unique<NameWorker>(life, folder->owner, *folder));
  std::vector<std::thread> threads;
  for (auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
  const bool ended = life.setting.clean
                         ? life.wait_for_threads(kLifeLimit_us, static_cast<int>(threads.size()))
                     : life.setting.delay_us >= 0 ? life.wait(life.setting.delay_us) || true
                                                  : life.wait(kLifeLimit_us);
  if (!ended) life.complain("it comes to no end; the daemon's threads wait in\n" + daemon_.stacks());
  const bool clean = life.setting.clean && !life.is_over();
  if (!clean) life.end();
  for (std::thread& thread : threads) thread.join();
  workers.clear();
  end_life(life);
}

void Course::end_life(Life& life) {
  if (life.is_over()) {
    ++counts_.kills;
    if (const auto problem = daemon_.bury()) life.complain(*problem);
    keep_image();
    return;
  }
  ++counts_.clean;
  const auto problem = daemon_.unmount();
  const uint64_t now = life.clock.tick();
  if (problem) life.complain(*problem);
  for (auto& file : life.files) file->model->promise_all(now);
  for (auto& folder : life.folders) folder->model->promise_unmounted(now);
  keep_image();
}

void Course::keep_image() {
  if (options_.keep_folder.empty()) return;
  run_command({"cp", "--sparse=always", daemon_.place().image(), crashed_image(daemon_.place())});
}

bool Course::fail(const std::vector<std::string>& problems) {
  ++counts_.violations;
  std::string text = fmt::format("course {} life {}: {}\n", setting_.seed, number_, setting_.text());
  if (life_) text += "  before: " + life_->setting.text() + "\n";
  text += indented(
      std::vector(problems.begin(),
                  problems.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(problems.size(), 8))));
  const std::string word = problems.front().substr(0, 2);
  if (life_)
    text += life_->trace.last(kTraceLines,
                              word == "f0" || word == "f1" || word == "f2" || word[0] == 'n' ? word : "");
  options_.report(text);
  if (!options_.keep_folder.empty()) {
    const std::string folder =
        fmt::format("{}/course-{}-life-{}", options_.keep_folder, setting_.seed, number_);
    std::filesystem::create_directories(folder);
    std::error_code ignored;
    std::filesystem::rename(crashed_image(daemon_.place()), folder + "/image", ignored);
    if (ignored) run_command({"mv", crashed_image(daemon_.place()), folder + "/image"});
    run_command({"cp", daemon_.place().log(), folder + "/log"});
    std::ofstream(folder + "/report") << text << "\n" << (life_ ? life_->trace.all() : std::string());
  }
  return false;
}

}  // namespace butterfuse::seams
