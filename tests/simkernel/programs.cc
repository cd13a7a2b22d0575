// SPDX-License-Identifier: GPL-2.0-or-later
// Programs: choosing calls.
#include "tests/simkernel/programs.h"

#include <linux/falloc.h>

#include <algorithm>
#include <random>
#include <thread>

namespace butterfuse::simkernel {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

// Bytes that nobody else has: never zero, and half of them compress.
std::string make_text(std::mt19937_64& random, uint64_t bytes) {
  std::string text(bytes, static_cast<char>(1 + random() % 255));
  if (random() % 2)
    for (char& c : text) c = static_cast<char>(1 + random() % 255);
  return text;
}

class Program {
 public:
  Program(SimThreads& sim, SimKernel& kernel, const std::vector<SimInode*>& inodes, const ProgramShape& shape,
          uint64_t seed)
      : sim_(sim), kernel_(kernel), shape_(shape), random_(seed) {
    for (SimInode* inode : inodes) files_.push_back(&kernel_.open(*inode));
  }

  void run() {
    for (int i = 0; i < shape_.operations; ++i) step();
    close();
  }
  void run_mapped() {
    for (int i = 0; i < shape_.operations * 2; ++i) mapped_step();
    close();
  }

 private:
  uint64_t random(uint64_t below) { return random_() % below; }
  SimFile& pick() { return *files_[random(files_.size())]; }
  void close() {
    for (SimFile* file : files_) kernel_.close(*file);
  }

  uint64_t some_length() {
    static constexpr uint64_t kLengths[] = {1, 100, 1000, 3000, 4096, 8192};
    return random(3) == 0 ? 1 + random(shape_.file_max / 2) : kLengths[random(6)];
  }
  uint64_t some_offset(const SimFile& file) {
    const uint64_t offset = random(std::min(file.inode.size, shape_.file_max) + 1);
    return random(3) == 0 ? offset / kSimPage * kSimPage : offset;
  }

  void step() {
    SimFile& file = pick();
    const uint64_t size = file.inode.size;
    if (random(100) < static_cast<uint64_t>(shape_.fsync_percent)) return kernel_.sync(file);
    switch (random(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        if (size < shape_.file_max)
          kernel_.write(file, size, make_text(random_, some_length()), random(6) == 0);
        return;
      case 5:
      case 6:
      case 7:
        return kernel_.write(file, some_offset(file), make_text(random_, some_length()), random(6) == 0);
      case 8:
        if (size < shape_.file_max)
          kernel_.write(file, size + random(20'000), make_text(random_, some_length()), false);
        return;
      case 9:
      case 10:
        return kernel_.read(file, some_offset(file), 1 + random(size + 5000));
      case 11: {
        const uint64_t blocks = 1 + random(8);
        return kernel_.write_direct(file, some_offset(file) / 512 * 512, make_text(random_, blocks * 2048));
      }
      case 12:
        return kernel_.read_direct(file, some_offset(file) / 512 * 512, 512 * (1 + random(32)));
      case 13:
      case 14: {
        const uint64_t choices[] = {0, random(size + 1), std::min(size + random(30'000), 2 * shape_.file_max),
                                    size};
        return kernel_.truncate(file, choices[random(4)]);
      }
      case 15:
      case 16: {
        static constexpr int kModes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                         FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
        return kernel_.allocate(file, kModes[random(5)], some_offset(file), 1 + random(30'000));
      }
      case 17:
      case 18:
      case 19:
        return copy();
      case 20:
        return kernel_.seek(file, some_offset(file), random(2));
      case 21:
        random(2) ? kernel_.stat(file.inode) : kernel_.drop_clean_pages(file.inode);
        return;
      case 22:
        return kernel_.commit(file);
      default:
        return sim_.sleep_ns(random(4) == 0 ? random(3000) * kNsPerMs : random(kNsPerMs));
    }
  }

  void copy() {
    SimFile& from = pick();
    SimFile& to = pick();
    const uint64_t size = from.inode.size;
    if (&from == &to || size == 0) return;
    uint64_t offset = random(size), target = random(std::min(to.inode.size, shape_.file_max) + 5000);
    if (random(3) != 0) offset -= offset % kSimPage, target -= target % kSimPage;
    const uint64_t length = random(2) ? size - offset : 1 + random(size - offset);
    kernel_.copy(from, offset, to, target, length);
  }

  void mapped_step() {
    SimFile& file = pick();
    const uint64_t size = file.inode.size;
    if (size == 0) return sim_.sleep_ns(random(kNsPerMs));
    const uint64_t offset = random(size);
    switch (random(8)) {
      case 0:
        return kernel_.sync(file, offset / kSimPage * kSimPage, (offset + 10'000) / kSimPage * kSimPage);
      case 1:
        return sim_.sleep_ns(random(kNsPerMs));
      case 2:
        if (random(3) == 0) return kernel_.drop_clean_pages(file.inode);
        return kernel_.seek(file, random(2) ? 0 : offset, true);
      default:
        return kernel_.store(file, offset, make_text(random_, std::min(size - offset, 1 + random(6000))));
    }
  }

  SimThreads& sim_;
  SimKernel& kernel_;
  const ProgramShape shape_;
  std::mt19937_64 random_;
  std::vector<SimFile*> files_;
};

}  // namespace

void run_programs(SimThreads& sim, SimKernel& kernel, const std::vector<SimInode*>& inodes,
                  std::list<NameProgram>& name_programs, const ProgramShape& shape, uint64_t seed) {
  std::vector<SimFile*> held;  // so that there is always one that the kernel may write through
  for (SimInode* inode : inodes) held.push_back(&kernel.open(*inode));
  std::vector<std::thread> threads;
  for (int i = 0; i < shape.programs; ++i)
    threads.emplace_back(
        [&, i] { Program(sim, kernel, inodes, shape, seed * 16 + static_cast<uint64_t>(i)).run(); });
  threads.emplace_back([&] { Program(sim, kernel, inodes, shape, seed * 16 + 14).run_mapped(); });
  for (NameProgram& program : name_programs) threads.emplace_back([&] { program.run(); });
  bool ended = false;
  std::thread writeback([&] {
    std::mt19937_64 random(seed * 16 + 15);
    while (!ended) {
      sim.sleep_ns(random() % 4 == 0 ? random() % kNsPerMs : random() % (kNsPerMs / 20));
      kernel.write_back_some(*inodes[random() % inodes.size()]);
    }
  });
  for (std::thread& thread : threads) thread.join();
  ended = true;
  writeback.join();
  for (SimFile* file : held) {
    kernel.read(*file, 0, file->inode.size + 1);
    kernel.stat(file->inode);
    kernel.close(*file);
  }
}

}  // namespace butterfuse::simkernel
