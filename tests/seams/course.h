// SPDX-License-Identifier: GPL-2.0-or-later
// Course: one image and its lives: mounted, worked on, killed, mounted again and judged.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/seams/life.h"

namespace butterfuse::seams {

struct CourseOptions {
  std::string binary, folder;  // of the program, and to work in
  std::string keep_folder;     // for what a violation leaves; empty: none
  std::string only_style;
  std::vector<std::string> without;  // acts
  bool never_full = false;           // leave out images with next to no space left
  int lives = 8;
  unsigned check_percent = 35, btrfs_check_percent = 12;  // of the lives
  std::function<void(const std::string&)> report;         // a violation, in words
  std::function<bool()> stop;
};

struct CourseCounts {
  uint64_t courses = 0, kills = 0, clean = 0, checks = 0, external_checks = 0, violations = 0;
};

class Course {
 public:
  Course(uint64_t seed, const CourseOptions& options, CourseCounts& counts);
  ~Course();
  // Life after life, until something is wrong or it is over.
  void run();

 private:
  bool live(int number);
  bool mount_and_judge(const std::string& mount_options);
  bool check_unmounted();
  bool run_checker(const std::vector<std::string>& command, bool is_external);
  void fill_up();
  std::unique_ptr<Life> prepare(const LifeSetting& setting);
  void add_file(Life& life, const std::string& name, Random& random, bool in_use);
  void run_threads(Life& life);
  void end_life(Life& life);
  void keep_image();
  bool fail(const std::vector<std::string>& problems);

  const CourseOptions& options_;
  CourseCounts& counts_;
  const CourseSetting setting_;
  Random random_;
  Daemon daemon_;
  std::unique_ptr<LifeSetting> life_setting_;
  std::unique_ptr<Life> life_;  // the one that was ended last, until it is judged
  FoundNode found_;             // durable
  int number_ = 0;
};

}  // namespace butterfuse::seams
