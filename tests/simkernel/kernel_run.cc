// SPDX-License-Identifier: GPL-2.0-or-later
// KernelRun: preparing, recording, cutting, judging.
#include "tests/simkernel/kernel_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "fs/data/fallocate.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/options/parse_options.h"
#include "tests/crash/crash_states.h"
#include "tests/crash/found_tree.h"
#include "tests/crash/judge.h"
#include "tests/crash/model_course.h"
#include "tests/crash/work_folder.h"
#include "tests/simkernel/programs.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::simkernel {
namespace {

using namespace crash;

constexpr int kLives = 2;
constexpr int kToldMax = 3;  // of one workload; one fault fails hundreds of states
constexpr size_t kProblemsShown = 5, kEventsShown = 40;
constexpr const char* kNames[] = {"a", "b", "c"};
constexpr int kNameProgramsMax = 2;  // each in a folder of its own, in each life another one
constexpr int kNameOperations[] = {6, 15, 40};
constexpr int kOperations[] = {4, 8, 16, 30};
constexpr uint64_t kFileMax[] = {12'000, 60'000, 200'000};
constexpr const char* kCommits[] = {"1", "5", "3600"};

std::string folder_name(int life, int program) { return fmt::format("names{}.{}", life, program); }

// What lies in a directory, as if it were all.
FoundTree found_in(const FoundTree& all, uint64_t root) {
  FoundTree tree;
  tree.root = root;
  std::vector<uint64_t> to_visit = {root};
  while (!to_visit.empty()) {
    const uint64_t ino = to_visit.back();
    to_visit.pop_back();
    const auto here = all.inodes.find(ino);
    if (here == all.inodes.end() || !tree.inodes.emplace(*here).second) continue;
    for (const auto& [name, child] : here->second.entries) to_visit.push_back(child);
  }
  tree.inodes[root].names.clear();
  return tree;
}

// A full disk is none of the settings: what a program asks for must work.
Setting setting_of(uint64_t seed) {
  Setting setting(seed);
  if (setting.start == Start::full) setting = Setting(0);
  setting.mkfs.uuid = Uuid::parse(fmt::format("5eed5eed-0000-4000-8000-{:012x}", seed));
  return setting;
}

class KernelRun {
 public:
  KernelRun(uint64_t seed, const CrashRunOptions& options, CrashCounts& counts)
      : seed_(seed), random_(seed), setting_(setting_of(seed)), options_(options), counts_(counts) {
    writeback_cache_ = random_() % 3 == 0;
    shape_.operations = kOperations[random_() % std::size(kOperations)];
    shape_.file_max = kFileMax[random_() % std::size(kFileMax)];
    shape_.programs = 1 + static_cast<int>(random_() % 3);
    shape_.fsync_percent = shape_.operations <= 8 ? 35 : 20;
    text_ = std::string(writeback_cache_ ? "writeback_cache,commit=" : "commit=") + kCommits[random_() % 3];
    name_programs_ = static_cast<int>(random_() % (kNameProgramsMax + 1));
    name_shape_ = {.operations = kNameOperations[random_() % std::size(kNameOperations)],
                   .fsync_percent = 25,
                   .writeback_cache = writeback_cache_};
  }

  void run() {
    ++counts_.workloads;
    Disks disks = setting_.make_disks();
    prepare(disks);
    for (life_ = 1; life_ <= kLives && !disks.empty() && told_ < kToldMax; ++life_) disks = live(disks);
  }

 private:
  MountOptions mount_options() const {
    MountOptions parsed;
    must(parse_mount_options(setting_.options + "," + text_ + ",thread_pool=2,sandbox=off", parsed));
    return parsed;
  }

  // Some bytes, an end that is not a page's, a hole, preallocated space.
  void prepare(const Disks& disks) {
    auto mount = must(Mount::open(share(disks), setting_.mount_options()));
    {
      const InodePtr folder = must(work_folder(*mount));
      uint64_t size = 0;
      for (const char* name : kNames) {
        NewInode what;
        what.mode = S_IFREG | 0644;
        auto file = must(open_file(*mount, must(create(*mount, *folder, name, what, {})), O_RDWR, {}));
        const std::string text(size, name[0]);
        must(write_file(*mount, *file, {.offset = size / 3, .pieces = {as_bytes(text)}}, {}));
        if (size > 0) must(fallocate(*mount, *file->inode, 0, ByteRange::at(size * 2, size)));
        size = 1 + random_() % shape_.file_max / 3;
      }
      NewInode directory;
      directory.mode = S_IFDIR | 0755;
      for (int life = 1; life <= kLives; ++life)
        for (int i = 0; i < name_programs_; ++i)
          must(create(*mount, *folder, folder_name(life, i), directory, {}));
    }
    must(mount->close());
  }

  // One life; what a crash left at some point of it.
  Disks live(const Disks& disks) {
    const FoundTree before = found_on(disks);
    auto trace = std::make_shared<Trace>();
    record(disks, trace, before);
    if (!problems_.empty()) violation("before any crash", UINT64_MAX, problems_);
    uint64_t visited = 0;
    CrashStates(trace->events(), disks, seed_).for_each([&](const CrashState& state) {
      ++visited;
      judge(state);
      return told_ < kToldMax && (!options_.stop || !options_.stop());
    });
    return visited == 0 ? Disks() : state_with_number(random_() % visited, trace->events(), disks);
  }

  // States share what is durable, which grows as they are walked: one that is kept is the last of a walk.
  Disks state_with_number(uint64_t number, std::vector<TraceEvent> events, const Disks& disks) const {
    Disks kept;
    CrashStates(std::move(events), disks, seed_).for_each([&](const CrashState& state) {
      if (number-- > 0) return true;
      kept.assign(state.devices.begin(), state.devices.end());
      return false;
    });
    return kept;
  }

  FoundTree found_on(const Disks& disks) const {
    std::vector<std::shared_ptr<MemoryDevice>> copies;
    for (const auto& disk : disks) copies.push_back(std::make_shared<MemoryDevice>(disk));
    auto mount = must(Mount::open(share(copies), setting_.mount_options()));
    FoundTree found = must(find_tree(*mount));
    must(mount->close());
    return found;
  }

  void record(const Disks& disks, const std::shared_ptr<Trace>& trace, const FoundTree& before) {
    BlockDevices devices;
    for (const auto& disk : disks)
      devices.push_back(std::make_unique<RecordingDevice>(std::make_shared<MemoryDevice>(disk), trace,
                                                          static_cast<uint32_t>(devices.size())));
    const MountOptions options = mount_options();
    const uint64_t seed = seed_ * kLives + static_cast<uint64_t>(life_);
    SimThreads sim(seed, [&](const std::string& text) { stuck(text); });
    auto mount = must(Mount::open(std::move(devices), options));
    {
      FuseChannel channel(sim, *mount, writeback_cache_);
      SimKernel kernel(sim, *trace, channel, writeback_cache_);
      kernel_ = &kernel;
      const bool has_folder = setting_.start != Start::fresh;
      uint64_t ino = 0, folder = NodeIds::kRootNode;
      if (has_folder) folder = kernel.look_up(folder, kWorkFolder, ino);
      std::vector<SimInode*> inodes;
      for (const char* name : kNames) {
        const uint64_t node = kernel.look_up(folder, name, ino);
        inodes.push_back(&kernel.inode_of(node, ino, before.inodes.at(ino).content));
      }
      std::list<NameProgram> name_programs;
      for (int i = 0; i < name_programs_; ++i) {
        const uint64_t node = kernel.look_up(folder, folder_name(life_, i), ino);
        name_programs.emplace_back(sim, *trace, channel, kernel, node, ino, name_shape_,
                                   seed * kNameProgramsMax + static_cast<uint64_t>(i));
      }
      run_programs(sim, kernel, inodes, name_programs, shape_, seed);
      problems_ = kernel.problems();
      events_ = kernel.events();
      expected_.clear(), courses_.clear();
      for (const SimInode* inode : inodes) expected_.push_back(inode->expected);
      for (const NameProgram& program : name_programs) {
        if (!program.problems().empty())
          problems_.push_back(describe(program.problems(), program.steps(), [](size_t) { return ""; }));
        courses_.emplace_back(Model(program.model().root()), program.steps());
      }
      kernel_ = nullptr;
    }
    must(mount->close());
    mount.reset();
  }

  // Threads that wait for ever can't be ended: the seed is told, and the program ends.
  void stuck(const std::string& text) {
    if (kernel_ != nullptr) events_ = kernel_->events();
    violation("while it ran", UINT64_MAX, {text});
    std::fflush(stdout);
    _exit(1);
  }

  void judge(const CrashState& state) {
    ++counts_.states;
    for (ModelCourse& course : courses_) course.advance(state.time);
    const bool again = options_.second_mount_every && counts_.states % options_.second_mount_every == 0;
    std::vector<std::string> problems = mount_and_compare(state);
    if (problems.empty()) problems = check_all(share(state.devices));
    if (problems.empty() && again) {
      ++counts_.second_mounts;
      problems = mount_and_compare(state);
    }
    if (problems.empty()) return;
    violation(state.what, state.time, problems);
    if (!options_.keep_folder.empty()) save_devices(state.devices, options_.keep_folder);
  }

  std::vector<std::string> mount_and_compare(const CrashState& state) const {
    auto mount = Mount::open(share(state.devices), setting_.mount_options());
    if (!mount) return {"mount: " + mount.error().message};
    auto tree = find_tree(**mount);
    if (!tree) return {"walk: " + tree.error().message};
    std::vector<std::string> problems;
    for (const ExpectedFile& file : expected_) {
      const auto found = tree->inodes.find(file.ino());
      const std::string problem = found == tree->inodes.end()
                                      ? "is lost"
                                      : file.problem_after_crash(found->second.content, state.time);
      if (!problem.empty()) problems.push_back(fmt::format("inode {}: {}", file.ino(), problem));
    }
    for (const ModelCourse& course : courses_) {
      const auto wrong = course.model().problems(found_in(*tree, course.model().root()), setting_.atom);
      if (!wrong.empty())
        problems.push_back(
            "names:" + describe(wrong, course.steps_made(), [&](size_t i) { return course.state_of(i); }));
    }
    if (const Status closed = (*mount)->close(); !closed)
      problems.push_back("unmount: " + closed.error().message);
    return problems;
  }

  void violation(const std::string& where, uint64_t time, const std::vector<std::string>& problems) {
    ++counts_.violations;
    ++told_;
    std::string text = fmt::format(
        "kernel workload {}, life {} ({}; {}; {} programs, {} calls, {} bytes; {} of names), {}:", seed_,
        life_, setting_.text, text_, shape_.programs, shape_.operations, shape_.file_max, name_programs_,
        where);
    for (size_t i = 0; i < std::min(problems.size(), kProblemsShown); ++i) text += "\n    " + problems[i];
    size_t end = 0;
    while (end < events_.size() && std::stoull(events_[end]) < time) ++end;
    for (size_t i = end > kEventsShown ? end - kEventsShown : 0; i < end; ++i)
      text += "\n    at " + events_[i];
    if (options_.report) options_.report(text);
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  const Setting setting_;
  const CrashRunOptions& options_;
  CrashCounts& counts_;
  bool writeback_cache_ = false;
  ProgramShape shape_;
  std::string text_;  // options of this kind
  int name_programs_ = 0;
  NameShape name_shape_;
  int life_ = 0, told_ = 0;
  const SimKernel* kernel_ = nullptr;  // while it runs
  std::vector<ExpectedFile> expected_;
  std::vector<ModelCourse> courses_;  // of names
  std::vector<std::string> problems_, events_;
};

}  // namespace

void run_kernel_workload(uint64_t seed, const CrashRunOptions& options, CrashCounts& counts) {
  KernelRun(seed, options, counts).run();
}

}  // namespace butterfuse::simkernel
